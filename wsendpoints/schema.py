"""What a class receives and sends: compiled once, when the class is made.

`Inbound` turns frames into messages, `Outbound` messages into events.
"""

import inspect
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias, assert_never, cast

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from wsendpoints.asgi import Event
from wsendpoints.encoding import check_binary, check_text, decode_json, encode_json
from wsendpoints.exceptions import ConfigurationError, ConfigurationWarning, UnsupportedDataError
from wsendpoints.state import SEND
from wsendpoints.unions import find_tag, is_class, is_object, join, members, name_of, union_of

__all__ = ["Encoding", "Inbound", "Outbound", "compile_adapter"]

Encoding: TypeAlias = Literal["text", "bytes", "json"] | None

Decode: TypeAlias = Callable[[Any], Any]
"""Turns a frame into a message.

Raises pydantic's ValidationError for one that is not declared, and ClientMessageError for what
no message is made of.
"""


def compile_adapter(annotation: Any, where: str) -> TypeAdapter[Any]:
    """Return pydantic's adapter for a type.

    Args:
        annotation: Any type that pydantic can validate.
        where: What declares it, for the text of the error.

    Raises:
        ConfigurationError: Pydantic can't.
    """
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        # A model that waits for a definition compiles on first use: now, not on a message.
        adapter.rebuild(raise_errors=True)
    except (PydanticUserError, SchemaError, NameError, TypeError) as exc:
        raise ConfigurationError(
            f"{where}: {name_of(annotation)} can't be validated: {exc}"
        ) from exc
    return adapter


class Inbound:
    """The messages that a class takes from its clients.

    Args:
        annotation: The union of them; `Any` for no validation.
        encoding: The class's.
        where: What declares them, for the text of an error.

    Attributes:
        messages: The members of the union, but for binary frames beside JSON.
        tag: The field that tells them apart; `None` if there is none.
        decode_text: Turns a text frame into a message.
        decode_binary: The same for a binary frame.

    Raises:
        ConfigurationError: A type can't be validated, or not from frames of this encoding.
    """

    __slots__ = ("decode_binary", "decode_text", "messages", "tag")

    decode_binary: Decode
    decode_text: Decode

    def __init__(self, annotation: Any, encoding: Encoding, where: str) -> None:
        union = [] if annotation is Any else members(annotation)
        takes_frames = encoding == "json" and bytes in union
        self.messages: list[Any] = [
            member for member in union if not (takes_frames and member is bytes)
        ]
        objects = [member for member in self.messages if is_object(member)]
        self.tag: str | None = find_tag(objects)
        if objects and encoding != "json":
            raise ConfigurationError(
                f"{where}: {name_of(objects[0])} is read from JSON, "
                f'but encoding is {encoding!r}: set encoding = "json"'
            )
        if len(objects) > 1 and self.tag is None:
            warnings.warn(
                f"{where}: nothing tells {', '.join(map(name_of, objects))} apart, so that each "
                "message is tried against all of them: give each a field like "
                '`type: Literal["..."] = "..."`, with another value in each',
                ConfigurationWarning,
                stacklevel=_level_of_class_statement(),
            )
        if self.messages:
            validator = compile_adapter(join(self.messages, self.tag), where).validator
            from_json: Decode = validator.validate_json
            from_text: Decode = validator.validate_python
            from_bytes: Decode = validator.validate_python
        else:
            # For a frame as it is, its own type is the cheapest function that returns it.
            from_json = _no_text if takes_frames else decode_json
            from_text, from_bytes = str, bytes
        # Decided by encoding here, so that no message pays for it.
        match encoding:
            case "json":
                self.decode_text, self.decode_binary = from_json, from_json
                if takes_frames:
                    self.decode_binary = bytes
            case "text":
                self.decode_text, self.decode_binary = from_text, _no_binary
            case "bytes":
                self.decode_text, self.decode_binary = _no_text, from_bytes
            case None:
                self.decode_text, self.decode_binary = from_text, from_bytes
            case _:
                assert_never(encoding)


def _level_of_class_statement() -> int:
    """Return the `stacklevel` at which a warning points at the class that is being made."""
    level = 0
    frame = inspect.currentframe()
    while frame is not None and _is_between(frame):
        level += 1
        frame = frame.f_back
    return level


def _is_between(frame: types.FrameType) -> bool:
    """Whether a call lies between a class statement and here; `abc` is what makes the class."""
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith(("wsendpoints.", "abc")) or frame.f_code.co_name == "__init_subclass__"


def _no_text(frame: str) -> Any:
    raise UnsupportedDataError("this endpoint takes binary frames, not text")


def _no_binary(frame: bytes) -> Any:
    raise UnsupportedDataError("this endpoint takes text frames, not binary")


_BYTES_LIKE: Final = (bytes, bytearray, memoryview)


