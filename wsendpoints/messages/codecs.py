"""The encodings, as one table: how a message of each is read from a frame, and written into one.

A frame is what one event carries, a str or bytes. An encoding is a `Codec`; a new one is a class
and a row of `CODECS`.

One JSON parser serves everywhere, pydantic's: unlike the standard library's it takes UTF-8 alone,
refuses lone surrogates, and bounds nesting and the length of numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeAlias, final

from pydantic import ValidationError
from pydantic_core import SchemaSerializer, core_schema, from_json

from wsendpoints.messages.client_errors import error_message, to_client_error
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    InvalidDataError,
    UnsupportedDataError,
)
from wsendpoints.protocol.frames import check_binary, check_text
from wsendpoints.protocol.state import SEND

__all__ = [
    "CODECS",
    "Codec",
    "Decode",
    "Encode",
    "Encoding",
    "ToJSON",
    "Validator",
    "decode_json",
    "encode_json",
]

Encoding: TypeAlias = Literal["text", "bytes", "json"] | None
"""What a frame is: a text, bytes, JSON in either, or whatever comes."""

Decode: TypeAlias = Callable[[Any], Any]
"""Turns a frame into a message.

Raises pydantic's ValidationError for one that is not declared, and ClientMessageError for a frame
that no message can be read from.
"""

Encode: TypeAlias = Callable[[Any], Event]
"""Returns the event that sends a message."""

ToJSON: TypeAlias = Callable[[Any], bytes]
"""Returns the JSON of a value, in UTF-8."""


class Validator(Protocol):
    """Pydantic's validator for a type, with or without plugins."""

    validate_python: Decode
    validate_json: Decode


# JSON.

_to_json: Final = SchemaSerializer(core_schema.any_schema()).to_json


def decode_json(frame: str | bytes) -> Any:
    """Return the value of a JSON text. Of duplicate keys the last one wins.

    Raises:
        InvalidDataError: It is not UTF-8, or not JSON (RFC 8259: `NaN` and `Infinity` are not).
    """
    try:
        return from_json(frame, allow_inf_nan=False)
    except (ValueError, TypeError):  # TypeError: a str with a raw lone surrogate
        raise InvalidDataError("not valid JSON") from None


def encode_json(value: Any) -> bytes:
    """Return the JSON, in UTF-8, of a plain value, a model, a dataclass, or any mix of them.

    Models are written by alias, as they are read. `NaN` and the infinities become `null`, as
    JavaScript's `JSON.stringify` has it: an echo must not fail for what a client can send.

    Raises:
        ValueError: It can't be written as JSON.
    """
    return _to_json(value, by_alias=True)


# Events.


def _text_event(message: str) -> Event:
    # That a text is ASCII is a flag on it: the common case costs nothing.
    return {"type": SEND, "text": message if message.isascii() else check_text(message)}


def _binary_event(message: bytes | bytearray | memoryview) -> Event:
    return {"type": SEND, "bytes": check_binary(message)}


def _text_event_of(to_json: ToJSON) -> Encode:
    return lambda message: {"type": SEND, "text": to_json(message).decode()}


def _binary_event_of(to_json: ToJSON) -> Encode:
    return lambda message: {"type": SEND, "bytes": to_json(message)}


# Encodings.


