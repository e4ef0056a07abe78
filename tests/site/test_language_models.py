"""The guide to language models works with the real client of one, and a model that is played."""

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import anyio
import httpx2
import pytest
from openai import AsyncOpenAI

from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

PAGE: Final = Path(__file__).parents[2] / "docs" / "language-models.md"


class Words(httpx2.AsyncByteStream):
    """The events of a model that says three words, and never ends.

    Args:
        closed: It is told there that the client has closed the request.
    """

    def __init__(self, closed: list[str]) -> None:
        self.closed = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number in range(3):
            choice = {"index": 0, "delta": {"content": f"word {number}"}, "finish_reason": None}
            chunk = {
                "id": "1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "played",
                "choices": [choice],
            }
            yield f"data: {json.dumps(chunk)}\n\n".encode()
        await anyio.sleep_forever()

    async def aclose(self) -> None:
        self.closed.append("closed")


# The client asks in a thread what machine it is on.
@REAL_TIME
@pytest.mark.parametrize("how", ["stop", "vanish"])
async def test_the_request_to_the_model_ends_with_the_answer(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is stopped, or its client has left."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    page: Any = ModuleType("answers")
    monkeypatch.setitem(sys.modules, page.__name__, page)
    exec(compile(blocks[0], "docs/language-models.md", "exec"), page.__dict__)  # noqa: S102 - our own

    closed: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, stream=Words(closed))

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(respond)) as http:
        model = AsyncOpenAI(api_key="none", base_url="http://model/v1", http_client=http)
        async with connect(page.Answers.as_asgi(model=model), timeout=GENEROUS) as client:
            await client.send(page.Ask(id="1", question="Why?"))
            for number in range(3):
                token = await client.receive(page.Token)
                assert token == page.Token(id="1", text=f"word {number}")
            await client.send(page.Ask(id="1", question="Again?"))
            assert (await client.receive_json())["code"] == "busy"
            if how == "stop":
                await client.send(page.Stop(id="1"))
                assert await client.receive(page.Stopped) == page.Stopped(id="1")
                await client.receive_nothing()
            else:
                client.vanish()
                await client.wait_for_app()
            assert closed == ["closed"]
