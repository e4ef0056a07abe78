"""What may happen to a connection with several things in flight, as scripts that Hypothesis writes.

A script says what the client sends and when it answers, cancels or leaves, and what the application
does about each message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from hypothesis import strategies as st

from wsendpoints import Limits, Rate
from wsendpoints.testing import ServerName

__all__ = [
    "ASK_TIMEOUT",
    "CONCURRENT",
    "KEYED",
    "KEYS",
    "LIMITS",
    "OVERLAPS",
    "SCRIPTS",
    "STREAMS",
    "Act",
    "HandlerName",
    "Send",
    "TwoWayScript",
    "TwoWayStep",
    "is_calm",
]

HandlerName = Literal[
    "work", "flow", "switch", "switch_flow", "refuse", "refuse_flow", "free", "free_flow",
    "serial", "serial_flow",
]  # fmt: skip

STREAMS: Final[frozenset[HandlerName]] = frozenset(
    {"flow", "switch_flow", "refuse_flow", "free_flow", "serial_flow"}
)

CONCURRENT: Final[frozenset[HandlerName]] = frozenset(get_args(HandlerName)) - {
    "serial",
    "serial_flow",
}

KEYED: Final[frozenset[HandlerName]] = CONCURRENT - {"free", "free_flow"}

OVERLAPS: Final[Mapping[HandlerName, str]] = {
    "work": "wait",
    "flow": "wait",
    "switch": "cancel",
    "switch_flow": "cancel",
    "refuse": "refuse",
    "refuse_flow": "refuse",
}

KEYS: Final = ("a", "b")

ASK_TIMEOUT: Final = 0.2

Act = Literal[
    "reply",
    "reply with an id of its own",
    "push",
    "push in a group",
    "push by asyncio",
    "turn",
    "wait",
    "sleep",
    "sleep in a group",
    "sleep by asyncio",
    "time out",
    "swallow",
    "ask",
    "ask with an id of its own",
    "ask twice at once",
    "cancel a",
    "cancel b",
    "cancel work",
    "cancel flow",
    "cancel itself",
    "cancel from a group",
    "start a task that ends",
    "start a task that waits",
    "start a task that pushes",
    "start a task that asks",
    "start a task that cancels a",
    "start a task, and cancel it",
    "stream",
    "cancel a task",
    "await a task",
    "raise",
    "raise a group",
    "raise an error reply",
    "raise an error reply in a group",
    "raise a disconnect",
    "start a task that raises",
    "start a task that closes",
    "receive",
    "close",
]

Ending = Literal["nothing", "push", "yield", "sleep", "raise", "ask"]
"""What a handler does in its `finally`."""

TwoWayStep = Literal[
    "answer",
    "answer the last",
    "answer otherwise",
    "answer with a wrong id",
    "answer invalidly",
    "answer again",
    "invalid",
    "cancel a",
    "cancel b",
    "cancel work",
    "cancel switch_flow",
    "cancel a task",
    "go on",
    "turn",
    "settle",
    "let time pass",
    "let much time pass",
    "pause",
    "resume",
    "read",
    "close",
    "vanish",
    "shut down",
    "cancel the app",
    "cancel the app natively",
]

Patience = Literal["usual", "small inbox", "short times", "small rate"]

OnError = Literal["raise", "raise another", "reply", "swallow", "error reply", "wait, then reply"]

Sending = Literal["at once", "after a turn", "late", "in any order"]


@dataclass(frozen=True)
class Send:
    """A message of the client's.

    Attributes:
        handler: Which one takes it.
        key: Its key.
        id: Its correlation id.
        acts: What the handler does.
        ending: What it does in its `finally`.
    """

    handler: HandlerName
    key: str | None
    id: str | int | None
    acts: Sequence[Act]
    ending: Ending


Step: TypeAlias = Send | TwoWayStep


@dataclass(frozen=True)
class TwoWayScript:
    """What happens to one connection.

    Attributes:
        server: Who plays the server.
        sending: How long each of its sends takes.
        patience: Which limits the endpoint has.
        concurrency: How many of its handlers run at once.
        is_hasty: Whether they are cancelled when the client leaves.
        greeting: What `on_connect` does after the accept.
        on_error: What the endpoint does about an exception.
        steps: What the client, the server, and others do.
        vanishes_at: The client is lost before this send of the application.
        cancels_at: The application is cancelled in this one.
        fails_at: A middleware fails at this one.
    """

    server: ServerName | None
    sending: Sending
    patience: Patience
    concurrency: int | None
    is_hasty: bool
    greeting: Sequence[Act]
    on_error: OnError
    steps: Sequence[Step]
    vanishes_at: int | None
    cancels_at: int | None
    fails_at: int | None


UNRULY: Final[frozenset[Act]] = frozenset(
    {
        "raise a disconnect",
        "start a task that raises",
        "start a task that closes",
        "receive",
        "close",
    }
)
"""What ends the connection, or takes another handler's message."""

RAISING: Final[frozenset[Act]] = frozenset({"raise", "raise a group"})

LOUD: Final[frozenset[OnError]] = frozenset({"raise", "raise another"})

RUDE: Final[frozenset[TwoWayStep]] = frozenset(
    {"shut down", "cancel the app", "cancel the app natively", "invalid", "answer invalidly"}
)


