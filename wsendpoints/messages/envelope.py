"""A dialect as a class has it: its frames become the calls of methods, and their answers frames."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, final, get_args

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.dialects.records import (
    Batch,
    Call,
    ErrorCode,
    InvalidRecordError,
    Notification,
    Record,
)
from wsendpoints.messages.codecs import CODECS, Decode, MessageCodec
from wsendpoints.messages.exchange import Called, Exchange, Gathering, Written
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.methods import Adapters, names_of_marked
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.procedure import read_value
from wsendpoints.messages.procedures import Procedure, by_name, read_procedure
from wsendpoints.messages.providers import Provider
from wsendpoints.messages.wrapping import find
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    ErrorReply,
    InvalidDataError,
    InvalidMessageError,
    about,
)

__all__ = [
    "LIBRARY_CODES",
    "Envelope",
    "read_procedures",
]

LIBRARY_CODES: Final = frozenset(get_args(ErrorCode))
"""The codes of errors that a class need not declare."""


@final
class Envelope:
    """The dialect of a class, with its encoding.

    Args:
        dialect: The dialect.
        codec: That of the class's encoding.
        procedures: The methods that clients call, by their names in the protocol.
        where: The name of the class, for the text of an error.

    Attributes:
        dialect: The dialect.
        procedures: The methods that clients call, by their names in the protocol.
        decode_text: Turns a text frame into an `Exchange`.
        decode_binary: The same for a binary frame.
    """

    __slots__ = (
        "_codec",
        "_readers",
        "_where",
        "decode_binary",
        "decode_text",
        "dialect",
        "procedures",
    )

    decode_text: Callable[[Any], Exchange]
    decode_binary: Callable[[Any], Exchange]

    def __init__(
        self, dialect: Dialect, codec: MessageCodec, procedures: Mapping[str, Procedure], where: str
    ) -> None:
        self.dialect: Dialect = dialect
        self.procedures: Mapping[str, Procedure] = procedures
        self._codec = codec
        self._where = where
        self._readers: dict[str, tuple[Any, Inbound]] = {}
        text, binary = codec.decoders(None, ())
        self.decode_text = self._reading(text)
        self.decode_binary = self._reading(binary)

    # What came.

    def _reading(self, decode: Decode) -> Callable[[Any], Exchange]:
        def read(frame: str | bytes) -> Exchange:
            value = decode(frame)
            try:
                records = self.dialect.records(value)
            except InvalidRecordError as error:
                return Exchange([_kept(error, frame)], frame)
            return Exchange(
                [self._read(record, frame) for record in records],
                frame,
                is_batch=isinstance(records, Batch),
            )

        return read

    def _read(self, record: Any, frame: str | bytes) -> Record | InvalidRecordError:
        try:
            return self.dialect.read(record)
        except InvalidRecordError as error:
            return _kept(error, frame)

    def called(self, exchange: Exchange) -> Sequence[Called]:
        """Return what is to be answered, for each record of an exchange."""
        ids = [
            (record.id, True) if isinstance(record, Call | InvalidRecordError) else (None, False)
            for record in exchange.records
        ]
        gathering = None
        if exchange.is_batch:
            number = sum(is_answered for _, is_answered in ids)
            gathering = Gathering(number, self.dialect.write_batch)
        return [
            Called(id_, is_answered=not is_answered, gathering=gathering, place=place)
            for place, (id_, is_answered) in enumerate(ids)
        ]

    def refusal(self, error: ClientMessageError) -> ErrorReply | None:
        """Return the error that answers what a client did wrong.

        Returns:
            `None` for what closes the connection, such as a limit.
        """
        if isinstance(error, InvalidRecordError):
            return ErrorReply(error.code, error.detail)
        if isinstance(error, InvalidMessageError):
            details: dict[str, Any] = {"errors": error.errors}
            if error.more:
                details["more"] = error.more
            return ErrorReply("invalid_params", "the method does not take these params", details)
        if isinstance(error, InvalidDataError):
            return ErrorReply("parse_error", error.detail)
        return None

    def result(self, expected: Any, result: Any) -> Any:
        """Return the result of a call to the client, validated.

        Raises:
            InvalidMessageError: It is of another type than the one that was asked for.
            ConfigurationError: That type can't be validated.
        """
        # A type may have no hash, and its text be that of another one.
        key = repr(expected)
        known, reader = self._readers.get(key, (None, None))
        if reader is None or known != expected:
            reader = Inbound(expected, CODECS["json"], f"{self._where}.ask")
            self._readers[key] = expected, reader
        return read_value(reader, result)

    def join(self, inbound: Inbound, outbound: Outbound) -> None:
        """Have frames read, and notifications and answers written, by the dialect."""
        inbound.decode_text, inbound.decode_binary = self.decode_text, self.decode_binary
        outbound.encoders[Notification] = self.notification_event
        outbound.encoders[Written] = attrgetter("event")

    # What goes out.

    def event(self, value: Any) -> Event:
        """Return the event that sends what the dialect wrote.

        Raises:
            ConfigurationError: The encoding has no such frames.
            ValueError: It can't be encoded.
        """
        if self._codec.has_values:
            return self._codec.encoder_of(None)(value)
        if not isinstance(value, str | bytes):
            raise ConfigurationError(
                f"{self._where}: {type(self.dialect).__qualname__} wrote a "
                f"{type(value).__name__}, but a frame of the encoding {self._codec.name!r} is a "
                'str or bytes: return that, or set encoding = "json"'
            )
        return self._codec.encode_frame(value, type(value), self._where)

    def item_event(self, called: Called, item: Any) -> Event | None:
        """Return the event that sends an item of a stream; `None` if it is sent no more."""
        called.is_streamed = True
        # After the answer of a cancellation there are no items.
        if called.is_answered:
            return None
        written = self.dialect.write_item(called.id, called.results.value(item))
        return None if written is None else self.event(written)

    def answer(self, called: Called, result: Any) -> Any:
        """Return what is to be sent, now that the method of a call has returned.

        Args:
            called: The call.
            result: Its result; that of a stream, which has sent its items, is of no account.
        """
        if called.is_answered:
            # A notification, or what was cancelled meanwhile.
            return None
        if called.is_streamed:
            return called.answer(self.dialect.write_end(called.id))
        return called.answer(self.dialect.write_reply(called.id, called.results.value(result)))

    def notification_event(self, notification: Notification) -> Event:
        """Return the event that sends a notification to the client."""
        return self.event(self.dialect.write_call(notification.method, notification.params, None))


def read_procedures(
    cls: Any,
    adapters: Adapters,
    providers: Mapping[str, Provider],
    defaults: Mapping[str, Any],
    before: Envelope | None,
) -> Mapping[str, Procedure]:
    """Read the methods that clients call by the dialect of a class, by their names there.

    Args:
        cls: The class.
        adapters: What makes handlers of methods.
        providers: Those of the class.
        defaults: The attributes of the class with the default hooks.
        before: What the class had before it was changed.

    Raises:
        ConfigurationError: The class is declared incorrectly.
        UnboundTypeVariable: The class is still generic.
    """
    where, dialect = cls.__qualname__, cls.dialect
    if not isinstance(dialect, Dialect):
        raise ConfigurationError(
            f"{where}.dialect is {dialect!r}: use an instance of a `Dialect`, such as `JsonRpc()`"
        )
    for name, instead in _INSTEAD.items():
        if getattr(cls, name) is not None and find(cls, name)[1] is not defaults[name]:
            raise ConfigurationError(f"{where} has both `dialect` and {name}: {instead}")
    known = {} if before is None else {it.method.name: it for it in before.procedures.values()}
    procedures = {
        name: read_procedure(cls, name, adapters, providers, dialect, known.get(name))
        for name in {**dict.fromkeys(known), **dict.fromkeys(names_of_marked(cls))}
        if getattr(cls, name, None) is not None
    }
    return by_name(procedures, where)


_INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "on_receive": "write a method for each that clients call, marked with "
        '`@handles("its name")`',
        "correlation_id": "remove the latter, for the dialect knows which answer belongs to which "
        "call",
        "answers": "remove the latter, for `ask` is given the type of its answer",
        "sends": "remove the latter, for what it sends besides answers is a `Notification`",
    }
)
"""What a class with a dialect can't have, and what to do."""


def _kept(error: InvalidRecordError, frame: str | bytes) -> InvalidRecordError:
    """Return an error that can be kept: its traceback would hold what holds it."""
    return about(error.with_traceback(None), frame)
