"""Messages that are msgspec's Structs: read, told apart, validated and written by msgspec.

The package is imported by whoever defines a Struct, and never here, for a class without one.
"""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, TypeAlias, TypeVar, final, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, SchemaSerializer, core_schema

from wsendpoints.messages.client_errors import is_literal, shortened
from wsendpoints.messages.quoting import Sent
from wsendpoints.messages.substitution import is_class, types_within
from wsendpoints.messages.unions import bare, is_struct, name_of
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    ErrorDetails,
    InvalidDataError,
    InvalidMessageError,
)

__all__ = [
    "ReadStruct",
    "StructRecognizer",
    "are_structs",
    "compile_structs",
    "holds_struct",
    "json_decoder",
    "json_encoder",
    "messagepack_decoder",
    "messagepack_encoder",
    "refused_errors",
    "set_field",
    "struct_error",
    "struct_tag",
    "struct_to_builtins",
    "to_builtins",
    "values_decoder",
]

T = TypeVar("T")

ReadStruct: TypeAlias = Callable[[Any], Any]
"""Returns the message in a frame."""

_PATH: Final = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
"""Where an error is, behind its text."""

_STEP: Final = re.compile(r"\.(?P<field>[^.\[]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
"""A step on the way: a field, an index, or something in a dict, whose keys the client chose."""

_MISSING: Final = re.compile(r"Object missing required field `(?P<field>.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `.*`", re.DOTALL)
_WRONG_VALUE: Final = re.compile(r"Invalid (enum )?value .*", re.DOTALL)
_WRONG_TYPE: Final = re.compile(r"Expected `[^`]*`, got `[^`]*`|Expected `str`")
_OWN: Final = re.compile(
    r"Expected .*|(Integer|Number|Duration|Timestamp) .*|Invalid (RFC3339|ISO8601|UUID|base64|"
    r"decimal|epoch) ?.*|Object missing .*",
    re.DOTALL,
)
"""Texts of msgspec's own that quote nothing of the message."""

_NATIVE: Final = frozenset({"builtins", "datetime", "decimal", "uuid"})
"""The modules of the types that msgspec can leave as they are."""

_dump: Final = SchemaSerializer(core_schema.any_schema()).to_python


# What is declared.


def holds_struct(annotation: Any) -> bool:
    """Return whether a type is a Struct, or has one in its brackets, such as `list[Say]`."""
    if is_struct(annotation):
        return True
    return not is_class(annotation) and any(map(holds_struct, types_within(annotation)))


def are_structs() -> bool:
    """Return whether there may be any: whoever defines one has imported msgspec."""
    return "msgspec" in sys.modules


def struct_tag(messages: Sequence[Any]) -> str | None:
    """Return the field that tells Structs apart; `None` if they have no tag."""
    configs = [
        (get_origin(bare(it)) or bare(it)).__struct_config__ for it in messages if is_struct(it)
    ]
    fields = {config.tag_field for config in configs if config.tag is not None}
    return fields.pop() if len(fields) == 1 else None


def compile_structs(messages: Sequence[Any], compile_type: Callable[[Any], T], where: str) -> T:
    """Return what reads the messages of a class, at least one of which holds a Struct.

    Args:
        messages: The members of their union.
        compile_type: Makes msgspec's decoders for a type.
        where: The name of the class, for the text of an error.

    Raises:
        ConfigurationError: There are pydantic's models among them, or msgspec can't tell them
            apart, or it can't read one.
    """
    models = [it for it in messages if _is_model(it)]
    if models:
        struct = next(it for it in messages if holds_struct(it))
        raise ConfigurationError(
            f"{where} takes {name_of(struct)}, a Struct of msgspec's, and {name_of(models[0])}, a "
            "model of pydantic's, but one of the two libraries reads all its messages: make them "
            "all Structs, or all models"
        )
    union = messages[0]
    for message in messages[1:]:
        union = union | message
    try:
        return compile_type(union)
    except (TypeError, NameError) as exc:
        raise ConfigurationError(f"{where}: msgspec can't read its messages: {exc}") from exc


def _is_model(message: Any) -> bool:
    klass = bare(message)
    return is_class(klass) and issubclass(klass, BaseModel)


# What comes.


def refused_errors() -> tuple[type[Exception], ...]:
    """Return what msgspec raises for a frame that is none of the messages."""
    return (_msgspec().DecodeError, UnicodeError, RecursionError)


def struct_error(exc: Exception, value: Any) -> ClientMessageError:
    """Return what a failed validation means, in words that may be shown to the client.

    Args:
        exc: What msgspec raised.
        value: What the client sent.
    """
    if not isinstance(exc, _msgspec().ValidationError):
        # Such as a number that is too large for msgspec, or a type of MessagePack's own.
        return InvalidDataError("a value that can't be read")
    text = str(exc)
    loc: list[str | int] = []
    if (match := _PATH.search(text)) is not None:
        text = text[: match.start()]
        for step in _STEP.finditer(match["path"]):
            if step["field"] is not None:
                loc.append(step["field"])
            elif step["index"] is not None:
                loc.append(int(step["index"]))
    return InvalidMessageError([_details(exc, text, loc, value)])


def _details(exc: Exception, text: str, loc: list[str | int], value: Any) -> ErrorDetails:
    # The application's own, from `__post_init__`, has a cause.
    if (raised := exc.__cause__) is not None:
        is_plain = text.isprintable() and shortened(text) == text
        if not is_literal(raised) and (not is_plain or Sent(value).may_be_repeated_in(text)):
            text = "Input is not valid"
        return ErrorDetails(loc=loc, type="value_error", msg=text)
    if (match := _MISSING.fullmatch(text)) is not None:
        return ErrorDetails(loc=[*loc, match["field"]], type="missing", msg="Field required")
    if _UNKNOWN.fullmatch(text):
        return ErrorDetails(loc=loc, type="extra_forbidden", msg="Extra inputs are not permitted")
    if _WRONG_VALUE.fullmatch(text):
        return ErrorDetails(loc=loc, type="value_error", msg="The value is none of those expected")
    kind = "type_error" if _WRONG_TYPE.fullmatch(text) else "value_error"
    shown = shortened(text) if _OWN.fullmatch(text) else "Input is not valid"
    return ErrorDetails(loc=loc, type=kind, msg=shown)


def json_decoder(annotation: Any) -> ReadStruct:
    """Return what reads messages of a type from JSON."""
    decode: ReadStruct = _msgspec().json.Decoder(annotation).decode
    return decode


def messagepack_decoder(annotation: Any) -> ReadStruct:
    """Return what reads messages of a type from MessagePack."""
    decode: ReadStruct = _msgspec().msgpack.Decoder(annotation).decode
    return decode


def values_decoder(annotation: Any) -> ReadStruct:
    """Return what makes messages of a type of plain values."""
    convert = _msgspec().convert

    def decode(value: Any) -> Any:
        return convert(value, annotation, str_keys=True)

    # Whether msgspec can read the type shows when it does.
    with suppress(_msgspec().ValidationError):
        decode(None)
    return decode


# What is sent.


@final
class StructRecognizer:
    """Tells whether a value is of a type that holds Structs.

    Args:
        annotation: The type.
        where: What declares it, for the text of an error.

    Raises:
        ConfigurationError: msgspec can't write it.
    """

    __slots__ = ("_annotation", "_convert")

    def __init__(self, annotation: Any, where: str) -> None:
        self._annotation = annotation
        self._convert: Callable[..., Any] = _msgspec().convert
        try:
            self.is_one(None)
        except TypeError as exc:
            raise ConfigurationError(
                f"{where}: {name_of(annotation)} can't be written: {exc}"
            ) from exc

    def is_one(self, value: Any) -> bool:
        """Return whether a value is of the type."""
        try:
            self._convert(value, self._annotation, from_attributes=False)
        except (_msgspec().ValidationError, RecursionError):
            return False
        return True


def json_encoder() -> Callable[[Any], bytes]:
    """Return what writes the JSON of a value that is, or holds, a Struct.

    What it returns raises `ValueError` for what can't be written as JSON.
    """
    encode: Callable[[Any], bytes] = _msgspec().json.Encoder(enc_hook=_plain).encode
    return encode


def messagepack_encoder() -> Callable[[Any], bytes]:
    """Return the same for MessagePack."""
    encode: Callable[[Any], bytes] = _msgspec().msgpack.Encoder(enc_hook=_plain).encode

    def write(value: Any) -> bytes:
        try:
            return encode(value)
        except OverflowError as exc:
            raise ValueError(str(exc)) from exc

    return write


def to_builtins(value: Any, natives: tuple[type, ...]) -> Any:
    """Return such a value as plain ones.

    Args:
        value: The value.
        natives: The types that stay as they are, where msgspec can leave them.
    """
    kept = [kind for kind in natives if kind.__module__ in _NATIVE]
    return _msgspec().to_builtins(value, builtin_types=kept, str_keys=True, enc_hook=_plain)


def struct_to_builtins(value: Any) -> Any:
    """Return a Struct as plain values; pydantic calls it for what it does not know itself.

    Raises:
        PydanticSerializationError: It is none.
    """
    if not is_struct(type(value)):
        raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")
    return to_builtins(value, ())


def set_field(struct: Any, name: str, value: Any) -> None:
    """Set a field of a Struct that nobody else has, be it frozen."""
    _msgspec().structs.force_setattr(struct, name, value)


def _plain(value: Any) -> Any:
    """Return what JSON has for a value that msgspec does not know, such as a model."""
    return _dump(value, mode="json", by_alias=True)


def _msgspec() -> Any:
    return import_module("msgspec")
