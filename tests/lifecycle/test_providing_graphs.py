"""Any graph of providers is opened and closed as nested `async with` statements would.

The oracle is Python's own: each provider as `contextlib.asynccontextmanager` makes it a context
manager, entered one within the other.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope, text
from wsendpoints import WebSocketEndpoint, handles, provides

Kind: TypeAlias = Literal["generator", "value", "manager", "late generator"]
Run: TypeAlias = Callable[[], Awaitable[str | None]]
HandlerKind: TypeAlias = Literal["coroutine", "stream", "thread", "either", "either stream"]


class DeliberateError(Exception):
    """What is raised somewhere, told by its name."""


@dataclass(frozen=True)
class Node:
    """A provider.

    Attributes:
        kind: How it is written.
        takes: The numbers of those before it that it takes.
        is_always: Whether it is around every handler.
        opens: Whether it gets as far as to its value.
        suppresses: Whether it catches what is raised at its `yield`.
        replaces: Whether it raises another exception in place of that.
        closes: Whether it fails when nothing was raised, or, after that, in its `finally`.
    """

    kind: Kind
    takes: Sequence[int] = ()
    is_always: bool = False
    opens: bool = True
    suppresses: bool = False
    replaces: bool = False
    closes: bool = True

    @property
    def is_closed(self) -> bool:
        """Whether there is something to close."""
        return self.kind != "value"


@dataclass(frozen=True)
class Graph:
    """The providers of a class, and its handler.

    Attributes:
        nodes: The providers.
        kind: How the handler is written.
        takes: The numbers of the providers that it takes.
        fails: Whether it raises in the end.
    """

    nodes: Sequence[Node]
    kind: HandlerKind
    takes: Sequence[int]
    fails: bool


@dataclass
class Outcome:
    """What happened: in which order, what was sent, and what was raised."""

    log: list[str] = field(default_factory=list[str])
    sent: list[str] = field(default_factory=list[str])
    raised: str | None = None


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph without circles: each takes some of those before it."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(0, 5))):
        before = st.lists(st.integers(0, number - 1), unique=True) if number else st.just([])
        # Most do nothing special, so that most graphs get far.
        rarely = st.integers(0, 5).map(lambda it: it == 0)
        node = Node(
            kind=draw(st.sampled_from(["generator", "value", "manager", "late generator"])),
            takes=draw(before),
            is_always=draw(rarely),
            opens=not draw(rarely),
            suppresses=draw(rarely),
            replaces=draw(rarely),
            closes=not draw(rarely),
        )
        nodes.append(node)
    numbers = st.lists(st.integers(0, len(nodes) - 1), unique=True) if nodes else st.just([])
    return Graph(
        nodes,
        draw(st.sampled_from(["coroutine", "stream", "thread", "either", "either stream"])),
        draw(numbers),
        draw(st.booleans()),
    )


def name_of(number: int) -> str:
    """Return the name of a provider."""
    return f"p{number}"


def order_of(graph: Graph) -> list[int]:
    """Return the numbers of what is opened, in order: `always` first, each after what it takes."""
    order: list[int] = []

    def visit(number: int) -> None:
        if number not in order:
            for other in graph.nodes[number].takes:
                visit(other)
            order.append(number)

    for number, node in enumerate(graph.nodes):
        if node.is_always:
            visit(number)
    for number in graph.takes:
        visit(number)
    return order


def as_generator(number: int, node: Node, log: list[str]) -> Callable[..., Any]:
    """Return a provider with one `yield`."""
    name = name_of(number)

    async def generator(self: object, **values: object) -> AsyncGenerator[object, None]:
        log.append(f"open {name} with {values}")
        await checkpoint()
        if not node.opens:
            raise DeliberateError(f"{name} opens")
        try:
            yield (name, *values)
        except DeliberateError as exc:
            log.append(f"{name} sees {exc}")
            if node.replaces:
                raise DeliberateError(f"{name} replaces {exc}") from None
            if not node.suppresses:
                raise
        finally:
            await checkpoint()
            log.append(f"close {name}")
            if not node.closes:
                raise DeliberateError(f"{name} closes")

    return generator


def as_value(number: int, node: Node, log: list[str]) -> Callable[..., Any]:
    """Return a provider without `yield`."""
    name = name_of(number)

    async def value(self: object, **values: object) -> object:
        log.append(f"open {name} with {values}")
        await checkpoint()
        if not node.opens:
            raise DeliberateError(f"{name} opens")
        return (name, *values)

    return value


def as_manager(number: int, node: Node, log: list[str]) -> Callable[..., Any]:
    """Return a provider that returns a context manager."""
    return asynccontextmanager(as_generator(number, node, log))


def as_late_generator(number: int, node: Node, log: list[str]) -> Callable[..., Any]:
    """Return a provider that a decorator hides somewhat: it is awaited, and then a generator."""
    generator = as_generator(number, node, log)

    async def wrapper(self: object, **values: object) -> object:
        return generator(self, **values)

    wrapper.__wrapped__ = generator  # type: ignore[attr-defined]  # as functools.wraps does
    return wrapper


MAKERS: Final[Mapping[str, Callable[[int, Node, list[str]], Callable[..., Any]]]] = {
    "generator": as_generator,
    "value": as_value,
    "manager": as_manager,
    "late generator": as_late_generator,
}


def taking(function: Any, first: Sequence[str], takes: Sequence[int]) -> Any:
    """Give a function with `**values` the parameters that it would be written with."""
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, positional) for name in (*first, *map(name_of, takes))]
    function.__signature__ = inspect.Signature(parameters)
    return function


def handler_of(graph: Graph, log: list[str]) -> Any:
    """Return the handler of a graph."""

    def note(values: dict[str, object]) -> None:
        log.append(f"handle with {values}")

    def end() -> None:
        if graph.fails:
            raise DeliberateError("handler")

    async def coroutine(self: Any, websocket: Any, data: str, **values: object) -> str:
        note(values)
        await checkpoint()
        end()
        return "reply"

    async def stream(
        self: Any, websocket: Any, data: str, **values: object
    ) -> AsyncGenerator[str, None]:
        note(values)
        yield "one"
        try:
            yield "two"
        finally:
            log.append("stream ends")
        end()

    def thread(self: Any, websocket: Any, data: str, **values: object) -> str:
        note(values)
        end()
        return "reply"

    within = stream if graph.kind == "either stream" else coroutine

    def either(*arguments: Any, **values: Any) -> Any:
        return within(*arguments, **values)

    if graph.kind.startswith("either"):
        either.__wrapped__ = within  # type: ignore[attr-defined]  # as functools.wraps does
        function: Any = either
    else:
        function = {"coroutine": coroutine, "stream": stream, "thread": thread}[graph.kind]
    return taking(function, ("self", "websocket", "data"), graph.takes)


async def expect(graph: Graph) -> Outcome:
    """Return what nested `async with` statements do."""
    outcome = Outcome()
    values: dict[int, object] = {}
    order = order_of(graph)
    handler = handler_of(graph, outcome.log)

    async def call() -> str | None:
        taken = {name_of(number): values[number] for number in graph.takes}
        result = handler(None, None, "x", **taken)
        if not graph.kind.endswith("stream"):
            reply: str = result if graph.kind == "thread" else await result
            return reply
        async for item in result:
            outcome.sent.append(item)
        return None

    def within(number: int, inner: Run) -> Run:
        node = graph.nodes[number]

        async def run() -> str | None:
            taken = {name_of(other): values[other] for other in node.takes}
            if node.kind == "value":
                values[number] = await as_value(number, node, outcome.log)(None, **taken)
                return await inner()
            manager = asynccontextmanager(as_generator(number, node, outcome.log))
            async with manager(None, **taken) as values[number]:
                return await inner()
            return None

        return run

    run: Run = call
    for number in reversed(order):
        run = within(number, run)
    try:
        reply = await run()
    except DeliberateError as exc:
        outcome.raised = str(exc)
    else:
        # What is suppressed at a `yield` leaves no reply.
        outcome.sent += [] if reply is None else [reply]
    return outcome


async def observe(graph: Graph) -> Outcome:
    """Return what an endpoint does."""
    outcome = Outcome()
    methods: dict[str, Any] = {"handle": handles(handler_of(graph, outcome.log))}
    for number, node in enumerate(graph.nodes):
        function = MAKERS[node.kind](number, node, outcome.log)
        taking(function, ["self"], node.takes)
        methods[name_of(number)] = provides(always=node.is_always)(function)

    cls: Any = type("Chat", (WebSocketEndpoint,), {"encoding": "text", **methods})
    server = FakeServer(CONNECT, text("x"), DISCONNECT)
    try:
        await cls(make_scope(), server.receive, server.send)
    except DeliberateError as exc:
        outcome.raised = str(exc)
    outcome.sent = [event["text"] for event in server.sent if "text" in event]
    return outcome


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(graph=graphs())
@settings(deadline=None, database=None, derandomize=True, max_examples=150)
def test_graph_is_as_nested_statements(backend: str, graph: Graph) -> None:
    """The same is opened, closed, seen, sent and raised, in the same order."""
    assert anyio.run(observe, graph, backend=backend) == anyio.run(expect, graph, backend=backend)


@given(graph=graphs())
@settings(deadline=None, database=None, derandomize=True, max_examples=100)
def test_each_is_opened_and_closed_once(graph: Graph) -> None:
    """In reverse order, whatever fails on the way."""
    log = anyio.run(observe, graph).log
    opened = [line.split()[1] for line in log if line.startswith("open")]
    closed = [line.split()[1] for line in log if line.startswith("close")]
    assert len(set(opened)) == len(opened)
    to_close = [
        name
        for name in opened
        if graph.nodes[int(name[1:])].is_closed and graph.nodes[int(name[1:])].opens
    ]
    assert closed == to_close[::-1]
