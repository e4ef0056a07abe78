"""The messages that a class sends to its clients: how one becomes an event."""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Annotated, Any, Final, Never, NoReturn, get_args, get_origin

import typing_extensions
from pydantic import BaseModel, Discriminator
from pydantic.fields import FieldInfo

from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.codecs import CODECS, Encode, MessageCodec
from wsendpoints.messages.recognition import Recognizer
from wsendpoints.messages.structs import StructRecognizer, are_structs, holds_struct, struct_tag
from wsendpoints.messages.substitution import is_class, is_union, union_of
from wsendpoints.messages.tags import find_tag, members, objects_in
from wsendpoints.messages.unawaited import is_unawaited, unawaited_error
from wsendpoints.messages.unions import bare, is_struct, name_of, without_alias
from wsendpoints.messages.unmarked import check_structs_unmarked, check_unmarked
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["NOTHING", "Outbound", "encode_anything"]

_BYTES_LIKE: Final = (bytes, bytearray, memoryview)

NOTHING: Final = (NoReturn, Never, typing_extensions.Never)
"""What a handler declares that always raises."""


class Outbound:
    """The messages that a class sends to its clients.

    Args:
        declared: The types of them; empty if the class declares none, and may send anything.
        codec: That of the class's encoding.
        where: What declares them, for the text of an error.

    Attributes:
        messages: The members of their union.
        tag: The field that tells them apart; `None` if there is none.
        encoders: By the class of a message, what `encode` calls for it.
        encode: Returns the event that sends a message. It raises `ConfigurationError` if the class
            declares what it sends and this is not among it, and `ValueError` if it can't be written
            as JSON, or as UTF-8.

    Raises:
        ConfigurationError: Pydantic can't serialise a type.
    """

    __slots__ = (
        "_classes",
        "_codec",
        "_encode_value",
        "_others",
        "_where",
        "encode",
        "encoders",
        "messages",
        "tag",
    )

    def __init__(self, declared: Sequence[Any], codec: MessageCodec, where: str) -> None:
        union = [_as_sent(it) for it in members(union_of([*declared, None])) if it not in NOTHING]
        self.messages: list[Any] = (
            [] if Any in union else [member for member in union if member is not types.NoneType]
        )
        self.tag: str | None = find_tag(objects_in(self.messages)) or struct_tag(self.messages)
        self._codec = codec
        self._encode_value: Encode = codec.encoder_of(None)
        self._where = where
        self.encoders: dict[type, Encode] = {
            klass: encode
            for klass, encode in self._plain_encoders()
            if not self.messages or klass in self.messages
        }
        self._classes: set[type] = set()
        self._others: list[tuple[Recognizer | StructRecognizer, Encode, Any]] = []
        for message in self.messages:
            if holds_struct(message):
                self._add_struct(message)
                continue
            adapter = check_unmarked(compile_adapter(message, where), where)
            if is_class(message) and (issubclass(message, BaseModel) or is_dataclass(message)):
                self._classes.add(message)
                self.encoders[message] = codec.encoder_of(adapter)
            else:
                encode = codec.encoder_of(adapter)
                self._others.append((Recognizer(adapter), encode, message))
        for klass, written in _classes_within(self.messages):
            if klass not in self._classes:
                self._classes.add(klass)
                self.encoders[klass] = codec.encoder_of(compile_adapter(written, where))
        self.encode: Encode = _encode_by_class(self.encoders, self._encode_other)

    def _add_struct(self, message: Any) -> None:
        check_structs_unmarked([message], self._where)
        encode = self._codec.struct_encoder()
        if is_struct(message):
            klass = bare(message)
            klass = get_origin(klass) or klass
            self._classes.add(klass)
            self.encoders[klass] = encode
        else:
            self._others.append((StructRecognizer(message, self._where), encode, message))

    def _plain_encoders(self) -> Iterator[tuple[type, Encode]]:
        """Yield what encodes the classes whose instances are sent without a look at the types."""
        encode_value = self._encode_value
        yield from self._codec.frames.items()
        if self._codec.has_values:
            yield str, encode_value
        for klass in (bool, int, float, list, dict):
            yield klass, encode_value

    def _encode_other(self, message: Any) -> Event:
        if not self.messages:
            if are_structs() and is_struct(type(message)):
                encode = self.encoders[type(message)] = self._codec.struct_encoder()
                return encode(message)
            try:
                return self._send_anything(message)
            except ValueError:
                if is_unawaited(message):
                    raise unawaited_error(message, self._where) from None
                raise
        for klass in type(message).__mro__:
            if klass in self._classes:
                # What the class declares is sent, without the further fields of a subclass.
                return self.encoders[klass](message)
        for recognizer, encode, declared in self._others:
            if _is_one(message, recognizer, declared):
                return self._send_anything(message) if self._is_frame(message) else encode(message)
        if is_unawaited(message):
            raise unawaited_error(message, self._where)
        raise ConfigurationError(
            f"{self._where} sends a message of type {type(message).__name__}, but declares "
            f"{', '.join(map(name_of, self.messages))}: add its type to the return annotation of "
            "the handler, or to `sends`"
        )

    def _is_frame(self, message: Any) -> bool:
        # Of a codec whose values may be bytes, these are no frames.
        kinds = (bytes in self._codec.frames or not self._codec.has_values) and _BYTES_LIKE
        return isinstance(message, kinds or ()) or (
            isinstance(message, str) and not self._codec.has_values
        )

    def _send_anything(self, message: Any) -> Event:
        if not self._is_frame(message):
            return self._encode_value(message)
        kind = str if isinstance(message, str) else bytes
        return self._codec.encode_frame(message, kind, self._where)


def _is_one(message: Any, recognizer: Recognizer | StructRecognizer, declared: Any) -> bool:
    if isinstance(message, _BYTES_LIKE):
        return declared is bytes
    return recognizer.is_one(message)


def _as_sent(declared: Any) -> Any:
    """Return the type for which pydantic has a name: a frame is bytes, and `object` is anything."""
    if declared in (bytearray, memoryview):
        return bytes
    return Any if declared is object else declared


def _classes_within(messages: Sequence[Any]) -> Iterator[tuple[type, Any]]:
    """Yield the classes of the models and dataclasses in annotated unions and in generic types.

    Each comes with the type that writes it. A class that stands for several types is left out: the
    value tells them apart.
    """
    found: dict[type, list[Any]] = {}
    for message in messages:
        for part in _parts_of(message):
            klass = bare(part)
            klass = klass if is_class(klass) else None
            if klass and (issubclass(klass, BaseModel) or is_dataclass(klass)):
                found.setdefault(klass, []).append(part)
    yield from ((klass, parts[0]) for klass, parts in found.items() if len(parts) == 1)


def _parts_of(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, also of one that is annotated with a discriminator."""
    annotation = without_alias(annotation)
    if is_union(annotation):
        for part in get_args(annotation):
            yield from _parts_of(part)
    elif get_origin(annotation) is Annotated and all(
        isinstance(it, FieldInfo | Discriminator) for it in annotation.__metadata__
    ):
        yield from _parts_of(annotation.__origin__)
    else:
        yield annotation


def _encode_by_class(encoders: Mapping[type, Encode], other: Encode) -> Encode:
    """Return a function that encodes a message by its class.

    As a method it would take half as long again: it is called for each push.
    """

    def encode(message: object) -> Event:
        return encoders.get(message.__class__, other)(message)

    return encode


encode_anything: Final = Outbound([], CODECS[None], "a WebSocket").encode
"""Return the event that sends a message, where no class declares any: str, bytes, or as JSON."""
