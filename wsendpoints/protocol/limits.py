"""What one connection may take of the server, as one table: a row for each limit.

A row is a field of `Limits`. It has the default, and what follows once the limit is exceeded: the
close code, the level of the log line, and what the limit counts. A new limit is one row.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from operator import attrgetter
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast, final

from wsendpoints.protocol.close_codes import CloseCode, check_close_code
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    MessageTooBigError,
)
from wsendpoints.protocol.jittered import Jittered

__all__ = [
    "EXPIRY",
    "MEASURED",
    "OUTCOMES",
    "TIMED",
    "Limits",
    "Measure",
    "Outcome",
    "Period",
    "Rate",
    "RateLimiter",
    "check_fields",
    "check_limits",
    "is_timed",
]

_MIB: Final = 1024 * 1024


class Period(Enum):
    """What a time limit counts the seconds of."""

    CONNECTING = "from the first wait in `on_connect` until the accept is sent"
    AWAITING_FIRST = "from the accept to the first message"
    IDLE = "between two messages, while no handler runs"
    HANDLING = "while a message is handled, and no send is held up"
    SENDING = "while one send waits for the server"
    INBOX_FULL = "while the inbox is full and nothing is taken from it"
    GRACE = "while a handler goes on after the connection ended"
    AGE = "from the accept on, whatever happens"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a limit counts in each message.

    Attributes:
        count: Returns how much of it a frame has. It must not be more than four for each
            character or byte: a frame so short that even this is within every limit is not
            counted at all.
        text: What to tell the client; `{limit}` is filled in.
        error: What to raise.
    """

    count: Callable[[str | bytes], int]
    text: str
    error: type[ClientMessageError]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows when a limit is exceeded.

    Attributes:
        code: The close code; 1006 where the connection is not closed, or has ended already.
        level: The level of the log line.
        counts: What it counts; `None` if only the code that applies the limit says so.
    """

    code: int
    level: int
    counts: Period | Measure | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages a client may send: a token bucket, from which each message takes one.

    Attributes:
        messages: How many tokens are added ...
        per: ... in so many seconds.
        burst: How many tokens the bucket holds, and so how many messages may come at once; by
            default as many as `messages`.
    """

    messages: int
    per: float = 1.0
    burst: int | None = None

    def __post_init__(self) -> None:
        check_fields(self, "as many as `messages`")


@final
class RateLimiter:
    """Counts the messages of one connection.

    Args:
        rate: How many it may send.
        clock: Returns seconds.

    Attributes:
        rate: How many it may send.
    """

    __slots__ = ("_clock", "_full_at", "_room", "_token", "rate")

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        self.rate: Rate = rate
        self._token: float = rate.per / rate.messages
        # A thousandth of a token more, so that rounding refuses nobody.
        self._room: float = ((rate.burst or rate.messages) - 0.999) * self._token
        self._clock = clock
        self._full_at: float = clock()

    def allows_one(self) -> bool:
        """Whether one more message may come now; if so, its token is taken."""
        # One number tells how full the bucket is: when it will be full, in seconds. Each token
        # that is taken puts that off.
        now = self._clock()
        if self._full_at <= now:
            self._full_at = now + self._token
            return True
        if self._full_at - now > self._room:
            return False
        self._full_at += self._token
        return True


_OUTCOME: Final = "outcome"


def _over(
    code: int = CloseCode.ABNORMAL_CLOSURE,
    level: int = logging.WARNING,
    counts: Period | Measure | None = None,
) -> Mapping[str, Outcome]:
    """Return the metadata of a row: what follows once the limit is exceeded."""
    return {_OUTCOME: Outcome(code, level, counts)}


def _bytes_of(frame: str | bytes) -> int:
    """Return the size of a frame in bytes, text counted as UTF-8."""
    return len(frame if isinstance(frame, bytes) else frame.encode(errors="replace"))


