"""Servers that are drained by an HTTP request, with clients connected that do all they can do."""

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from .clients import CLIENTS, Client, Closed, Refused
from .conversation import Conversation
from .servers import SERVERS, Process

pytestmark = pytest.mark.anyio

NAMES: Final = ("uvicorn", "granian", "daphne")
"""The one most used, one that is not in Python, and one that can send neither a 503 nor 1012."""

EACH: Final = 10
"""Clients that have said nothing, that have their answer, and that wait for two."""


@pytest.mark.parametrize("name", NAMES)
async def test_all_have_their_answers_and_hear_of_the_restart(name: str, tmp_path: Path) -> None:
    """The request is answered once all have ended; then nobody else is let in."""
    facts = SERVERS[name].facts
    restart = 4012 if name == "daphne" else 1012
    process = Process(SERVERS[name], "tests.interop.drained_app:app", tmp_path / "log")
    try:
        process.wait_until_it_accepts()
        async with AsyncExitStack() as stack, httpx.AsyncClient(timeout=30) as http:

            async def join(*seconds: float) -> Client:
                conversation = Conversation(process, CLIENTS["websockets"])
                client = await stack.enter_async_context(conversation.connect("/slow"))
                for one in seconds:
                    await client.send(json.dumps(one))
                if seconds:
                    assert await client.receive() == '"begun"'
                return client

            quiet = [await join() for _ in range(EACH)]
            idle = [await join(0) for _ in range(EACH)]
            for client in idle:
                assert await client.receive() == "0.0"
            busy = [await join(1, 0.5) for _ in range(EACH)]
            log = (await http.post(f"http://{process.netloc}/drain")).json()
            for client in busy:
                answers = [await client.receive() for _ in range(3)]
                assert answers == ["1.0", '"begun"', "0.5"]
            for client in (*quiet, *idle, *busy):
                assert await client.closed() == Closed(
                    restart, "drain: 0.5 s" if facts.close_reasons else ""
                )
            assert log == {"handled": 3 * EACH, "ended with 1012": 3 * EACH}
            if facts.denial_response:
                with pytest.raises(Refused) as refused:
                    await join()
                assert refused.value.status == 503
                assert refused.value.headers["retry-after"] == "1"
            else:
                late = await join()
                assert (await late.closed()).code == restart
        process.terminate()
        process.wait()
    finally:
        process.kill()
    assert len(process.errors()) == int(facts.logs_denials)
