"""Small ASGI apps for the tests of the test client."""

from collections.abc import Awaitable, Generator, Mapping
from typing import Any, cast

from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send

ACCEPT: Event = {"type": "websocket.accept"}
CLOSE: Event = {"type": "websocket.close"}


def text(data: str) -> Event:
    """Return the event that sends `data`."""
    return {"type": "websocket.send", "text": data}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back each frame, until the client disconnects."""
    await receive()
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


def sending(*events: Mapping[str, Any] | BaseException, waits: bool = True) -> ASGIApp:
    """Return an app that sends or raises `events`, and then waits for the disconnect."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for event in events:
            if isinstance(event, BaseException):
                raise event
            await send(dict(event))
        while waits and (await receive())["type"] != "websocket.disconnect":
            pass

    return app


class Recorder:
    """An app that accepts, and records what it receives up to and with the disconnect."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.events.append(await receive())
        await send(ACCEPT)
        while self.events[-1]["type"] != "websocket.disconnect":
            self.events.append(await receive())


class Bare:
    """An awaitable as an extension module may make them: without `throw` and `close`."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._iterator: Any = awaitable.__await__()

    def __await__(self) -> Generator[Any, Any, Any]:
        return cast("Generator[Any, Any, Any]", self)

    def __iter__(self) -> "Bare":
        return self

    def __next__(self) -> Any:
        return next(self._iterator)

    def send(self, value: Any) -> Any:
        """Go on with `value`, as trio wants it."""
        return self._iterator.send(value)