_SIZE: Final = Measure(_bytes_of, "a message may have {limit} bytes", MessageTooBigError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may take. Everything is bounded, and `None` is no bound.

    A close that a limit causes names the limit in its reason.

    Attributes:
        max_message_size: Bytes of one inbound message, text counted as UTF-8. Over it: close
            1009. The server has a limit of its own, often 16 MiB.
        max_invalid: How many messages in a row may be none of those declared. The last of them
            is answered like the others, and followed by close 1008.
        rate: How many messages may come, counted before they are decoded. Over it: close 1008.
        connect_timeout: Seconds that `on_connect` may take until it accepts. Over it: refused.
        first_message_timeout: Seconds from the accept to the first message. Over it: close 1008.
        idle_timeout: Seconds between two messages, not counting those in which a handler runs.
            Over it: close 1001.
        handler_timeout: Seconds that the handling of one message may take, not counting those in
            which a client that does not read holds up a send. Over it: close 1011.
        send_timeout: Seconds that a client which does not read may hold up a send. Over it: close
            1013.
        close_timeout: Seconds that a close may take; some servers wait for the peer's answer.
        disconnect_timeout: Seconds that `on_disconnect` may take, and, before that, what a task or
            a stream awaits in a `finally`.
        grace: Seconds that a handler may go on after the disconnect; one second at the most
            where the server is shutting down.
        concurrency: Handlers that may run beside each other on one connection; further messages for
            them wait, and count as messages in the inbox do.
        inbox: Messages that may wait while a handler is busy. When it is full, no more is read
            from the client until there is room; one message always fits.
        inbox_bytes: The same, in bytes of memory.
        inbox_timeout: Seconds that the inbox may be full while no message is taken from it. Until
            then a disconnect is not noticed. Over it: close 1013.
        outbox: Messages of groups that may wait for a client which reads slowly, where they may not
            be dropped. Over it: close 1013. One message always fits.
        outbox_bytes: The same, in characters of text, or bytes, of the messages.
        groups: Groups that a connection may be in at once; see `Groups.join`.
        max_connections: How many connections of the class this process may have open. Over it:
            refused with 503.
        max_age: Seconds from the accept until the connection is left: closed with 1012 once no
            message is handled, or once what is handled has had its `grace`. A `Jittered` is another
            time for each connection, so that clients that came together do not come back together.
        close_codes: Other close codes than those above, by the names of the limits:
            `{"rate": 4429}`. A limit that closes no connection can't have one.
    """

    max_message_size: int | None = field(
        default=_MIB, metadata=_over(CloseCode.MESSAGE_TOO_BIG, logging.INFO, _SIZE)
    )
    max_invalid: int | None = field(default=10, metadata=_over(CloseCode.POLICY_VIOLATION))
    rate: Rate | None = field(default=None, metadata=_over(CloseCode.POLICY_VIOLATION))
    connect_timeout: float | None = field(
        default=10, metadata=_over(CloseCode.POLICY_VIOLATION, counts=Period.CONNECTING)
    )
    first_message_timeout: float | None = field(
        default=None,
        metadata=_over(CloseCode.POLICY_VIOLATION, logging.INFO, Period.AWAITING_FIRST),
    )
    idle_timeout: float | None = field(
        default=None, metadata=_over(CloseCode.GOING_AWAY, logging.INFO, Period.IDLE)
    )
    handler_timeout: float | None = field(
        default=None, metadata=_over(CloseCode.INTERNAL_ERROR, counts=Period.HANDLING)
    )
    send_timeout: float | None = field(
        default=10, metadata=_over(CloseCode.TRY_AGAIN_LATER, counts=Period.SENDING)
    )
    close_timeout: float | None = field(default=5, metadata=_over())
    disconnect_timeout: float | None = field(default=5, metadata=_over())
    grace: float | None = field(default=30, metadata=_over(level=logging.INFO, counts=Period.GRACE))
    concurrency: int | None = field(default=16, metadata=_over())
    inbox: int | None = field(default=32, metadata=_over())
    inbox_bytes: int | None = field(default=_MIB, metadata=_over())
    inbox_timeout: float | None = field(
        default=30, metadata=_over(CloseCode.TRY_AGAIN_LATER, counts=Period.INBOX_FULL)
    )
    outbox: int | None = field(default=256, metadata=_over(CloseCode.TRY_AGAIN_LATER))
    outbox_bytes: int | None = field(default=_MIB, metadata=_over(CloseCode.TRY_AGAIN_LATER))
    groups: int | None = field(default=1000, metadata=_over())
    max_connections: int | None = field(default=None, metadata=_over(level=logging.INFO))
    max_age: float | Jittered | None = field(
        default=None, metadata=_over(CloseCode.SERVICE_RESTART, logging.DEBUG, Period.AGE)
    )
    # A dict has no hash. Limits that are equal but for their codes may have the same.
    close_codes: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)

    def __post_init__(self) -> None:
        check_fields(self, "no limit")
        # A copy, which whoever made the original can't change any more.
        object.__setattr__(self, "close_codes", _checked_codes(self.close_codes))

    def close_code(self, limit: str) -> int:
        """Return the code that a connection is closed with once a limit is exceeded."""
        return self.close_codes.get(limit, OUTCOMES[limit].code)


OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType(
    {row.name: row.metadata[_OUTCOME] for row in fields(Limits) if _OUTCOME in row.metadata}
)
"""What follows when a limit is exceeded, by its name."""

_CLOSING: Final = tuple(
    name
    for name, outcome in OUTCOMES.items()
    # A client that is not accepted yet is refused, whatever the code.
    if outcome.code != CloseCode.ABNORMAL_CLOSURE and outcome.counts is not Period.CONNECTING
)
"""The limits that close a connection."""

EXPIRY: Final = Outcome(4401, logging.INFO)
"""What follows when `WebSocket.expires_at` has passed, which is no limit of the class."""

Rows: TypeAlias = tuple[tuple[str, Outcome], ...]

TIMED: Final[Mapping[Period, Rows]] = MappingProxyType(
    {
        period: tuple(
            (name, outcome) for name, outcome in OUTCOMES.items() if outcome.counts is period
        )
        for period in Period
    }
)
"""The limits that count the seconds of a period."""


MEASURED: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        name: outcome.counts
        for name, outcome in OUTCOMES.items()
        if isinstance(outcome.counts, Measure)
    }
)
"""The limits on what one message holds."""


def is_timed(*periods: Period) -> Callable[[Limits], bool]:
    """Return a function that tells whether any limit counts the seconds of one of the periods."""
    names = [name for period in periods for name, _ in TIMED[period]]
    if len(names) == 1:
        value = attrgetter(names[0])
        return lambda limits: value(limits) is not None
    # The fastest way to look at several, which is done for each connection.
    values: Callable[[Limits], Any] = attrgetter(*names)
    none = (None,) * len(names)
    return lambda limits: bool(values(limits) != none)


_RIGHT: Final = {"rate": "a Rate(...)", "max_age": "a number above 0, a Jittered(...)"}
"""What other limits than numbers are."""


def check_fields(values: Any, none: str = "") -> None:
    """Check the types and values of a dataclass whose fields are numbers above 0.

    Args:
        values: The dataclass.
        none: What `None` stands for in it, for the text of an error.

    Raises:
        ConfigurationError: A field is of another type, or not above 0.
    """
    for each in fields(values):
        if each.name == "close_codes":
            continue
        type_: Any = each.type
        value: Any = getattr(values, each.name)
        may_be_none = isinstance(None, type_)
        if value is None and may_be_none:
            continue
        if not _is_right(value, type_, each.name):
            right = _RIGHT.get(each.name, "a number above 0")
            raise ConfigurationError(
                f"{type(values).__name__}({each.name}={value!r}): use {right}"
                + (f", or None for {none}" if may_be_none else "")
            )


def check_limits(limits: object, where: str) -> None:
    """Check that the `limits` of a class, or of an endpoint, are `Limits`.

    Args:
        limits: The value.
        where: The name of the class, for the text of an error.

    Raises:
        ConfigurationError: They are something else.
    """
    if not isinstance(limits, Limits):
        raise ConfigurationError(f"{where}.limits is {limits!r}: use Limits(...)")


def _is_right(value: Any, type_: Any, name: str) -> bool:
    if name == "rate":
        return isinstance(value, Rate)
    if isinstance(value, Jittered):
        return name == "max_age"
    # An int will do for a float; a float where bytes or messages are counted won't.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, type_ | int) and value > 0


def _checked_codes(codes: object) -> dict[str, int]:
    if not isinstance(codes, Mapping):
        raise ConfigurationError(
            f'Limits(close_codes={codes!r}): use a dict such as {{"rate": 4429}}'
        )
    checked: dict[str, int] = {}
    for name, code in cast("Mapping[Any, object]", codes).items():
        if name not in _CLOSING:
            what = "closes no connection" if name in OUTCOMES else "is no limit"
            raise ConfigurationError(
                f"Limits(close_codes={{{name!r}: {code!r}}}): {name!r} {what}: use "
                f"{', '.join(_CLOSING)}"
            )
        try:
            checked[name] = check_close_code(code)
        except ValueError as exc:
            raise ConfigurationError(f"Limits(close_codes={{{name!r}: {code!r}}}): {exc}") from None
    return checked
