"""What an encoding is: how its messages are read from frames, and written into frames.

A frame is what one event carries, a str or bytes.

One JSON parser serves everywhere, pydantic's: unlike the standard library's it takes UTF-8 alone,
refuses lone surrogates, and bounds nesting and the length of numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from wsendpoints.messages.places import Places
from wsendpoints.messages.structs import json_encoder
from wsendpoints.messages.validators import Validator
from wsendpoints.messages.writing import ToJSON, encode_json, json_writer
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    InvalidDataError,
    UnsupportedDataError,
    about,
)
from wsendpoints.protocol.frames import check_binary, check_text
from wsendpoints.protocol.state import SEND

__all__ = [
    "Decode",
    "Encode",
    "Encoding",
    "MessageCodec",
    "ToJSON",
    "binary_event",
    "binary_event_of",
    "decode_json",
    "encode_json",
    "refuse_binary",
    "refuse_text",
    "text_event",
    "text_event_of",
]

Encoding: TypeAlias = Literal["text", "bytes", "json", "msgpack"] | None
"""What a frame is: a text, bytes, JSON in either, MessagePack in bytes, or whatever comes."""

Decode: TypeAlias = Callable[[Any], Any]
"""Turns a frame into a message.

Raises pydantic's ValidationError for one that is not declared, and ClientMessageError for a frame
that no message can be read from.
"""

Encode: TypeAlias = Callable[[Any], Event]
"""Returns the event that sends a message."""


# JSON.


def decode_json(frame: str | bytes) -> Any:
    """Return the value of a JSON text. Of duplicate keys the last one wins.

    Raises:
        InvalidDataError: It is not UTF-8, or not JSON (RFC 8259: `NaN` and `Infinity` are not).
    """
    try:
        return from_json(frame, allow_inf_nan=False)
    except (ValueError, TypeError):  # TypeError: a str with a raw lone surrogate
        raise about(InvalidDataError("not valid JSON"), frame) from None


# Events.


def text_event(message: str) -> Event:
    """Return the event that sends a text."""
    # That a text is ASCII is a flag on it: the common case costs nothing.
    return {"type": SEND, "text": message if message.isascii() else check_text(message)}


def binary_event(message: bytes | bytearray | memoryview) -> Event:
    """Return the event that sends bytes."""
    return {"type": SEND, "bytes": check_binary(message)}


def text_event_of(to_json: ToJSON) -> Encode:
    """Return what sends a value as JSON in a text frame."""
    return lambda message: {"type": SEND, "text": to_json(message).decode()}


def binary_event_of(to_json: ToJSON) -> Encode:
    """Return what sends a value as JSON in a binary frame."""
    return lambda message: {"type": SEND, "bytes": to_json(message)}


# Encodings.


class MessageCodec(ABC):
    """How the messages of an encoding are read from frames, and written into frames.

    Attributes:
        name: The value of `WebSocketEndpoint.encoding` that stands for it.
        has_values: Whether a frame holds a value that is encoded, such as an object. If not, a
            message is the frame itself.
        frames: By the type of a frame that a message may be, what sends it as it is.
        refused: What its decoders raise for a value that is none of the messages, or, without
            validation, for a frame that has none.
        is_json: Whether the values are those of JSON, which pydantic reads itself; if not, it
            validates them as Python's own.
    """

    name: object
    has_values: bool
    frames: Mapping[type, Encode]
    refused: tuple[type[Exception], ...] = (ValidationError,)
    is_json: bool = True

    def require(self, where: str) -> None:  # noqa: B027 - most have all that they need
        """Import what the encoding needs, for a class that has it.

        Args:
            where: The name of the class, for the text of an error.

        Raises:
            ConfigurationError: It is not installed.
        """

    @abstractmethod
    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        """Return what reads a message from a text frame, and from a binary one.

        Args:
            validator: That of the union of the messages; `None` for no validation.
            messages: The members of that union.
        """

    @abstractmethod
    def encoder(self, to_json: ToJSON) -> Encode:
        """Return what sends a message that is not a frame itself.

        Args:
            to_json: Writes the message as JSON.
        """

    def encoder_of(self, adapter: TypeAdapter[Any] | None) -> Encode:
        """Return what sends messages of a type.

        Args:
            adapter: Pydantic's, for the type; `None` for values of any type.
        """
        return self.encoder(encode_json if adapter is None else json_writer(adapter))

    def struct_decoders(self, annotation: Any) -> tuple[Decode, Decode] | None:
        """Return what reads a message of msgspec's, as `decoders` does.

        Args:
            annotation: A type that holds Structs.

        Returns:
            `None` if a message is the frame itself.
        """
        return None

    def struct_encoder(self) -> Encode:
        """Return what sends a Struct, or a value that holds one."""
        return self.encoder(json_encoder())

    def read_value(self, frame: str | bytes) -> Any:
        """Return the value of a frame.

        Raises:
            InvalidDataError: It has none.
        """
        return decode_json(frame)

    @abstractmethod
    def client_error(
        self, exc: ValidationError, places: Places, frame: str | bytes
    ) -> ClientMessageError:
        """Return what a failed validation means, in words that may be shown to the client.

        Args:
            exc: The failure.
            places: Where a message may be invalid.
            frame: The frame.
        """

    def error_event(self, message: Mapping[str, Any]) -> Event | None:
        """Return the event that sends an error message.

        Returns:
            `None` where the encoding has no format for errors.
        """
        return None

    def value_of(self, frame: str | bytes) -> Any:
        """Return the value that a frame holds, not validated; `None` if it holds none."""
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
            others = " or ".join(kinds[other] for other in self.frames) or "a value"
            raise ConfigurationError(
                f'{where} sends {kinds[kind]}, but its encoding is "{self.name}": send {others}'
            )
        return encode(message)


def refuse_text(frame: str) -> Any:
    """Refuse a text frame where binary ones are taken."""
    raise about(UnsupportedDataError("this endpoint takes binary frames, not text"), frame)


def refuse_binary(frame: bytes) -> Any:
    """Refuse a binary frame where text is taken."""
    raise about(UnsupportedDataError("this endpoint takes text frames, not binary"), frame)
