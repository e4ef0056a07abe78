"""Mistakes that show while a connection is served: each says what to write instead."""

import logging
from typing import Any

import anyio
import pytest
from starlette.exceptions import HTTPException

import wsendpoints
from tests.clocks import as_asgi
from tests.lifecycle.run_time_mistakes import MISTAKES, Mistake
from wsendpoints import WebSocketEndpoint
from wsendpoints.testing import connect

CHAT = """\
class Chat(WebSocketEndpoint):
    encoding = "json"
    async def save(self, data): ...
    async def words(self, data):
        yield data
"""


def make(code: str) -> type[WebSocketEndpoint]:
    """Return the class `Chat` with some code in its body."""
    names: dict[str, Any] = {name: getattr(wsendpoints, name) for name in wsendpoints.__all__}
    names.update(anyio=anyio, HTTPException=HTTPException)
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    exec(compile(CHAT + lines, "chat.py", "exec"), names)  # noqa: S102 - our own
    chat: type[WebSocketEndpoint] = names["Chat"]
    return chat


@pytest.mark.anyio
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.code)
async def test_mistake_says_what_to_write(
    mistake: Mistake, caplog: pytest.LogCaptureFixture
) -> None:
    """It is an exception, or a warning in the log, and nothing else is told of it, once."""
    said: list[str] = []
    try:
        async with connect(as_asgi(make(mistake.code)), timeout=100) as client:
            for _ in range(2):
                await client.send_json(1)
                await anyio.sleep(20)
            await client.close()
    except Exception as exc:  # noqa: BLE001 - any
        said.append(str(exc))
    said += [it.getMessage() for it in caplog.records if it.levelno >= logging.WARNING]
    assert said == [mistake.text]