class Outbound:
    """The messages that a class sends to its clients.

    Args:
        declared: The types of them; empty if the class declares none, and may send anything.
        encoding: The class's.
        where: What declares them, for the text of an error.

    Attributes:
        messages: The members of their union.
        tag: The field that tells them apart; `None` if there is none.

    Raises:
        ConfigurationError: Pydantic can't serialise a type.
    """

    __slots__ = ("_binary", "_classes", "_encoding", "_others", "_where", "messages", "tag")

    def __init__(self, declared: Sequence[Any], encoding: Encoding, where: str) -> None:
        union = members(union_of([*declared, None]))
        self.messages: list[Any] = (
            [] if Any in union else [member for member in union if member is not types.NoneType]
        )
        self.tag: str | None = find_tag([member for member in self.messages if is_object(member)])
        self._encoding: Encoding = encoding
        self._binary = encoding == "bytes"
        self._where = where
        self._classes: dict[type, Callable[[Any], bytes]] = {}
        self._others: list[tuple[TypeAdapter[Any], Any]] = []
        for message in self.messages:
            adapter = compile_adapter(message, where)
            if is_class(message) and (issubclass(message, BaseModel) or is_dataclass(message)):
                self._classes[message] = _to_json(adapter)
            else:
                self._others.append((adapter, message))

    def encode(self, message: object) -> Event:
        """Return the event that sends a message.

        Raises:
            ConfigurationError: The class declares what it sends, and this is not among it.
            ValueError: It can't be written as JSON, or as UTF-8.
        """
        to_json = self._classes.get(type(message))
        if to_json is None:
            return self._encode_other(message)
        if self._binary:
            return {"type": SEND, "bytes": to_json(message)}
        return {"type": SEND, "text": to_json(message).decode()}

    def _encode_other(self, message: Any) -> Event:
        if not self.messages:
            return self._frame(message)
        for klass in type(message).__mro__:
            if klass in self._classes:
                # What the class declares is sent, and no field of a subclass besides.
                return self._json_frame(self._classes[klass](message))
        for adapter, declared in self._others:
            if self._is_one(message, adapter, declared):
                if self._is_frame(message):
                    return self._frame(message)
                return self._json_frame(adapter.dump_json(message, by_alias=True))
        raise ConfigurationError(
            f"{self._where} sends a message of type {type(message).__name__}, but declares "
            f"{', '.join(map(name_of, self.messages))}: add its type to the return annotation of "
            "the handler, or to `sends`"
        )

    def _is_one(self, message: Any, adapter: TypeAdapter[Any], declared: Any) -> bool:
        if isinstance(message, _BYTES_LIKE):
            return declared is bytes
        try:
            # Strictly, since what is sent is not converted ("5" is an int otherwise).
            adapter.validate_python(message, strict=True, by_alias=False, by_name=True)
        except ValidationError as exc:
            # That a text holds a lone surrogate is found out, and said, when it is written.
            return all(error["type"] == "string_unicode" for error in exc.errors())
        return True

    def _is_frame(self, message: Any) -> bool:
        return isinstance(message, _BYTES_LIKE) or (
            isinstance(message, str) and self._encoding != "json"
        )

    def _frame(self, message: Any) -> Event:
        if not self._is_frame(message):
            return self._json_frame(encode_json(message).encode())
        if isinstance(message, str):
            if self._binary:
                raise ConfigurationError(
                    f'{self._where} sends a str, but its encoding is "bytes": send bytes'
                )
            return {"type": SEND, "text": check_text(message)}
        if self._encoding == "text":
            raise ConfigurationError(
                f'{self._where} sends bytes, but its encoding is "text": send a str'
            )
        return {"type": SEND, "bytes": check_binary(message)}

    def _json_frame(self, data: bytes) -> Event:
        if self._binary:
            return {"type": SEND, "bytes": data}
        return {"type": SEND, "text": data.decode()}


def _to_json(adapter: TypeAdapter[Any]) -> Callable[[Any], bytes]:
    """Return the function that writes a class's instances as JSON, by alias.

    A class's own serializer is three times faster than that of a union.
    """
    to_json: Callable[..., bytes] = adapter.serializer.to_json
    # Without the keyword it is faster again by a fifth (54 of 260 ns), to the same effect.
    return partial(to_json, by_alias=True) if _has_alias(adapter.core_schema) else to_json


def _has_alias(schema: Any) -> bool:
    if isinstance(schema, dict):
        entries = cast("dict[str, Any]", schema)
        return any(
            (key in {"serialization_alias", "alias"} and value is not None)
            or (key != "metadata" and _has_alias(value))
            for key, value in entries.items()
        )
    if isinstance(schema, list | tuple):
        return any(_has_alias(item) for item in cast("Sequence[Any]", schema))
    return False
