"""What one connection may take of the server: sizes, rates and times; the clock is passed in."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from time import monotonic
from typing import Any, final

from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Limits", "Rate", "RateLimiter"]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages a client may send: a bucket of tokens, one of which each message takes.

    Attributes:
        messages: How many tokens flow in ...
        per: ... in so many seconds.
        burst: How many tokens the bucket holds, and so how many messages may come at once; by
            default as many as `messages`.
    """

    messages: int
    per: float = 1.0
    burst: int | None = None

    def __post_init__(self) -> None:
        _check(self, "as many as `messages`")


@final
class RateLimiter:
    """Counts the messages of one connection.

    Args:
        rate: How many it may send.
        clock: Returns seconds.

    Attributes:
        now: When the clock was last looked at.
    """

    __slots__ = ("_clock", "_full_at", "_room", "_token", "now")

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        self._token: float = rate.per / rate.messages
        # A thousandth of a token more, so that rounding refuses nobody.
        self._room: float = ((rate.burst or rate.messages) - 0.999) * self._token
        self._clock = clock
        self.now: float = clock()
        self._full_at: float = self.now

    def allows_one(self) -> bool:
        """Whether one more message may come now; if so, its token is taken."""
        # One number tells how full the bucket is: when it will be full, in seconds. Each token
        # that is taken puts that off.
        now = self.now = self._clock()
        if self._full_at <= now:
            self._full_at = now + self._token
            return True
        if self._full_at - now > self._room:
            return False
        self._full_at += self._token
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may take. Everything is bounded, and `None` is no bound.

    A close that a limit causes names the limit in its reason.

    Attributes:
        max_message_size: Bytes of one inbound message, text counted as UTF-8. Over it: close
            1009. The server has a limit of its own, often 16 MiB.
        max_invalid: How many messages in a row may be none of those declared. The last of them
            is answered like the others, then: close 1008.
        rate: How many messages may come, counted before they are decoded. Over it: close 1008.
        connect_timeout: Seconds that `on_connect` may take until it accepts. Over it: refused.
        first_message_timeout: Seconds from the accept to the first message. Over it: close 1008.
        idle_timeout: Seconds between two messages, not counting those in which a handler runs.
            Over it: close 1001.
        handler_timeout: Seconds that the handling of one message may take. Over it: close 1011.
        send_timeout: Seconds that a client which does not read may hold up a send. Over it: close
            1013.
        close_timeout: Seconds that a close may take; some servers wait for the peer's answer.
        disconnect_timeout: Seconds that `on_disconnect` may take.
        grace: Seconds that a handler may go on after the client left; one second at the most
            where the server is shutting down.
        inbox: Messages that may wait while a handler is busy. When it is full, no more is read
            from the client until there is room; one message always fits.
        inbox_bytes: The same, in bytes.
        inbox_timeout: Seconds that the inbox may be full while no message is taken from it. Until
            then it is not seen either that the client left. Over it: close 1013.
        max_connections: How many connections of the class this process may have open. Over it:
            refused with 503.
    """

    max_message_size: int | None = _MIB
    max_invalid: int | None = 10
    rate: Rate | None = None
    connect_timeout: float | None = 10
    first_message_timeout: float | None = None
    idle_timeout: float | None = None
    handler_timeout: float | None = None
    send_timeout: float | None = 10
    close_timeout: float | None = 5
    disconnect_timeout: float | None = 5
    grace: float | None = 30
    inbox: int | None = 32
    inbox_bytes: int | None = _MIB
    inbox_timeout: float | None = 30
    max_connections: int | None = None

    def __post_init__(self) -> None:
        _check(self, "no limit")


def _check(values: Any, none: str) -> None:
    for field in fields(values):
        type_: Any = field.type
        value: Any = getattr(values, field.name)
        may_be_none = isinstance(None, type_)
        if value is None and may_be_none:
            continue
        if not _is_right(value, type_, field.name):
            right = "a Rate(...)" if field.name == "rate" else "a number above 0"
            raise ConfigurationError(
                f"{type(values).__name__}({field.name}={value!r}): use {right}"
                + (f", or None for {none}" if may_be_none else "")
            )


def _is_right(value: Any, type_: Any, name: str) -> bool:
    if name == "rate":
        return isinstance(value, Rate)
    # An int does for a float; a float where bytes or messages are counted does not.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, type_ | int) and value > 0
