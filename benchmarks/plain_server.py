"""The cheapest server that there can be: it runs an application in this process, without sockets.

Its `receive` has the next event at once, or after one turn of the event loop, as a server's that
has to read it from a socket first. Its `send` takes what comes at once, or after one turn, as a
server's whose client is slow to read.
"""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Iterator
from itertools import chain, cycle, islice
from typing import Final, Literal, TypeAlias

from wsendpoints.protocol.asgi import ASGIApp, Event, Scope

__all__ = ["Turn", "ask_for", "connect", "converse", "hold", "make_scope", "replies_of"]

Turn: TypeAlias = Literal["none", "message", "reply"]
"""Whether each message, or each reply, waits for a turn of the event loop."""

_CONNECT: Final[Event] = {"type": "websocket.connect"}
_DISCONNECT: Final[Event] = {"type": "websocket.disconnect", "code": 1000, "reason": ""}

_WARM_UP: Final = 20
"""Connections before those whose memory is counted: they fill caches."""


_SCOPE: Final[Scope] = {
    "type": "websocket",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "scheme": "ws",
    "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 50000),
    "root_path": "",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        (b"accept-language", b"en-US,en;q=0.5"),
        (b"origin", b"http://127.0.0.1:8000"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
    ],
    "subprotocols": [],
    "extensions": {"websocket.http.response": {}},
}
"""What a server says of a page's connection to `/`."""


def make_scope() -> Scope:
    """Return a scope of its own for a connection."""
    return {**_SCOPE, "state": {}}


async def converse(
    app: ASGIApp,
    frames: list[str],
    messages: int,
    *,
    turn: Turn = "none",
) -> tuple[float, list[Event]]:
    """Serve a connection of so many messages.

    Args:
        app: What serves it.
        frames: What the client sends, again and again.
        messages: How many of them, until it disconnects.
        turn: What waits for a turn of the event loop.

    Returns:
        The seconds from the first message to the last reply, and the events that it sent.
    """
    times: list[float] = []

    def note_time() -> Iterator[Event]:
        times.append(time.perf_counter())
        yield from ()

    incoming = [_receive_event(frame) for frame in frames]
    # Its steps are in C, except the one that notes the time.
    events = chain([_CONNECT], note_time(), islice(cycle(incoming), messages))
    sent: list[Event] = []

    async def receive_at_once() -> Event:
        for event in events:
            return event
        return await disconnect()

    async def receive_after_a_turn() -> Event:
        await asyncio.sleep(0)
        for event in events:
            return event
        return await disconnect()

    async def disconnect() -> Event:
        # Some answer in tasks of their own.
        while len(sent) <= messages:  # noqa: ASYNC110 - `send` is to do no more than it must
            await asyncio.sleep(0)
        times.append(time.perf_counter())
        return _DISCONNECT

    async def send_at_once(event: Event) -> None:
        sent.append(event)

    async def send_in_a_turn(event: Event) -> None:
        await asyncio.sleep(0)
        sent.append(event)

    receive = receive_after_a_turn if turn == "message" else receive_at_once
    send = send_in_a_turn if turn == "reply" else send_at_once
    await app(make_scope(), receive, send)
    return times[1] - times[0], sent


async def ask_for(app: ASGIApp, number: int) -> list[Event]:
    """Serve a connection whose only message asks for so many, and return what it sent."""
    events = iter((_CONNECT, _receive_event(str(number))))
    sent: list[Event] = []
    is_done = asyncio.Event()

    async def receive() -> Event:
        for event in events:
            return event
        await is_done.wait()
        return _DISCONNECT

    async def send(event: Event) -> None:
        sent.append(event)
        if len(sent) > number:
            is_done.set()

    await app(make_scope(), receive, send)
    return sent


def replies_of(sent: list[Event]) -> list[str]:
    """Return the texts of what an application sent, once it had accepted."""
    accept, *replies = sent
    assert accept["type"] == "websocket.accept"
    assert {event["type"] for event in replies} <= {"websocket.send"}
    return [event["text"] for event in replies]


async def connect(app: ASGIApp, connections: int) -> float:
    """Serve connections, one after the other, that are accepted, and whose client disconnects then.

    Returns:
        The seconds that all of them took.
    """
    accepted = 0

    async def send(event: Event) -> None:
        nonlocal accepted
        assert event["type"] == "websocket.accept"
        accepted += 1

    scopes = [make_scope() for _ in range(connections)]
    start = time.perf_counter()
    for scope in scopes:
        events = iter((_CONNECT, _DISCONNECT))

        async def receive(events: Iterator[Event] = events) -> Event:
            return next(events)

        await app(scope, receive, send)
    seconds = time.perf_counter() - start
    assert accepted == connections
    return seconds


async def hold(app: ASGIApp, frame: str | None, connections: int) -> float:
    """Serve connections at once that are accepted, and wait for a message.

    `tracemalloc` has to be started.

    Args:
        app: What serves them.
        frame: A message that each of them had answered before; `None` for no message.
        connections: How many.

    Returns:
        The bytes that one of them holds, with its scope and its task.
    """
    await _hold(app, frame, _WARM_UP)
    return await _hold(app, frame, connections) / connections


async def _hold(app: ASGIApp, frame: str | None, connections: int) -> int:
    end = asyncio.Event()
    incoming = [_CONNECT] if frame is None else [_CONNECT, _receive_event(frame)]
    waiting = sends = 0

    async def send(event: Event) -> None:
        nonlocal sends
        sends += 1

    async def serve() -> None:
        events = iter(incoming)

        async def receive() -> Event:
            nonlocal waiting
            for event in events:
                return event
            waiting += 1
            await end.wait()
            return _DISCONNECT

        await app(make_scope(), receive, send)

    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    tasks = [asyncio.create_task(serve()) for _ in range(connections)]
    # An accept, and a reply if there was a message.
    while waiting < connections or sends < connections * len(incoming):  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    end.set()
    await asyncio.gather(*tasks)
    return after - before


def _receive_event(frame: str) -> Event:
    return {"type": "websocket.receive", "text": frame}
