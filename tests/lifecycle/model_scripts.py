"""What may happen to a connection, as scripts that Hypothesis makes up."""

from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from hypothesis import strategies as st

from wsendpoints import (
    Limits,
    Rate,
)
from wsendpoints.messages.codecs import Encoding
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import (
    ServerName,
)

__all__ = [
    "BROKEN",
    "CALM",
    "LIMITS",
    "MAX_SIZE",
    "SCRIPTS",
    "Act",
    "Answer",
    "Script",
    "Step",
    "text",
]

MAX_SIZE: Final = 2**16

USUAL: Final = Limits(
    max_message_size=MAX_SIZE,
    max_invalid=3,
    connect_timeout=0.01,
    grace=0.005,
    close_timeout=0.02,
    disconnect_timeout=0.01,
)


Patience = Literal["usual", "small inbox", "none"]

Answer = Literal[
    "accept", "accept later", "accept beside a task that pushes", "accept twice", "nothing",
    "close", "deny", "raise", "hang",
]  # fmt: skip

Act = Literal[
    "reply",
    "reply without content",
    "push",
    "push what is no JSON",
    "push, cancelled",
    "close",
    "close with 1008",
    "close twice",
    "send after close",
    "receive",
    "receive, cancelled",
    "raise",
    "raise a group",
    "raise from two tasks",
    "raise a disconnect",
    "await what is cancelled",
    "turn",
    "wait",
    "start a task that ends",
    "start a task that waits",
    "start a task that pushes for ever",
    "start a task that closes",
    "start a task that raises",
    "start a task that receives",
    "start a task that raises a disconnect",
]

Farewell = Literal[
    "nothing", "raise", "wait", "push", "start a task", "close", "turns", "is cancelled"
]

Around = Literal["nothing", "a group", "a group that fails", "a timeout", "a timeout that passes"]

Step = Literal[
    "close", "close without a code", "vanish", "shut down", "cancel", "cancel natively", "pause",
    "resume", "go on", "turn", "settle", "read", "let time pass", "leave",
]  # fmt: skip

Middleware = Literal["send", "send, once sent", "receive"]


@dataclass(frozen=True)
class Script:
    """What happens to one connection.

    Attributes:
        server: Who plays the server.
        encoding: The endpoint's.
        streams: Whether its handler is an async generator.
        around: What is around its `yield` then.
        patience: With what it has patience: everything, a single message that waits, or nothing.
        is_hasty: Whether its handler is cancelled when the client leaves.
        is_quiet: Whether it leaves the handshake to the default, and so all that follows from it.
        answer: To the handshake.
        greeting: What it does after it accepted.
        plans: What it does about each message, in turn.
        farewell: What `on_disconnect` does.
        steps: What the client and the server do: a frame is sent, an event is delivered.
        vanishes_at: The client is lost before this send of the application, if there are so many.
        cancels_at: The application is cancelled in this one, natively where there is such a thing;
            0 is the first close.
        fails: What a middleware fails at, and how often it does not before.
        shields: Whether a send to a client that does not read can't be cancelled.
    """

    server: ServerName | None
    encoding: Encoding
    streams: bool
    around: Around
    patience: Patience
    is_hasty: bool
    is_quiet: bool
    answer: Answer
    greeting: Sequence[Act]
    plans: Sequence[Sequence[Act]]
    farewell: Farewell
    steps: Sequence[Step | Mapping[str, Any]]
    vanishes_at: int | None
    cancels_at: int | None
    fails: tuple[Middleware, int] | None
    shields: bool


def text(data: str) -> Event:
    """Return the event of a text message."""
    return {"type": "websocket.receive", "text": data}


def binary(data: bytes) -> Event:
    """Return the event of a binary message."""
    return {"type": "websocket.receive", "bytes": data}


GOOD: Final = [text('{"type": "do"}'), text('{"type": "say", "text": "x"}'), binary(b"x")]

BAD: Final = [
    # By the rows of the table of faults: empty, not UTF-8, not JSON, beyond JSON, deep, long, ...
    *(text(""), binary(b""), binary(b"\xff"), binary('"x"'.encode("utf-16"))),
    *(binary(b"\xef\xbb\xbf{}"), binary(b"\xed\xa0\x80")),
    *(text("{"), text("{} x"), text("{'type': 'do'}"), text("\ufeff{}"), text("\0")),
    *(text("NaN"), text("-Infinity"), text("1e400"), text("[" * 10_000), text("1" * 5_000)),
    *(text('{"type": "do", "type": "say"}'), text('"\\ud800"'), text("\ud800")),
    *(text("x" * (2**16 + 1)), text("é" * 2**15), text("é" * (2**15 + 1)), binary(b"x" * 2**17)),
    *(text('{"type": "x"}'), text("{}"), text('{"type": []}'), text('{"type": null}'), text("[]")),
    *(text('{"type": "say", "text": 1}'), text('{"type": "do", "more": 1}')),
    text('{"type": "say", "text": [' + "0," * 1_000 + "0]}"),
    *(text('{"type": "__init__"}'), text('{"type": "on_disconnect"}')),
    # Of another shape, but legal.
    {"type": "websocket.receive", "text": None, "bytes": b"x"},
    {"type": "websocket.receive", "text": "x", "bytes": None},
    {"type": "websocket.disconnect"},
    {"type": "websocket.disconnect", "code": None},
    {"type": "websocket.disconnect", "code": "x", "reason": None},
    {"type": "websocket.disconnect", "code": 70000},
]

