"""The encodings, as one table: a new one is a `MessageCodec` in a file of its own, and a row."""

import inspect
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, final

from pydantic import ValidationError
from pydantic_core import from_json

from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.codec import (
    Decode,
    Encode,
    Encoding,
    MessageCodec,
    ToJSON,
    binary_event,
    binary_event_of,
    decode_json,
    encode_json,
    refuse_binary,
    refuse_text,
    text_event,
    text_event_of,
)
from wsendpoints.messages.custom import Codec
from wsendpoints.messages.messagepack import MessagePackCodec
from wsendpoints.messages.places import Places
from wsendpoints.messages.structs import json_decoder
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    InvalidDataError,
    InvalidMessageError,
    about,
)

__all__ = [
    "CODECS",
    "Decode",
    "Encode",
    "Encoding",
    "MessageCodec",
    "ToJSON",
    "codec_of",
    "decode_json",
    "encode_json",
    "refuse_text",
]


@final
class FrameCodec(MessageCodec):
    """A message is the frame itself, validated as the str or bytes that it is.

    Args:
        name: The encoding.
        frames: The kinds of frames that it has.
    """

    has_values: bool = False

    def __init__(self, name: Encoding, *frames: type[str] | type[bytes]) -> None:
        self.name: object = name
        events: dict[type, Encode] = {str: text_event, bytes: binary_event}
        self.frames: Mapping[type, Encode] = {kind: events[kind] for kind in frames}

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
                text = str if str in messages else text
                binary = bytes if bytes in messages else binary
        return (
            text if str in self.frames else refuse_text,
            binary if bytes in self.frames else refuse_binary,
        )

    def encoder(self, to_json: ToJSON) -> Encode:
        return text_event_of(to_json) if str in self.frames else binary_event_of(to_json)

    def client_error(
        self, exc: ValidationError, places: Places, frame: str | bytes
    ) -> ClientMessageError:
        return about(to_client_error(exc, places, frame, json=False), frame)


class JSONCodec(MessageCodec):
    """A message is a JSON text, in a text frame or, as UTF-8, in a binary one."""

    name: object = "json"
    has_values: bool = True
    frames: Mapping[type, Encode] = MappingProxyType({bytes: binary_event})

    def decoders(
        self, validator: Validator | None, messages: Sequence[Any]
    ) -> tuple[Decode, Decode]:
        decode = decode_json if validator is None else validator.validate_json
        return decode, decode

    def struct_decoders(self, annotation: Any) -> tuple[Decode, Decode] | None:
        decode = json_decoder(annotation)
        return decode, decode

    def encoder(self, to_json: ToJSON) -> Encode:
        return text_event_of(to_json)

    def client_error(
        self, exc: ValidationError, places: Places, frame: str | bytes
    ) -> ClientMessageError:
        error = to_client_error(exc, places, frame, json=True)
        is_json = isinstance(error, InvalidMessageError)
        return about(error, frame, _value_or_none if is_json else None)

    def error_event(self, message: Mapping[str, Any]) -> Event | None:
        return self.encoder(encode_json)(message)

    def value_of(self, frame: str | bytes) -> Any:
        try:
            # With `NaN`, which pydantic takes for a number where a message may have one.
            return from_json(frame)
        except (ValueError, TypeError):
            return None


def _value_or_none(frame: str | bytes) -> Any:
    """Return the value of a message that is invalid; `None` if that holds `NaN`."""
    try:
        return decode_json(frame)
    except InvalidDataError:
        return None


CODECS: Final[Mapping[object, MessageCodec]] = MappingProxyType(
    {
        codec.name: codec
        for codec in (
            FrameCodec("text", str),
            FrameCodec("bytes", bytes),
            JSONCodec(),
            MessagePackCodec(),
            FrameCodec(None, str, bytes),
        )
    }
)
"""By the value of `WebSocketEndpoint.encoding`, what reads and writes its messages."""


def codec_of(encoding: object, where: str) -> MessageCodec:
    """Return what reads and writes the messages of a class.

    Args:
        encoding: An encoding, as the class declares it.
        where: The name of the declaration, for the text of an error.

    Raises:
        ConfigurationError: There is no such encoding, or what it needs is not installed.
    """
    if isinstance(encoding, Codec):
        return encoding._compiled(where)  # pyright: ignore[reportPrivateUsage]  # its own package
    if inspect.isclass(encoding) and issubclass(encoding, Codec):
        name = encoding.__name__
        raise ConfigurationError(f"{where} is the class {name}: use an instance of it, {name}()")
    codec = _named(encoding)
    if codec is None:
        *names, last = (f'"{name}"' if isinstance(name, str) else repr(name) for name in CODECS)
        used = f"{', '.join(names)} or {last}, or an instance of a Codec"
        raise ConfigurationError(f"{where} is {encoding!r}: use {used}")
    codec.require(where)
    return codec


def _named(encoding: object) -> MessageCodec | None:
    return CODECS.get(encoding) if isinstance(encoding, Hashable) else None