class Codec(ABC):
    """How the messages of an encoding are read from frames, and written into frames.

    Attributes:
        name: The value of `WebSocketEndpoint.encoding` that stands for it.
        has_values: Whether a frame holds a value that is encoded, such as an object. If not, a
            message is the frame itself.
        frames: By the type of a frame that a message may be, what sends it as it is.
    """

    name: Encoding
    has_values: bool
    frames: Mapping[type, Encode]

    @abstractmethod
    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        """Return what reads a message from a text frame, and from a binary one.

        Args:
            validator: Pydantic's for the union of the messages; `None` for no validation.
            messages: The members of that union.
        """

    @abstractmethod
    def encoder(self, to_json: ToJSON) -> Encode:
        """Return what sends a message that is not a frame itself.

        Args:
            to_json: Writes the message as JSON.
        """

    @abstractmethod
    def client_error(self, exc: ValidationError, frame: str | bytes) -> ClientMessageError:
        """Return what a failed validation means, in words that may be shown to the client."""

    def error_event(self, error: ClientMessageError, tag: str) -> Event | None:
        """Return the event that answers an invalid message.

        Args:
            error: What is wrong with the message.
            tag: The name of the field that tells the endpoint's messages apart.

        Returns:
            `None` where the encoding has no format for errors: the connection is closed then.
        """
        return None

    def encode_frame(self, message: Any, kind: type, where: str) -> Event:
        """Return the event that sends a message which is a frame itself.

        Args:
            message: The message, a str or bytes-like.
            kind: `str` or `bytes`: the kind of frame that it is.
            where: The class that sends it, for the text of an error.

        Raises:
            ConfigurationError: The encoding has no such frames.
        """
        encode = self.frames.get(kind)
        if encode is None:
            kinds: dict[type, str] = {str: "a str", bytes: "bytes"}
            (other,) = self.frames
            raise ConfigurationError(
                f'{where} sends {kinds[kind]}, but its encoding is "{self.name}": '
                f"send {kinds[other]}"
            )
        return encode(message)


@final
class FrameCodec(Codec):
    """A message is the frame itself, validated as the str or bytes that it is.

    Args:
        name: The encoding.
        frames: The kinds of frames that it has.
    """

    has_values = False

    def __init__(self, name: Encoding, *frames: type[str] | type[bytes]) -> None:
        self.name = name
        events: dict[type, Encode] = {str: _text_event, bytes: _binary_event}
        self.frames = {kind: events[kind] for kind in frames}

    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        # For a frame that is not validated, its own type is the cheapest function to return it.
        text: Decode = str
        binary: Decode = bytes
        if validator is not None:
            text = binary = validator.validate_python
            if all(message in (str, bytes) for message in messages):
                # What pydantic would return, without the 100 ns that it takes.
                text = _ascii_or(text) if str in messages else text
                binary = bytes if bytes in messages else binary
        return (
            text if str in self.frames else refuse_text,
            binary if bytes in self.frames else refuse_binary,
        )

    def encoder(self, to_json: ToJSON) -> Encode:
        return _text_event_of(to_json) if str in self.frames else _binary_event_of(to_json)

    def client_error(self, exc: ValidationError, frame: str | bytes) -> ClientMessageError:
        return to_client_error(exc, frame, json=False)


class JSONCodec(Codec):
    """A message is a JSON text, in a text frame or, as UTF-8, in a binary one."""

    name: Encoding = "json"
    has_values = True
    frames: Mapping[type, Encode] = MappingProxyType({bytes: _binary_event})

    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        decode = decode_json if validator is None else validator.validate_json
        return decode, decode

    def encoder(self, to_json: ToJSON) -> Encode:
        return _text_event_of(to_json)

    def client_error(self, exc: ValidationError, frame: str | bytes) -> ClientMessageError:
        return to_client_error(exc, frame, json=True)

    def error_event(self, error: ClientMessageError, tag: str) -> Event | None:
        return self.encoder(encode_json)(error_message(error, tag))


CODECS: Final[Mapping[object, Codec]] = MappingProxyType(
    {
        codec.name: codec
        for codec in (
            FrameCodec("text", str),
            FrameCodec("bytes", bytes),
            JSONCodec(),
            FrameCodec(None, str, bytes),
        )
    }
)
"""By the value of `WebSocketEndpoint.encoding`, what reads and writes its messages."""


def _ascii_or(validate: Decode) -> Decode:
    """Return what takes any text; one that may hold a lone surrogate is validated."""

    def decode(frame: str) -> Any:
        return frame if frame.isascii() else validate(frame)

    return decode


def refuse_text(frame: str) -> Any:
    """Refuse a text frame where binary ones are taken."""
    raise UnsupportedDataError("this endpoint takes binary frames, not text")


def refuse_binary(frame: bytes) -> Any:
    """Refuse a binary frame where text is taken."""
    raise UnsupportedDataError("this endpoint takes text frames, not binary")