def is_calm(script: TwoWayScript) -> bool:
    """Whether nothing but the client ends the connection, however it is ended."""
    sends = [step for step in script.steps if isinstance(step, Send)]
    acts = {act for send in sends for act in send.acts} | {*script.greeting}
    return (
        script.patience in {"usual", "small inbox"}
        and not script.is_hasty
        and script.cancels_at is None
        and script.fails_at is None
        and acts.isdisjoint(UNRULY)
        and not RAISING.intersection(script.greeting)
        and (script.on_error not in LOUD or acts.isdisjoint(RAISING))
        and (script.on_error not in LOUD or all(send.ending != "raise" for send in sends))
        and RUDE.isdisjoint(step for step in script.steps if isinstance(step, str))
    )


ACTS: Final = st.lists(st.sampled_from(get_args(Act)), max_size=4)

CALM_ACTS: Final = st.lists(
    st.sampled_from([act for act in get_args(Act) if act not in UNRULY]), max_size=4
)


def greets(act: Act) -> bool:
    """Whether something may be done in `on_connect`, which answers no message."""
    is_error = act in RAISING or act.startswith("raise an error reply")
    return not (is_error or act.startswith("reply") or act == "cancel itself")


GREETINGS: Final = st.lists(st.sampled_from([*filter(greets, get_args(Act))]), max_size=2)

IDS: Final = st.one_of(st.none(), st.integers(0, 5), st.sampled_from(["x", "s1", "é"]))


def sends(acts: st.SearchStrategy[list[Act]]) -> st.SearchStrategy[Send]:
    """Return messages whose handlers do these things."""
    return st.builds(
        Send,
        handler=st.sampled_from(get_args(HandlerName)),
        key=st.sampled_from([*KEYS, "a", None]),
        id=IDS,
        acts=acts,
        ending=st.one_of(st.just("nothing"), st.sampled_from(get_args(Ending))),
    )


def joined(*parts: Sequence[Step]) -> list[Step]:
    """Return some sequences as one."""
    return [step for part in parts for step in part]


def steps(
    acts: st.SearchStrategy[list[Act]], others: Sequence[TwoWayStep], last: Sequence[TwoWayStep]
) -> st.SearchStrategy[list[Step]]:
    """Return steps: messages first, so that something happens, then all that there is."""
    # The disconnect comes seldom, since nothing happens after it.
    some: st.SearchStrategy[Step] = st.one_of(sends(acts), sends(acts), st.sampled_from(others))
    return st.builds(
        joined,
        st.lists(sends(acts), max_size=4),
        st.lists(some, max_size=12),
        st.lists(st.sampled_from(last), max_size=2),
    )


ENDINGS: Final[Sequence[TwoWayStep]] = (
    "close",
    "vanish",
    "shut down",
    "cancel the app",
    "cancel the app natively",
)

OTHERS: Final[Sequence[TwoWayStep]] = [step for step in get_args(TwoWayStep) if step not in ENDINGS]

ANY: Final = st.builds(
    TwoWayScript,
    server=st.sampled_from([None, *get_args(ServerName)]),
    sending=st.sampled_from(get_args(Sending)),
    patience=st.sampled_from(get_args(Patience)),
    concurrency=st.sampled_from([1, 2, 3, None]),
    is_hasty=st.booleans(),
    greeting=st.one_of(st.just([]), GREETINGS),
    on_error=st.sampled_from(get_args(OnError)),
    steps=steps(ACTS, OTHERS, [*ENDINGS, "settle", "answer"]),
    vanishes_at=st.one_of(st.none(), st.none(), st.integers(1, 8)),
    cancels_at=st.one_of(st.none(), st.none(), st.none(), st.integers(1, 8)),
    fails_at=st.one_of(st.none(), st.none(), st.none(), st.integers(1, 8)),
)

CALM: Final = st.builds(
    replace,
    ANY,
    patience=st.sampled_from(["usual", "usual", "small inbox"]),
    is_hasty=st.just(False),
    greeting=st.one_of(st.just([]), CALM_ACTS.map(lambda acts: [*filter(greets, acts)])),
    on_error=st.sampled_from(sorted(frozenset(get_args(OnError)) - LOUD)),
    steps=steps(
        CALM_ACTS,
        [step for step in OTHERS if step not in RUDE],
        ["close", "vanish", "settle", "answer"],
    ),
    vanishes_at=st.one_of(st.none(), st.none(), st.integers(1, 12)),
    cancels_at=st.none(),
    fails_at=st.none(),
)
"""Scripts in which the client alone ends the connection, so that nothing may be lost."""


SCRIPTS: Final = st.one_of(ANY, CALM)

USUAL: Final = Limits(
    max_invalid=3,
    grace=0.5,
    close_timeout=0.02,
    disconnect_timeout=0.5,
)

LIMITS: Final[Mapping[Patience, Limits]] = {
    "usual": USUAL,
    "small inbox": replace(USUAL, inbox=1, inbox_timeout=0.1),
    "short times": replace(
        USUAL,
        first_message_timeout=0.05,
        idle_timeout=0.05,
        handler_timeout=0.12,
        send_timeout=0.08,
    ),
    "small rate": replace(USUAL, rate=Rate(4, per=60), max_invalid=2),
}
