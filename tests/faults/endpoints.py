"""Endpoints, and what else the tests of several faults share."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.faults.playing import Echo, Noting, derive
from wsendpoints import ConnectionState, WebSocket, WebSocketDisconnect, handles
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect

__all__ = [
    "FAILING",
    "GONE",
    "NEVER",
    "RECEIVES",
    "SENDS",
    "SILENT",
    "DeliberateError",
    "FailsAtInvalid",
    "FailsAtOnce",
    "FailsInMarked",
    "FailsInStream",
    "FailsInTask",
    "FailsLater",
    "Pushing",
    "echo",
    "failing",
    "quiet",
    "that_fails",
    "until_ended",
    "use",
]


class DeliberateError(Exception):
    """What an application raises."""


SILENT = Dialect(send_after_disconnect="silent")

NEVER = 3600

GONE: Event = {"type": "websocket.disconnect", "code": 1006, "reason": ""}


def quiet(**attributes: Any) -> type[Noting]:
    """Return an endpoint that ignores messages."""
    return derive(Noting, encoding="text", **attributes)


def echo(**attributes: Any) -> type[Noting]:
    """Return an endpoint that sends messages back."""
    return derive(Echo, encoding="text", **attributes)


async def until_ended(websocket: WebSocket) -> None:
    """Look now and then whether the connection is still open, as an application may."""
    while websocket.connection_state is ConnectionState.OPEN:  # noqa: ASYNC110 - no event
        await anyio.sleep(0.001)


class Pushing(Noting):
    """Sends until it is stopped, in each way that there is."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        match data.split()[0]:
            case "push":
                await self.push_on(self.push)
            case "send":
                await self.push_on(websocket.send_text)
            case "task":
                self.start_soon(self.push_on, self.push)
                await anyio.sleep_forever()
            case "reply":
                await websocket.send_text("tick")
                await until_ended(websocket)
                return "tock"
            case _:
                with contextlib.suppress(WebSocketDisconnect):
                    await self.push_on(self.push)
                self.log.append("suppressed")
        return None

    async def push_on(self, push: Callable[[str], Awaitable[None]]) -> None:
        """Send for ever, letting other tasks run after each message."""
        while True:
            await push("tick")
            await checkpoint()


class FailsAtOnce(Noting):
    """Fails before it has to wait."""

    failures: ClassVar[list[BaseException]]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        raise self.failures.pop()


class FailsLater(Noting):
    """Fails once it has waited."""

    failures: ClassVar[list[BaseException]]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await checkpoint()
        raise self.failures.pop()


class FailsInStream(Noting):
    """Fails in the middle of a stream."""

    failures: ClassVar[list[BaseException]]

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        if not data:
            yield "never"
        raise self.failures.pop()


class FailsInTask(Noting):
    """Fails in a task."""

    failures: ClassVar[list[BaseException]]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.start_soon(self.fail)
        await anyio.sleep_forever()

    async def fail(self) -> None:
        """Fail."""
        raise self.failures.pop()


class FailsInMarked(Noting):
    """Fails in a method marked with `handles`."""

    encoding = "json"
    failures: ClassVar[list[BaseException]]

    @handles
    async def number(self, websocket: WebSocket, data: str) -> None:
        """Fail."""
        raise self.failures.pop()


class FailsAtInvalid(Noting):
    """Fails in `on_invalid`."""

    encoding = "json"
    failures: ClassVar[list[BaseException]]

    async def on_receive(self, websocket: WebSocket, data: int) -> None:
        pass

    async def on_invalid(self, websocket: WebSocket, error: Exception) -> None:
        raise self.failures.pop()


FAILING: list[type[Noting]] = [
    FailsAtOnce,
    FailsLater,
    FailsInStream,
    FailsInTask,
    FailsInMarked,
    FailsAtInvalid,
]

failing = pytest.mark.parametrize("base", FAILING, ids=lambda base: base.__name__)


def that_fails(base: type[Noting], failure: BaseException) -> type[Noting]:
    """Return an endpoint that fails with an exception."""
    return derive(base, failures=[failure])


async def use(endpoint: Noting, how: str) -> None:
    """Send or receive in one of the ways there are."""
    websocket = endpoint.websocket
    match how:
        case "push":
            await endpoint.push("x")
        case "send_text":
            await websocket.send_text("x")
        case "send_bytes":
            await websocket.send_bytes(b"x")
        case "send_json":
            await websocket.send_json("x")
        case "send":
            await websocket.send({"type": "websocket.send", "text": "x"})
        case "receive_text":
            await websocket.receive_text()
        case "receive_bytes":
            await websocket.receive_bytes()
        case _:
            await websocket.receive_json()


SENDS = ["push", "send_text", "send_bytes", "send_json", "send"]

RECEIVES = ["receive_text", "receive_bytes", "receive_json"]
