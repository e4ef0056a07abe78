"""Messages as bytes that are read back as what they were, for those that are kept."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

from pydantic import BaseModel
from typing_extensions import is_typeddict

from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.structs import (
    compile_structs,
    holds_struct,
    json_decoder,
    json_encoder,
    set_field,
)
from wsendpoints.messages.substitution import is_class
from wsendpoints.messages.tags import members
from wsendpoints.messages.unions import bare, is_struct

__all__ = ["Archive"]

_FIELD: Final = "position"

Write: TypeAlias = Callable[[Any], bytes]
Read: TypeAlias = Callable[[bytes], Any]


@final
class Archive:
    """Writes the messages of a group, and reads them back.

    It is all of a message: by the names of its fields, and with those that no client gets. The name
    of its class is written with it, so that two classes with equal fields are not mistaken for each
    other, also by a process that runs another version of the application.

    Args:
        annotation: The union of the messages; `Any` for whatever is JSON.
        where: What declares them, for the text of an error.

    Raises:
        ConfigurationError: A type can't be validated.
    """

    __slots__ = ("_by_class", "_is_in_dicts", "_kinds", "_where")

    def __init__(self, annotation: Any, where: str) -> None:
        self._where = where
        union = members(annotation)
        self._is_in_dicts = any(map(_has_field, union))
        structs = any(map(holds_struct, union))
        # The one without a name is for all that no class tells apart.
        self._kinds: dict[bytes, tuple[Write, Read]] = {
            b"": (json_encoder(), compile_structs(union, json_decoder, where))
            if structs
            else _pydantics(annotation, where)
        }
        self._by_class: dict[type, bytes] = {}
        for member in () if structs else union:
            klass: Any = bare(member)
            if is_class(klass) and (
                issubclass(klass, BaseModel) or dataclasses.is_dataclass(klass)
            ):
                name = klass.__qualname__.encode()
                while name in self._kinds:
                    # Two modules may each have a class of this name.
                    name += b"'"
                self._by_class[klass] = name
                self._kinds[name] = _pydantics(member, where)

    def write(self, message: Any) -> tuple[bytes, Any]:
        """Return a message as bytes, and what is read back from them.

        Raises:
            ValueError: It can't be written, or not be read back.
        """
        kind = b""
        for klass in type(message).__mro__:
            if klass in self._by_class:
                kind = self._by_class[klass]
                break
        write, read = self._kinds[kind]
        data = write(message)
        try:
            copy = read(data)
        except Exception as exc:
            # Whoever says it is told, and not those who come back.
            raise ValueError(
                f"{self._where} keeps its messages, and this {type(message).__name__} can't be "
                f"read back: {exc}"
            ) from exc
        return b"%b|%b" % (kind, data), copy

    def read(self, data: bytes, position: str | None) -> Any:
        """Return the message that was written, with its position.

        Args:
            data: What `write` has returned.
            position: Its position, if it has one.

        Raises:
            KeyError: Its class is not one of these.
            Exception: It is no such message: a `ValueError`, but for older versions of msgspec, and
                for what validators raise.
        """
        kind, _, body = data.partition(b"|")
        _, read = self._kinds[kind]
        message = read(body)
        return message if position is None else self.placed(message, position)

    def placed(self, message: Any, position: str) -> Any:
        """Return a message that was read back, with its position in the field for it, if any."""
        klass: Any = message.__class__
        if self._has_position(klass):
            # It is nobody else's, so it may be changed, also where its class forbids it.
            if klass is dict:
                message[_FIELD] = position
            elif is_struct(klass):
                set_field(message, _FIELD, position)
            elif issubclass(klass, BaseModel):
                message = message.model_copy(update={_FIELD: position})
            else:
                object.__setattr__(message, _FIELD, position)
        return message

    def _has_position(self, klass: Any) -> bool:
        if klass is dict:
            return self._is_in_dicts
        if is_struct(klass):
            return _FIELD in klass.__struct_fields__
        if dataclasses.is_dataclass(klass):
            return any(field.name == _FIELD for field in dataclasses.fields(klass))
        return issubclass(klass, BaseModel) and _FIELD in klass.model_fields


def _pydantics(annotation: Any, where: str) -> tuple[Write, Read]:
    adapter = compile_adapter(annotation, where)

    def write(message: Any) -> bytes:
        return adapter.dump_json(message, by_alias=False, round_trip=True, warnings="error")

    def read(data: bytes) -> Any:
        return adapter.validate_json(data, by_alias=False, by_name=True)

    return write, read


def _has_field(member: Any) -> bool:
    klass = bare(member)
    return is_typeddict(klass) and _FIELD in klass.__annotations__
