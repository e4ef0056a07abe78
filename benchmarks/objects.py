"""Which object of a live connection refers to which: `python -m benchmarks.objects`.

The connection is one whose handler waits, while a task reads beside it and a limit is counted, so
that every part is there. It prints the references among the objects that the library makes for
it, and marks those that go both ways. With `--check` more than two of these are an error: each has
to be undone at the end, or the garbage collector has to find it.
"""

import argparse
import asyncio
import sys
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from types import MethodType
from typing import Any, Final, cast

import anyio

from wsendpoints import Limits, Rate, WebSocket, WebSocketEndpoint
from wsendpoints.protocol.asgi import Event

__all__ = ["MAX_MUTUAL", "mutual", "references"]

MAX_MUTUAL: Final = 2

_NOT_PER_CONNECTION: Final = frozenset(
    {"Admission", "Declaration", "Limits", "Inbound", "Outbound", "Ticker"}
)
"""What there is once for all connections of a class, or of an event loop."""


class Busy(WebSocketEndpoint):
    """Waits in its handler."""

    limits = Limits(rate=Rate(5), idle_timeout=60, handler_timeout=60, first_message_timeout=60)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.is_busy = anyio.Event()

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.start_soon(anyio.sleep_forever)
        self.is_busy.set()
        await anyio.sleep_forever()


def references(endpoint: WebSocketEndpoint) -> Mapping[str, set[str]]:
    """Return the references among the objects of this library that belong to an endpoint.

    Returns:
        By the name of a class, the names of those that its instance refers to.
    """
    found: dict[str, set[str]] = {}
    todo: list[Any] = [endpoint]
    while todo:
        one = todo.pop()
        name = type(one).__name__
        if name not in found:
            others = [other for value in _values(one) for other in _objects(value)]
            found[name] = {type(other).__name__ for other in others} - {name}
            todo.extend(others)
    return found


def _values(one: object) -> Iterator[Any]:
    """Yield what an object refers to by its attributes."""
    for klass in type(one).__mro__:
        for slot in getattr(klass, "__slots__", ()):
            mangled = f"_{klass.__name__}{slot}" if slot.startswith("__") else slot
            if slot != "__weakref__" and hasattr(one, mangled):
                yield getattr(one, mangled)
    yield from getattr(one, "__dict__", {}).values()


def _objects(value: Any) -> Iterator[Any]:
    """Yield the objects of this library that a value is, or holds."""
    if isinstance(value, MethodType):
        value = value.__self__
    if isinstance(value, dict):
        entries = cast("Any", value)
        yield from _objects([*entries.items()])
    elif isinstance(value, list | tuple | set | frozenset):
        for item in cast("Collection[Any]", value):
            yield from _objects(item)
    elif _is_made_for_one_connection(value):
        yield value


def _is_made_for_one_connection(value: Any) -> bool:
    klass: type = value.__class__
    is_ours = klass.__module__.startswith("wsendpoints.") or isinstance(value, WebSocketEndpoint)
    return is_ours and klass.__name__ not in _NOT_PER_CONNECTION and not _is_constant(value)


def _is_constant(value: Any) -> bool:
    return isinstance(value, str | int | tuple | type | Enum | Rate)


def mutual(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Return the pairs that refer to each other."""
    return [
        (name, other)
        for name in sorted(graph)
        for other in sorted(graph[name])
        if name < other and name in graph.get(other, ())
    ]


async def busy_endpoint() -> Mapping[str, set[str]]:
    """Return the references of a connection whose handler waits."""
    events: list[Event] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "x"},
    ]

    async def receive() -> Event:
        await asyncio.sleep(0)
        return events.pop(0) if events else await asyncio.Future[Event]()

    async def send(event: Event) -> None:
        await asyncio.sleep(0)

    endpoint = Busy({"type": "websocket", "path": "/"}, receive, send)

    async def serve() -> None:
        await endpoint

    task = asyncio.get_running_loop().create_task(serve())
    await endpoint.is_busy.wait()
    await anyio.wait_all_tasks_blocked()
    graph = references(endpoint)
    task.cancel()
    await asyncio.wait([task])
    return graph


def main() -> bool:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.objects")
    parser.add_argument("--check", action="store_true", help="exit with 1 if there are too many")
    arguments = parser.parse_args()
    graph = asyncio.run(busy_endpoint())
    both_ways = mutual(graph)
    for name, others in graph.items():
        marked = [
            f"<-> {other}" if tuple(sorted((name, other))) in both_ways else f" -> {other}"
            for other in sorted(others)
        ]
        print(f"{name:<14}{'  '.join(marked)}".rstrip())
    print(f"\nmutual references: {len(both_ways)}, at most {MAX_MUTUAL} are allowed")
    return not arguments.check or len(both_ways) <= MAX_MUTUAL


if __name__ == "__main__":
    sys.exit(not main())
