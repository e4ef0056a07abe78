"""Which messages two types may both take, as far as pydantic's core schemas show.

A union is made faster only where nothing depends on the order in which its members are tried. All
here is on the safe side: where a schema does not show it, a type may take anything.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple, TypeAlias, final

from wsendpoints.messages.core_schemas import (
    DICTS,
    choices_of,
    definitions_of,
    is_lenient,
    schemas_within,
    ways_to,
)

__all__ = ["ARRAY", "KINDS", "OBJECT", "Overlaps", "Word"]

Word: TypeAlias = str | int
"""What tells arrays apart: a text or a number that stands at some index."""

ARRAY: Final = "array"
OBJECT: Final = "object"
_SCALARS: Final = frozenset({"boolean", "number", "string"})
_NULL: Final = frozenset({"null"})

KINDS: Final = frozenset({ARRAY, OBJECT, *_SCALARS, *_NULL})
"""The kinds of JSON values."""

_KINDS_OF: Final[Mapping[str, AbstractSet[str]]] = {
    "none": _NULL,
    "named-tuple": frozenset({ARRAY, OBJECT}),
    **dict.fromkeys(("frozenset", "list", "set", "tuple"), frozenset({ARRAY})),
    **dict.fromkeys((*DICTS, "dataclass-args", "model-fields", "typed-dict"), frozenset({OBJECT})),
    # Pydantic reads a number from a text, a date from a number, and so on.
    **dict.fromkeys(
        (
            *("bool", "bytes", "complex", "date", "datetime", "decimal", "float", "int", "json"),
            *("multi-host-url", "str", "time", "timedelta", "url", "uuid"),
        ),
        _SCALARS,
    ),
}
"""The kinds that a type of schema takes at most."""

_ALL_OF: Final[Mapping[str, AbstractSet[str]]] = {
    "any": KINDS,
    "bool": frozenset({"boolean"}),
    "none": _NULL,
}
"""The kinds that a type of schema takes all values of."""

_WRAPS: Final = frozenset({"custom-error", "dataclass", "definitions", "function-after"})
"""What takes at most what the schema within takes. A function may still refuse some of it."""

_COUNTED: Final = frozenset(
    {"dataclass", "definition-ref", "model", "named-tuple", "typed-dict", "call"}
)
"""What may have pydantic count further fields of a message."""

_UNLIMITED: Final = frozenset(
    {"items_schema", "keys_schema", "metadata", "ref", "strict", "type", "values_schema"}
)
"""The keys of a schema without constraints."""


class _Field(NamedTuple):
    """A field of an object.

    Attributes:
        ways: The names in the message that lead to it, alone or as the first step of a path.
        schema: Its schema.
        is_required: Whether no message is valid without it.
    """

    ways: frozenset[str | int]
    schema: Any
    is_required: bool


class _Object(NamedTuple):
    """What a type takes that is an object with declared fields.

    Attributes:
        fields: The fields.
        naming: Whether they are read by alias, by name, or both.
        is_closed: Whether it refuses other fields.
        is_counted: Whether pydantic counts the declared fields of a message, and no others.
        is_class: Whether an instance is made of it.
    """

    fields: Sequence[_Field]
    naming: Sequence[object]
    is_closed: bool
    is_counted: bool
    is_class: bool


@final
class Overlaps:
    """What one type takes.

    Args:
        schema: Pydantic's core schema for it; `None` for a type that pydantic can't validate.
        tag: The field of it that tells the type apart, as clients write it. It is needed even if it
            has a default.

    Attributes:
        kinds: The kinds of JSON values that it may take.
        everything: The kinds of which it takes every value.
    """

    __slots__ = ("_definitions", "_object", "everything", "kinds", "words")

    def __init__(self, schema: Any, tag: str | None = None) -> None:
        schema = {"type": "unknown"} if schema is None else schema
        self._definitions = definitions_of(schema)
        self.kinds: AbstractSet[str] = self._kinds(schema, frozenset())
        self.everything: AbstractSet[str] = self._everything(schema, frozenset())
        inner, config = self._unwrapped(schema)
        self._object = None if inner is None else _object_of(inner, config, tag)
        self.words: Sequence[AbstractSet[Word]] = () if inner is None else _words_of(inner)
        """By index, the words that an array may have there; empty where it may have others."""

    def is_distinct_from(self, other: "Overlaps") -> bool:
        """Whether no message is valid for both."""
        kinds = self.kinds & other.kinds
        return all(
            (kind == ARRAY and _differ(self.words, other.words))
            or (kind == OBJECT and _exclude(self._object, other._object))
            for kind in kinds
        )

    def is_preferred_to(self, other: "Overlaps", *, is_earlier: bool = False) -> bool:
        """Whether pydantic always chooses this one for a message that is valid for both.

        It chooses the one that has more of its fields in the message; of two classes with as many,
        the earlier one.

        Args:
            other: What another type takes.
            is_earlier: Whether this one stands before the other in their union.
        """
        if self.kinds & other.kinds != {OBJECT} or self._object is None or other._object is None:
            return False
        one, two = self._object, other._object
        if not (one.is_counted and two.is_counted and one.naming == two.naming):
            return False
        shared = {field.ways: field.schema for field in one.fields}
        if not all(
            _counts_once(field.schema) or field.schema == shared.get(field.ways)
            for field in two.fields
        ):
            return False
        others = {way for field in two.fields for way in field.ways}
        own = sum(field.is_required and not field.ways & others for field in one.fields)
        more = sum(field.ways not in shared for field in two.fields)
        is_tie_won = is_earlier and one.is_class and two.is_class
        return own > more or (own == more and is_tie_won)

    def _kinds(self, schema: Any, seen: AbstractSet[str]) -> AbstractSet[str]:
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                # What leads back to itself takes what everything else in it takes.
                if ref in seen:
                    return frozenset()
                return self._kinds(self._definitions[ref], seen | {ref})
            case {"type": "literal", "expected": values}:
                return _united(map(_kinds_of_value, values))
            case {"type": "enum", "cls": cls} if not is_lenient(cls):
                return _united(_kinds_of_value(member) for member in cls)
            case {"type": "nullable", "schema": inner}:
                return self._kinds(inner, seen) | _NULL
            case {"type": "tagged-union", "choices": choices}:
                return _united(self._kinds(it, seen) for it in choices.values())
            case {"type": "union"}:
                return _united(self._kinds(it, seen) for it in choices_of(schema))
            case {"type": "json-or-python", "json_schema": inner}:
                return self._kinds(inner, seen)
            case {"type": "model", "schema": inner} if not schema.get("custom_init"):
                return self._kinds(inner, seen)
            case {"type": kind, "schema": inner} if kind in _WRAPS:
                return self._kinds(inner, seen)
            case _:
                return _KINDS_OF.get(schema["type"], KINDS)

    def _everything(self, schema: Any, seen: AbstractSet[str]) -> AbstractSet[str]:
        """Return the kinds of which a schema takes every value, if no function refuses it."""
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                if ref in seen:
                    return KINDS
                return self._everything(self._definitions[ref], seen | {ref})
            case {"type": "nullable", "schema": inner}:
                return self._everything(inner, seen) | _NULL
            case {"type": "union"}:
                return _united(self._everything(it, seen) for it in choices_of(schema))
            case {"type": "json-or-python", "json_schema": inner}:
                return self._everything(inner, seen)
            case {"type": "str"} | {"type": "float"} if schema.keys() <= _UNLIMITED:
                return frozenset({"string" if schema["type"] == "str" else "number"})
            case {"type": "list"} if schema.keys() <= _UNLIMITED:
                return self._if_all(ARRAY, [schema.get("items_schema")], seen)
            case {"type": "tuple", "items_schema": [item], "variadic_item_index": 0} if (
                schema.keys() <= _UNLIMITED | {"variadic_item_index"}
            ):
                return self._if_all(ARRAY, [item], seen)
            case {"type": "dict"} if schema.keys() <= _UNLIMITED:
                keys: Any = schema.get("keys_schema")
                if keys is not None and "string" not in self._everything(keys, seen):
                    return frozenset()
                return self._if_all(OBJECT, [schema.get("values_schema")], seen)
            case {"type": "model" | "dataclass", "schema": inner} if not schema.get("custom_init"):
                return frozenset() if _forbids(schema) else self._everything(inner, seen)
            case {"type": "model-fields" | "typed-dict" | "dataclass-args"}:
                return self._everything_of(schema, seen)
            case {"type": kind, "schema": inner} if kind in _WRAPS:
                return self._everything(inner, seen)
            case _:
                return _ALL_OF.get(schema["type"], frozenset())

    def _everything_of(self, schema: Any, seen: AbstractSet[str]) -> AbstractSet[str]:
        fields: Any = _fields_of(schema)
        if _forbids(schema) or any(_is_required(field) for _, field in fields):
            return frozenset()
        values = [schema.get("extras_schema"), *(field["schema"] for _, field in fields)]
        return self._if_all(OBJECT, values, seen)

    def _if_all(self, kind: str, parts: Sequence[Any], seen: AbstractSet[str]) -> AbstractSet[str]:
        """Return this kind, if each part takes every value."""
        inner = [part["schema"] if part and part["type"] == "default" else part for part in parts]
        is_all = all(part is None or self._everything(part, seen) == KINDS for part in inner)
        return frozenset({kind} if is_all else ())

    def _unwrapped(self, schema: Any) -> tuple[Any, Mapping[str, Any]]:
        """Return the schema of the fields or the items, and the configuration of its class."""
        config: Mapping[str, Any] = {}
        while True:
            config = schema.get("config") or config
            match schema:
                case {"type": "definition-ref", "schema_ref": ref}:
                    schema = self._definitions[ref]
                case {"type": "model", "schema": inner} if not schema.get("custom_init"):
                    if schema.get("root_model"):
                        return None, {}
                    schema = inner
                case {"type": kind, "schema": inner} if kind in _WRAPS:
                    schema = inner
                case _:
                    return schema, config


def _united(sets: Iterable[AbstractSet[str]]) -> AbstractSet[str]:
    return frozenset[str]().union(*sets)


def _kinds_of_value(value: object) -> AbstractSet[str]:
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None:
        return _NULL
    return _SCALARS if isinstance(value, str | int | float | bytes) else KINDS


def _fields_of(schema: Any) -> Sequence[tuple[str, Any]]:
    fields: Any = schema["fields"]
    if schema["type"] in {"model-fields", "typed-dict"}:
        return [*fields.items()]
    return [(field["name"], field) for field in fields]


def _is_required(field: Any) -> bool:
    has_default = field["schema"]["type"] == "default" or not field.get("init", True)
    return bool(field.get("required", not has_default))


def _forbids(schema: Any) -> bool:
    return _extras(schema, schema.get("config") or {}) == "forbid"


def _extras(schema: Any, config: Mapping[str, Any]) -> object:
    return schema.get("extra_behavior", config.get("extra_fields_behavior"))


def _object_of(schema: Any, config: Mapping[str, Any], tag: str | None) -> _Object | None:
    kind = schema["type"]
    if kind not in {"dataclass-args", "model-fields", "named-tuple", "typed-dict"}:
        return None
    return _Object(
        [_field_of(name, field, tag) for name, field in _fields_of(schema)],
        [config.get(f"validate_by_{it}") for it in ("alias", "name")],
        is_closed=kind == "named-tuple" or _extras(schema, config) == "forbid",
        is_counted=kind != "named-tuple" and _extras(schema, config) != "allow",
        is_class=kind in {"dataclass-args", "model-fields"},
    )


def _field_of(name: str, field: Any, tag: str | None) -> _Field:
    ways = frozenset(way[0] for way in ways_to(name, field))
    schema = field["schema"]
    if tag in ways and schema["type"] == "default":
        return _Field(ways, schema["schema"], is_required=True)
    return _Field(ways, schema, _is_required(field))


def _counts_once(schema: Any) -> bool:
    return not any(part["type"] in _COUNTED for part in schemas_within(schema))


def _exclude(one: _Object | None, two: _Object | None) -> bool:
    """Whether one of two objects needs a field that the other refuses, or both a different word."""
    if one is None or two is None:
        return False
    return _needs_more(one, two) or _needs_more(two, one) or _have_other_tags(one, two)


def _needs_more(one: _Object, two: _Object) -> bool:
    known = {way for field in two.fields for way in field.ways}
    return two.is_closed and any(it.is_required and not it.ways & known for it in one.fields)


def _have_other_tags(one: _Object, two: _Object) -> bool:
    if one.naming != two.naming:
        return False
    words = {field.ways: _words_in(field.schema) for field in one.fields if field.is_required}
    return any(
        _exclude_words(words.get(field.ways, frozenset()), _words_in(field.schema))
        for field in two.fields
        if field.is_required
    )


def _words_of(schema: Any) -> Sequence[AbstractSet[Word]]:
    match schema:
        case {"type": "tuple", "items_schema": items}:
            return [_words_in(it) for it in items[: schema.get("variadic_item_index", len(items))]]
        case {"type": "named-tuple", "fields": fields}:
            return [_words_in(field["schema"]) for field in fields]
        case _:
            return ()


def _words_in(schema: Any) -> AbstractSet[Word]:
    """Return the words that a schema takes; none if it takes anything else."""
    if schema["type"] != "literal":
        return frozenset()
    values = [it.value if isinstance(it, enum.Enum) else it for it in schema["expected"]]
    # `True` is 1 in Python, as a key of a dict too.
    is_simple = all(isinstance(it, str | int) and not isinstance(it, bool) for it in values)
    return frozenset(values if is_simple else ())


def _differ(one: Sequence[AbstractSet[Word]], two: Sequence[AbstractSet[Word]]) -> bool:
    """Whether two arrays have an item in which no word of one is one of the other."""
    return any(map(_exclude_words, one, two))


def _exclude_words(ours: AbstractSet[Word], theirs: AbstractSet[Word]) -> bool:
    return bool(ours and theirs) and ours.isdisjoint(theirs)
