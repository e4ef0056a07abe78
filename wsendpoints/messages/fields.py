"""The fields of a message, whatever its class: a model, a dataclass, a TypedDict, or a Struct.

They are read from pydantic's core schema, which has each alias, whoever made it, as an alias
generator does, and each type as pydantic validates and writes it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple, cast, final, get_origin

from pydantic import RootModel
from pydantic_core import core_schema
from typing_extensions import is_typeddict

from wsendpoints.messages.adapters import schema_of
from wsendpoints.messages.core_schemas import DICTS, choices_of, definitions_of, ways_to
from wsendpoints.messages.unions import bare

__all__ = ["NO_DEFAULT", "Field", "FieldReader", "field_in", "may_have", "written_field"]

NO_DEFAULT: Final = object()
"""The default of a field that has none."""

_OPEN: Final = frozenset(
    {"any", "chain", "function-plain", "is-instance", "json-or-python", "lax-or-strict", *DICTS}
)
"""The types of schemas for what may be an object with any fields."""


class Field(NamedTuple):
    """A field of a class.

    Attributes:
        name: That of the attribute, or the key in a TypedDict.
        read_as: What it may be called in JSON that is read.
        written_as: What it is called in JSON that is written.
        default: Its value where it was left out; `NO_DEFAULT` if it can't be, or if that is made
            anew for each instance.
        schema: Pydantic's core schema for its values; `None` for a field of a msgspec Struct.
    """

    name: str
    read_as: Sequence[str]
    written_as: str
    default: Any
    schema: Any


def may_have(member: Any, field: str, *, is_attribute: bool = False) -> bool:
    """Return whether messages of a type may have a field.

    Args:
        member: The type.
        field: The name of the field in JSON.
        is_attribute: Whether it may be the name of the attribute, too.
    """

    def is_it(found: Field) -> bool:
        return field in found.read_as or (is_attribute and field == found.name)

    schema = schema_of(member)
    if schema is None:
        return any(map(is_it, _fields_of_struct(bare(member))))
    return _may_have(schema, definitions_of(schema), is_it)


def _may_have(schema: Any, definitions: Mapping[str, Any], is_it: Callable[[Field], bool]) -> bool:
    match schema:
        case {"type": "definition-ref", "schema_ref": ref}:
            return _may_have(definitions[ref], definitions, is_it)
        case {"type": "union"}:
            return any(_may_have(it, definitions, is_it) for it in choices_of(schema))
        case {"type": "tagged-union", "choices": choices}:
            return any(_may_have(it, definitions, is_it) for it in choices.values())
        case {"type": "model", "root_model": True, "schema": inner}:
            return _may_have(inner, definitions, is_it)
        case {"type": "dataclass" | "model" | "typed-dict"}:
            return any(map(is_it, _fields_in(schema, definitions)))
        case {"type": kind} if kind in _OPEN:
            return True
        case {"schema": inner}:
            return _may_have(inner, definitions, is_it)
        case _:
            return False


def field_in(klass: Any, field: str) -> Field | None:
    """Return the field of a class that an application means by a name; `None` if it has none.

    Args:
        klass: The class.
        field: The name of the attribute, or the one in JSON.
    """
    fields = [*_fields_of(klass)]
    named = [it for it in fields if it.name == field]
    return next(iter([*named, *(it for it in fields if field in it.read_as)]), None)


def written_field(klass: Any, field: str) -> Field | None:
    """Return the field of a class that is called so in the JSON of its instances, if there is one.

    Args:
        klass: The class.
        field: The name of the field in JSON.
    """
    return next((it for it in _fields_of(klass) if it.written_as == field), None)


def _fields_of(klass: Any) -> Iterator[Field]:
    schema = schema_of(klass)
    if schema is None:
        return _fields_of_struct(klass)
    return _fields_in(schema, definitions_of(schema))


def _fields_in(schema: Any, definitions: Mapping[str, Any]) -> Iterator[Field]:
    by_name = False
    fields: Mapping[str, Any]
    while True:
        config: Any = schema.get("config") or {}
        by_name = by_name or bool(config.get("validate_by_name"))
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                schema = definitions[ref]
            case {"type": "model-fields" | "typed-dict", "fields": found}:
                fields = found
                break
            case {"type": "dataclass-args", "fields": [*arguments]}:
                fields = {it["name"]: it for it in arguments}
                break
            case {"schema": inner}:
                schema = inner
            case _:
                return
    for name, field in fields.items():
        *aliases, own = ways_to(name, field)
        ways = [*aliases, own] if by_name else aliases
        names = [str(way[0]) for way in ways if len(way) == 1]
        inner = field["schema"]
        default = inner.get("default", NO_DEFAULT)
        values = core_schema.definitions_schema(inner, list(definitions.values()))
        yield Field(name, names, field.get("serialization_alias", name), default, values)


def _fields_of_struct(klass: Any) -> Iterator[Field]:
    # That of a generic Struct with type arguments.
    klass = get_origin(klass) or klass
    names = cast("Sequence[str]", getattr(klass, "__struct_fields__", ()))
    written = cast("Sequence[str]", getattr(klass, "__struct_encode_fields__", ()))
    defaults = cast("Sequence[Any]", getattr(klass, "__struct_defaults__", ()))
    defaults = [*[NO_DEFAULT] * (len(names) - len(defaults)), *defaults]
    for name, alias, default in zip(names, written, defaults, strict=True):
        yield Field(name, [alias], alias, default, None)


@final
class FieldReader:
    """Reads a field of messages of any class; it is `None` where a message does not have it.

    Args:
        field: The name of the field: of its attribute, or in JSON.
        types: The types of the messages, as far as they are known.
    """

    __slots__ = ("_field", "_keys", "_readers")

    def __init__(self, field: str, types: Sequence[Any] = ()) -> None:
        self._field = field
        classes = [klass for it in types if is_typeddict(klass := bare(it))]
        names = [found.name for it in classes if (found := field_in(it, field)) is not None]
        self._keys = dict.fromkeys([*names, field])
        self._readers: dict[type, Callable[[Any], Any]] = {}

    def __call__(self, message: Any) -> Any:
        """Return the field of a message."""
        klass = message.__class__
        try:
            read = self._readers[klass]
        except KeyError:
            read = self._readers[klass] = self._reader_of(klass)
        return read(message)

    def _reader_of(self, klass: type) -> Callable[[Any], Any]:
        if issubclass(klass, dict):
            return self._read_dict
        if issubclass(klass, RootModel):
            return lambda message: self(message.root)
        field = field_in(klass, self._field)
        return _nothing if field is None else attrgetter(field.name)

    def _read_dict(self, message: Mapping[str, Any]) -> Any:
        return next((message[key] for key in self._keys if key in message), None)


def _nothing(_message: Any) -> None:
    pass
