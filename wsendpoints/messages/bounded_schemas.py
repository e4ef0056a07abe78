"""A core schema of pydantic's that takes the same messages, and has few errors in the others.

Pydantic collects all errors of a message, and copies into each the part of the message that is
wrong. A list of 350,000 wrong items is 350,000 errors; a message of 1 MiB in which twenty fields
are missing is copied twenty times.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from pydantic_core import CoreSchema, PydanticUseDefault, core_schema

from wsendpoints.messages.core_schemas import (
    ARRAYS,
    DICTS,
    PARTS,
    choices_of,
    definitions_of,
    is_lenient,
    schemas_within,
)
from wsendpoints.messages.recursion import branching_refs

__all__ = ["ABSENT", "FLOODED", "INVALID", "bounded"]

ABSENT: Final = object()
"""The input of an error about a field that is missing, in place of a copy of the message."""

FLOODED: Final = object()
"""The input of an error about an object with forbidden fields, in place of one error for each."""

INVALID: Final = "invalid"
"""The type of the one error that a part of a large message has."""

_TEXT: Final = "Input is not valid"

_FAIL_FAST: Final = DICTS | ARRAYS - {"generator"}
"""What pydantic can be told to leave at the first wrong item."""

_REFUSES_OBJECTS: Final = frozenset(
    {
        "bool",
        "bytes",
        "complex",
        "counter",
        "dataclass-args",
        "date",
        "datetime",
        "decimal",
        "deque",
        "dict",
        "float",
        "fraction",
        "frozen-dict",
        "frozenset",
        "generator",
        "int",
        "json",
        "list",
        "literal",
        "model-fields",
        "multi-host-url",
        "named-tuple",
        "none",
        "ordered-dict",
        "set",
        "str",
        "time",
        "timedelta",
        "tuple",
        "typed-dict",
        "url",
        "uuid",
    }
)
"""What refuses an `object()` by itself, before a function of the application sees it."""

_WRAPS: Final = frozenset({"custom-error", "dataclass", "function-after", "model", "nullable"})
"""What refuses it if the schema within does."""

_OBJECTS: Final = frozenset({"definition-ref", "dataclass-args", "model-fields", "typed-dict"})
"""What may have many errors."""

_ANYTHING: Final = core_schema.json_or_python_schema(
    json_schema=core_schema.union_schema(
        [
            core_schema.dict_schema(),
            core_schema.list_schema(),
            core_schema.str_schema(strict=True),
            core_schema.bool_schema(strict=True),
            core_schema.int_schema(strict=True),
            core_schema.float_schema(strict=True),
            core_schema.none_schema(),
        ],
        mode="left_to_right",
        custom_error_type=INVALID,
        custom_error_message=_TEXT,
    ),
    python_schema=core_schema.any_schema(),
)
"""Takes any JSON, and nothing else."""

_FUNCTIONS: Final = frozenset({"function-after", "function-before", "function-wrap"})


def bounded(schema: CoreSchema, *, large: bool) -> CoreSchema:
    """Return a schema that takes what this one takes, and has few errors about anything else.

    What has any number of items, like a list or a dict, ends at the first wrong one. The input of
    an error about a missing field is `ABSENT`. In `loc` the members of a union have their numbers,
    where pydantic has the names of classes.

    Args:
        schema: It is not changed: pydantic shares it between types.
        large: Whether it is for large messages, which could have too many errors even so, or too
            many copies of themselves in them. What multiplies these has one error there, and tells
            no more: a union without a tag, a type that is more than once a part of itself, an
            object in a dict. An object ends at its first forbidden field, with an error that has
            the input `FLOODED`; making one takes a sixth longer.
    """
    changed: CoreSchema = _Rewriting(schema, large=large).rewrite(schema)
    return changed


class _Rewriting:
    def __init__(self, schema: CoreSchema, *, large: bool) -> None:
        self._definitions = definitions_of(schema)
        self._branching = branching_refs(schema)
        self._large = large

    def rewrite(self, schema: Any) -> Any:
        """Return a changed copy of a schema, or of what stands where one has its parts."""
        match schema:
            case {"type": str(kind)}:
                parts = {part: self.rewrite(schema[part]) for part in PARTS if part in schema}
                return self._change(kind, {**schema, **parts})
            case {}:
                return {name: self.rewrite(part) for name, part in schema.items()}
            case (choice, label) if isinstance(schema, tuple):
                return self.rewrite(choice), label
            case [*parts]:
                return [self.rewrite(part) for part in parts]
            case _:
                return schema

    def _change(self, kind: str, schema: Any) -> Any:
        """Change a copy, the parts of which are changed already."""
        fields: Any = schema.get("fields")
        if kind in _FAIL_FAST or "variadic_item_index" in schema:
            schema["fail_fast"] = True
        elif kind == "union":
            schema["choices"] = [(it, str(n)) for n, it in enumerate(choices_of(schema))]
        elif kind in {"model-fields", "typed-dict"}:
            ambiguous = _ambiguous(fields)
            schema["fields"] = {
                name: field if name in ambiguous else self._require(field)
                for name, field in fields.items()
            }
        elif kind == "dataclass-args":
            ambiguous = _ambiguous({field["name"]: field for field in fields})
            schema["fields"] = [
                field if field["name"] in ambiguous else self._require(field) for field in fields
            ]
        return self._have_one_error(kind, schema) if self._large else schema

    def _have_one_error(self, kind: str, schema: Any) -> Any:
        """Change what could have many errors, or many copies of the message in them."""
        values: Any = schema.get("values_schema")
        if kind == "union":
            schema["custom_error_type"], schema["custom_error_message"] = INVALID, _TEXT
        elif kind in {"model", "dataclass"}:
            schema["schema"] = _end_fields(schema["schema"], forbids=_forbids(schema))
        elif kind == "typed-dict":
            schema = _end_typed_dict(schema)
        elif kind in DICTS and any(it["type"] in _OBJECTS for it in schemas_within(values)):
            # Each error within would have a copy of the key, which may be most of the message.
            schema["values_schema"] = _one_error(values)
        return _one_error(schema) if schema.get("ref") in self._branching else schema

    def _require(self, field: Any) -> Any:
        """Have a missing field told by an error without a copy of the object that it misses in.

        It gets a default, which its own schema refuses.
        """
        schema = field["schema"]
        if not field.get("init", True):
            return field
        if not self._refuses_objects(schema, frozenset()):
            schema = _refusing_objects(schema) if self._large else None
            if schema is None:
                return field
        if field["type"] == "typed-dict-field":
            if not field.get("required"):
                return field
            # Pydantic allows no default in one that is required.
            field = {**field, "required": False}
        default = core_schema.with_default_schema(schema, default=ABSENT, validate_default=True)
        return {**field, "schema": default}

    def _refuses_objects(self, schema: Any, seen: AbstractSet[str]) -> bool:
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                # One that leads back to itself refuses what everything else in it refuses.
                return ref in seen or self._refuses_objects(self._definitions[ref], seen | {ref})
            case {"type": "enum", "cls": cls}:
                return not is_lenient(cls)
            case {"type": "union"}:
                return all(self._refuses_objects(it, seen) for it in choices_of(schema))
            case {"type": "tagged-union", "discriminator": discriminator}:
                return not callable(discriminator)
            case {"type": "model", "custom_init": True}:
                return False
            case {"type": "is-instance", "cls": cls}:
                return cls is not object
            case {"type": "lax-or-strict", "lax_schema": one, "strict_schema": other} | {
                "type": "json-or-python",
                "json_schema": one,
                "python_schema": other,
            }:
                return self._refuses_objects(one, seen) and self._refuses_objects(other, seen)
            case {"type": "function-wrap", "function": {"function": function}, "schema": inner}:
                is_pydantics = getattr(function, "__module__", "").startswith("pydantic.")
                return is_pydantics and self._refuses_objects(inner, seen)
            case {"type": "chain", "steps": [first, *_]}:
                return self._refuses_objects(first, seen)
            case {"type": "default", "default": default, "schema": inner} if default is FLOODED:
                return self._refuses_objects(inner, seen)
            case {"type": kind, "schema": inner} if kind in _WRAPS:
                return self._refuses_objects(inner, seen)
            case _:
                return schema["type"] in _REFUSES_OBJECTS


def _refusing_objects(schema: Any) -> Any:
    """Return a schema that takes the same JSON, and refuses an `object()`; `None` if unknown."""
    match schema:
        case {"type": "any"}:
            return _ANYTHING
        case {"type": "nullable", "schema": inner}:
            inner = _refusing_objects(inner)
            return inner and {**schema, "schema": inner}
        case {"type": "function-before" | "function-plain"}:
            # What such a function gets is a value of Python's in any case.
            ref = schema.get("ref")
            unnamed: Any = {key: value for key, value in schema.items() if key != "ref"}
            return core_schema.chain_schema([_ANYTHING, unnamed], ref=ref)
        case _:
            return None


def _ambiguous(fields: Mapping[str, Any]) -> AbstractSet[str]:
    """Return the names of fields that are aliases of others.

    Pydantic has a field's name in the `loc` of an error about its default, its alias elsewhere.
    """
    aliases = {
        field["validation_alias"]
        for name, field in fields.items()
        if isinstance(field.get("validation_alias"), str) and field["validation_alias"] != name
    }
    return aliases & fields.keys()


def _forbids(schema: Any) -> bool:
    """Whether an object may have declared fields alone."""
    config: Mapping[str, object] = schema.get("config") or {}
    behavior: object = schema.get("extra_behavior", config.get("extra_fields_behavior"))
    return behavior == "forbid"


def _one_error(schema: Any) -> Any:
    ref = schema.pop("ref", None)
    return core_schema.custom_error_schema(schema, INVALID, custom_error_message=_TEXT, ref=ref)


def _end_fields(schema: Any, *, forbids: bool) -> Any:
    """Return the fields of a model or a dataclass, which end at the first wrong extra one."""
    match schema:
        case {"type": kind, "schema": inner} if kind in _FUNCTIONS:
            return {**schema, "schema": _end_fields(inner, forbids=forbids)}
        case {"type": "model-fields", "extras_schema": _}:
            return _one_error(_end(schema))
        case {"type": "model-fields"} if forbids:
            return core_schema.no_info_after_validator_function(_without_extras, _end(schema))
        case {"type": "dataclass-args", "fields": fields} if forbids and all(
            map(_is_plain, fields)
        ):
            # What a dataclass has in their place can't be told what to do with forbidden fields.
            named = {
                field["name"]: core_schema.model_field(
                    field["schema"], validation_alias=field.get("validation_alias")
                )
                for field in fields
            }
            inner = _end(core_schema.model_fields_schema(named))
            return core_schema.no_info_after_validator_function(_as_arguments, inner)
        case _:
            return schema


def _is_plain(field: Any) -> bool:
    """Whether a field of a dataclass is an argument, and an attribute."""
    return bool(field.get("init", True)) and not field.get("init_only")


def _end_typed_dict(schema: Any) -> Any:
    has_extras = "extras_schema" in schema
    if not has_extras and not _forbids(schema):
        return schema
    ref = schema.pop("ref", None)
    # A chain, because a field whose schema is a default need not be there.
    steps = [_end(schema), core_schema.any_schema()]
    chain: Any = core_schema.chain_schema(steps, ref=ref)
    return _one_error(chain) if has_extras else chain


def _end(fields: Any) -> CoreSchema:
    """Return fields of an object that end at the first extra one that is forbidden, or wrong.

    It is given to a function that has pydantic take the default of the whole object, and that is
    refused.
    """
    refuse = core_schema.no_info_plain_validator_function(_take_default)
    schema: Any = {**fields, "extra_behavior": "allow", "extras_schema": refuse}
    for extras in ("extras_schema", "extras_keys_schema"):
        if extras in fields:
            schema[extras] = core_schema.union_schema(
                [fields[extras], refuse], mode="left_to_right"
            )
    return core_schema.with_default_schema(schema, default=FLOODED, validate_default=True)


def _take_default(value: object) -> Any:
    raise PydanticUseDefault


def _without_extras(made: tuple[Any, Any, Any]) -> tuple[Any, None, Any]:
    """Return what a model is made of, its fields, its extras, and which are set, without extras.

    A model that allows extras has a dict of them. One that forbids them has `None`, and would not
    be equal to one with an empty dict.
    """
    fields, _, is_set = made
    return fields, None, is_set


def _as_arguments(made: tuple[Any, Any, Any]) -> tuple[Any, None]:
    """Return what a dataclass is made of, its attributes, and arguments that are none."""
    fields, _, _ = made
    return fields, None