BROKEN: Final = [
    # Of a server that does not keep to the specification.
    {"type": "websocket.receive"},
    {"type": "websocket.receive", "text": None, "bytes": None},
    {"type": "websocket.receive", "text": "x", "bytes": b"x"},
    {"type": "websocket.receive", "text": b"x"},
    {"type": "websocket.receive", "bytes": "x"},
    {"type": "websocket.connect"},
    {"type": "websocket.foo"},
    {"type": None},
    {},
]


def joined(first: Sequence[Any], then: Sequence[Any]) -> list[Any]:
    """Return two sequences as one."""
    return [*first, *then]


def unread(messages: Sequence[Event]) -> list[Any]:
    """Return the steps of a client that sends, and reads no answer, until the server ends it."""
    return ["pause", *messages, "settle", "cancel"]


STEPS: Final[st.SearchStrategy[Step | Mapping[str, Any]]] = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(get_args(Step)),
    st.sampled_from(GOOD),
    st.sampled_from(BAD),
    st.sampled_from(BROKEN),
)

CALM: Final[frozenset[Act]] = frozenset(
    {
        "reply",
        "reply without content",
        "push",
        "turn",
        "start a task that ends",
        "start a task that waits",
        "start a task that pushes for ever",
    }
)
"""What a handler may do so that it ends, takes no other message, and fails only because the client
disconnected.
"""


ACTS: Final[st.SearchStrategy[list[Act]]] = st.lists(st.sampled_from(get_args(Act)), max_size=3)

ANY: Final = st.builds(
    Script,
    server=st.sampled_from([None, *get_args(ServerName)]),
    encoding=st.sampled_from(["json", "text", "bytes", None]),
    streams=st.booleans(),
    around=st.sampled_from(get_args(Around)),
    patience=st.sampled_from(get_args(Patience)),
    is_hasty=st.booleans(),
    is_quiet=st.booleans(),
    # Mostly, so that something happens.
    answer=st.one_of(st.just("accept"), st.just("accept"), st.sampled_from(get_args(Answer))),
    greeting=st.one_of(st.just([]), ACTS),
    plans=st.lists(ACTS, min_size=1, max_size=3),
    farewell=st.one_of(st.just("nothing"), st.sampled_from(get_args(Farewell))),
    # Messages first, so that something happens.
    steps=st.builds(
        joined,
        st.lists(st.sampled_from([*GOOD, "let time pass"]), max_size=4),
        st.lists(STEPS, max_size=8),
    ),
    vanishes_at=st.one_of(st.none(), st.integers(1, 6)),
    cancels_at=st.one_of(st.none(), st.none(), st.integers(0, 6)),
    fails=st.one_of(
        st.none(),
        st.none(),
        st.tuples(st.sampled_from(get_args(Middleware)), st.integers(0, 5)),
    ),
    shields=st.sampled_from([False, False, True]),
)

CALM_ACTS: Final = st.lists(st.sampled_from(sorted(CALM)), max_size=3)

CALM_STEPS: Final[st.SearchStrategy[Step | Mapping[str, Any]]] = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(BAD),
    st.sampled_from(("vanish", "close", "turn", "settle", "pause", "read", "leave")),
)

CALM_SCRIPTS: Final = st.builds(
    replace,
    ANY,
    patience=st.sampled_from(("usual", "small inbox")),
    is_hasty=st.just(False),
    around=st.sampled_from(("nothing", "a group", "a timeout")),
    answer=st.sampled_from(("accept", "accept later")),
    greeting=CALM_ACTS,
    plans=st.lists(CALM_ACTS, min_size=1, max_size=3),
    steps=st.lists(CALM_STEPS, max_size=8),
    cancels_at=st.none(),
    fails=st.none(),
)
"""Scripts in which the client ends the connection, so that each of its messages must be known."""

UNREAD_SCRIPTS: Final = st.builds(
    replace,
    ANY,
    steps=st.builds(
        joined,
        st.lists(STEPS, max_size=2),
        st.builds(
            unread,
            st.lists(st.sampled_from(GOOD), min_size=1, max_size=4),
        ),
    ),
    shields=st.just(True),
)
"""Scripts in which the server cancels the application while it sends to a client that does not
read, and that send goes on whatever cancels it.
"""

SCRIPTS: Final = st.one_of(ANY, ANY, CALM_SCRIPTS, UNREAD_SCRIPTS)


LIMITS: Final[Mapping[Patience, Limits]] = {
    "usual": USUAL,
    "small inbox": replace(USUAL, inbox=1, inbox_timeout=0.005),
    "none": replace(
        USUAL,
        rate=Rate(3, per=60),
        first_message_timeout=0.004,
        idle_timeout=0.004,
        handler_timeout=0.004,
        send_timeout=0.004,
    ),
}
