"""What contradicts itself in a declaration: its handlers, its encoding, and its attributes."""

from collections.abc import Sequence
from typing import Any

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.codec import MessageCodec
from wsendpoints.messages.method import Method
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_readable", "check_refusing", "check_typed", "check_unnamed", "check_values"]


def check_unnamed(where: str, methods: Sequence[Method]) -> None:
    """Check that no handler has a name for a dialect, in a class without one.

    Raises:
        ConfigurationError: One has.
    """
    for method in methods:
        if (name := method.options.name) is not None:
            raise ConfigurationError(
                f"{where}.{method.name} is marked with @handles({name!r}), which is how a dialect "
                "calls it, but the class has none: set `dialect`, as in `dialect = JsonRpc()`, or "
                "leave the name out, for the type of the message tells its handler"
            )


def check_typed(where: str, receiver: Method | None) -> None:
    """Check that `on_receive` leaves the answers of clients to the questions that wait for them.

    Raises:
        ConfigurationError: It takes anything.
    """
    if receiver is not None and (receiver.takes is MISSING or receiver.takes is Any):
        raise ConfigurationError(
            f"{where} declares `answers`, but its on_receive takes anything, and so them as well: "
            "annotate the message of on_receive with a type"
        )


def check_values(where: str, codec: MessageCodec, methods: Sequence[Method]) -> None:
    """Check that messages with a correlation id have fields.

    Raises:
        ConfigurationError: In this encoding they have none.
    """
    # A base class without handlers may leave the encoding to its subclasses.
    if methods and not codec.has_values:
        raise ConfigurationError(
            f"{where} declares `correlation_id`, but in the encoding {codec.name!r} a message is "
            'a frame, and has no fields: set encoding = "json"'
        )


def check_readable(
    where: str, codec: MessageCodec, dialect: Dialect, methods: Sequence[Method]
) -> None:
    """Check that a dialect can read what is in a frame.

    Raises:
        ConfigurationError: It reads values, and in this encoding there are none.
    """
    if methods and dialect.needs_values and not codec.has_values:
        raise ConfigurationError(
            f"{where} declares `dialect = {type(dialect).__qualname__}(...)`, which reads values, "
            f'but in the encoding {codec.name!r} a message is a frame: set encoding = "json"'
        )


def check_refusing(where: str, codec: MessageCodec, methods: Sequence[Method]) -> None:
    """Check that a handler that refuses messages can tell so.

    Raises:
        ConfigurationError: The encoding has no format for errors.
    """
    for method in methods:
        if method.options.overlap == "refuse" and codec.error_event({}) is None:
            raise ConfigurationError(
                f'{where}.{method.name} is marked with overlap="refuse", but the encoding '
                f'{codec.name!r} has no format for errors: use overlap="wait" or "cancel", or set '
                'encoding = "json"'
            )
