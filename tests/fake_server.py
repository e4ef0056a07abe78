"""A server for the tests of a single connection: what it delivers, and what it was sent."""

from collections import deque
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from wsendpoints import WebSocket
from wsendpoints.protocol.asgi import Event, Scope

__all__ = ["CONNECT", "DISCONNECT", "FakeServer", "Script", "binary", "make_scope", "text"]

CONNECT: Event = {"type": "websocket.connect"}
DISCONNECT: Event = {"type": "websocket.disconnect", "code": 4001, "reason": "bye"}


def text(data: str) -> Event:
    """Return the event that delivers a text frame."""
    return {"type": "websocket.receive", "text": data}


def binary(data: bytes) -> Event:
    """Return the event that delivers a binary frame."""
    return {"type": "websocket.receive", "bytes": data}


class FakeServer:
    """Delivers events in order, waits when it has none, and records all that is sent.

    Attributes:
        sent: The events that it accepted.
        failure: What its `send` raises instead of accepting an event.
        refused_codes: The close codes that it raises `failure` for; `None` for all events.
        gate: What its `send` waits for, if it blocks.
        offers: The events that its `send` was called with, accepted or not.
        receives: How often its `receive` was called.
    """

    def __init__(self, *events: Event) -> None:
        self.sent: list[Event] = []
        self.offers: list[Event] = []
        self.receives = 0
        self.failure: BaseException | None = None
        self.refused_codes: range | None = None
        self.gate: anyio.Event | None = None
        self._events = deque(events)
        self._arrival: anyio.Event | None = None

    def deliver(self, *events: Event) -> None:
        """Add events to the queue."""
        self._events.extend(events)
        if self._arrival is not None:
            self._arrival.set()

    async def receive(self) -> Event:
        """Return the next event; cancelling it loses none."""
        self.receives += 1
        await checkpoint()
        while not self._events:
            self._arrival = anyio.Event()
            await self._arrival.wait()
        return self._events.popleft()

    async def send(self, event: Event) -> None:
        """Take an event, fail, or wait, as told."""
        self.offers.append(event)
        await checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None and (
            self.refused_codes is None or event.get("code") in self.refused_codes
        ):
            raise self.failure
        self.sent.append(event)

    def websocket(self, **scope: object) -> WebSocket:
        """Return a WebSocket on this server, with more keys in its scope."""
        full: Scope = {"type": "websocket", "path": "/", **scope}
        return WebSocket(full, self.receive, self.send)

    async def accepted(self, **scope: object) -> WebSocket:
        """Return a WebSocket on this server that is accepted, with nothing sent since."""
        self._events.appendleft(CONNECT)
        websocket = self.websocket(**scope)
        await websocket.accept()
        self.sent.clear()
        self.offers.clear()
        self.receives = 0
        return websocket


def make_scope(**more: Any) -> Scope:
    """Return a scope for an app that is called by hand."""
    return {"type": "websocket", "path": "/", "headers": [], "subprotocols": [], **more}


class Script:
    """A server that delivers what it is given, then waits for ever."""

    def __init__(self, *events: Event, fails: BaseException | None = None) -> None:
        self.events: list[Event] = [{"type": "websocket.connect"}, *events]
        self.sent: list[Event] = []
        self.fails = fails

    async def receive(self) -> Event:
        """Return the next event."""
        await checkpoint()
        if not self.events:
            await anyio.sleep_forever()
        return self.events.pop(0)

    async def send(self, event: Event) -> None:
        """Note an event; data fails, if that is asked for."""
        if event["type"] == "websocket.send" and self.fails is not None:
            raise self.fails
        self.sent.append(event)

    @property
    def closes(self) -> list[int]:
        """The codes of the close events."""
        return [event["code"] for event in self.sent if event["type"] == "websocket.close"]
