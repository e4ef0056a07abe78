"""Concurrent handlers, when something cuts in."""

from typing import Any

import anyio
import pytest

from tests.lifecycle.in_flight import Do, Speaking, app_of
from wsendpoints import (
    Limits,
    WebSocket,
)
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_send_of_a_concurrent_reply_is_not_on_errors() -> None:
    """What a middleware raises there was not raised by the handler."""

    class Chat(Speaking):
        async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
            self.log.append(exc)

    log: list[Any] = []
    app = app_of(Chat, log)

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        async def fail(event: Event) -> None:
            if event["type"] == "websocket.send":
                raise KeyError("middleware")
            await send(event)

        await app(scope, receive, fail)

    with pytest.raises(KeyError, match="middleware"):
        async with connect(failing, timeout=30) as client:
            await client.send_json(Do(what="say"))
            await client.expect_close(1011)
    assert log == [1011]


async def test_concurrent_handler_does_not_excuse_invalid_messages() -> None:
    """Messages are counted in the order in which they came."""

    class Chat(Speaking):
        async def work(self) -> None:
            await anyio.sleep(1)

    app = app_of(Chat, [], limits=Limits(max_invalid=2))
    async with connect(app, timeout=30) as client:
        await client.send_json(Do(what="work"))
        await client.send_json({"type": "none"})
        assert (await client.receive_json())["code"] == "invalid_message"
        await anyio.sleep(2)
        await client.send_json({"type": "none"})
        assert (await client.receive_json())["code"] == "invalid_message"
        await client.expect_close(1008)


async def test_close_by_one_handler_lets_others_end() -> None:
    """They have their grace; what waits for its turn is dropped."""

    class Chat(Speaking):
        async def work(self) -> None:
            await anyio.sleep(3)
            self.log.append("worked")

        async def close(self) -> None:
            await anyio.sleep(1)
            await self.websocket.close(4000)
            self.log.append("closed")

    log: list[Any] = []
    limits = Limits(concurrency=2, inbox=2)
    async with connect(app_of(Chat, log, limits=limits), timeout=30) as client:
        await client.send_json(Do(what="work", key="a"))
        await client.send_json(Do(what="close", key="b"))
        # The loop waits for room then.
        for _ in range(5):
            await client.send_json(Do(what="work", key="a"))
        await client.expect_close(4000)
        await client.wait_for_app()
    assert log == ["closed", "worked", 4000]
