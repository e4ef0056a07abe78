"""What the messages of a test are in its frames: JSON, MessagePack, or the format of a codec."""

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import import_module
from typing import Any, Final, Literal, Protocol, TypeAlias, cast, final

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic_core import SchemaSerializer, core_schema, from_json, to_json, to_jsonable_python

from wsendpoints.testing.decoding import describe_type, explain, validate
from wsendpoints.testing.errors import UnexpectedEventError
from wsendpoints.testing.events import Frame, describe_frame

__all__ = ["Codec", "Encoding", "Messages"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

_dump: Final = SchemaSerializer(core_schema.any_schema()).to_python

_PLAIN: Final = frozenset({bool, float, int, str, type(None)})


class Codec(Protocol):
    """A format: an instance of `wsendpoints.Codec`, or whatever has these."""

    @property
    def natives(self) -> Any:
        """The types that it writes beyond those of JSON."""
        ...

    def decode(self, frame: Any) -> Any:
        """Return the value of a frame."""

    def encode(self, value: Any) -> Any:
        """Return the frame for a value."""


Encoding: TypeAlias = Literal["json", "msgpack"] | Codec
"""What a client sends for a message, and takes for one."""


@final
class Messages:
    """Writes messages into frames, and reads them from frames.

    Args:
        encoding: What they are there.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._codec: Codec
        if encoding == "json":
            self._codec = _JSON()
        elif encoding == "msgpack":
            self._codec = _MessagePack()
        else:
            self._codec = encoding

    def frame_of(self, message: Any) -> Frame:
        """Return the frame for a message: a model, by alias, a Struct, a dataclass, a value."""
        frame: Frame = self._codec.encode(_plain(message, tuple(self._codec.natives)))
        return frame

    def message_of(self, frame: Frame, expected: Any) -> Any:
        """Return the message in a frame.

        Args:
            frame: The frame.
            expected: Its type: any that pydantic or msgspec takes.

        Raises:
            UnexpectedEventError: It is none of that type, with the reasons.
        """
        adapter = _adapter_for(expected)
        if adapter is not None and isinstance(self._codec, _JSON):
            return validate(frame, expected)
        try:
            value = self._codec.decode(frame)
        except Exception as exc:  # noqa: BLE001 - what a codec raises is its own
            raise _unexpected(frame, expected, str(exc)) from None
        try:
            return _validate(value, expected, adapter)
        except ValidationError as exc:
            raise _unexpected(frame, expected, explain(exc)) from None
        except _msgspec_errors() as exc:
            raise _unexpected(frame, expected, str(exc)) from None


def _msgspec_errors() -> tuple[type[Exception], ...]:
    """Return what msgspec raises for a value of another type, if there is any msgspec."""
    return (import_module("msgspec").ValidationError,) if "msgspec" in sys.modules else ()


def _unexpected(frame: Frame, expected: Any, why: str) -> UnexpectedEventError:
    return UnexpectedEventError(describe_type(expected), f"{describe_frame(frame)} ({why})")


def _adapter_for(expected: Any) -> TypeAdapter[Any] | None:
    """Return pydantic's adapter for a type; `None` for one of msgspec's."""
    try:
        return TypeAdapter(expected)
    except PydanticSchemaGenerationError:
        if "msgspec" not in sys.modules:
            raise
        return None


def _validate(value: Any, expected: Any, adapter: TypeAdapter[Any] | None) -> Any:
    if adapter is None:
        return import_module("msgspec").convert(value, expected, str_keys=True)
    try:
        return adapter.validate_python(value)
    except ValidationError:
        # A strict type takes a list for a tuple, a text for a date, of JSON alone.
        try:
            return adapter.validate_json(to_json(value))
        except ValueError:
            pass
        raise


def _plain(value: Any, natives: tuple[type, ...]) -> Any:
    """Return a value in which all is as in JSON, except for what the format has of its own."""
    if type(value) in _PLAIN or isinstance(value, natives):
        return value
    match value:
        case {**members}:
            names: Any = members
            if any(type(name) is not str for name in members):
                names = to_jsonable_python(dict.fromkeys(members))
            values = [_plain(member, natives) for member in members.values()]
            return dict(zip(names, values, strict=True))
        case list() | tuple() | set() | frozenset():
            return [_plain(item, natives) for item in cast("Iterable[Any]", value)]
        case _:
            return _plain_object(value, natives)


def _plain_object(value: Any, natives: tuple[type, ...]) -> Any:
    if hasattr(value, "__struct_fields__"):
        kinds = [kind for kind in natives if kind.__module__ in {"builtins", "datetime"}]
        return import_module("msgspec").to_builtins(value, builtin_types=kinds, str_keys=True)
    dumped = _dump(value, by_alias=True)
    return to_jsonable_python(value) if dumped is value else _plain(dumped, natives)


class _JSON:
    natives: tuple[type, ...] = ()

    def decode(self, frame: Frame) -> Any:
        return from_json(frame)

    def encode(self, value: Any) -> str:
        return to_json(value).decode()


class _MessagePack:
    natives: tuple[type, ...] = (bytes, datetime)

    def __init__(self) -> None:
        msgpack: Any = import_module("msgpack")
        self._pack: Callable[..., bytes] = msgpack.packb
        self._unpack: Callable[..., Any] = msgpack.unpackb

    def decode(self, frame: Frame) -> Any:
        if isinstance(frame, str):
            raise TypeError("MessagePack comes in binary frames")
        # As datetimes, and with what keys there are.
        return self._unpack(frame, timestamp=3, strict_map_key=False)

    def encode(self, value: Any) -> bytes:
        return self._pack(value, datetime=True, default=to_jsonable_python)
