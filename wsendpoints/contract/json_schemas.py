"""JSON schemas in the form that readers of AsyncAPI and OpenAPI documents share.

What pydantic and msgspec make is of draft 2020-12. Those readers know draft 7, and trip over some
of what it has; and a document is public, and must hold no secret and no module of the application.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from wsendpoints.contract.patterns import portable

__all__ = [
    "Schema",
    "entries_of",
    "holds_ref",
    "holds_secret",
    "plain",
    "refs_in",
    "relinked",
    "rewritten",
    "with_parts",
]

Schema: TypeAlias = Any
"""A dict, or `True` or `False` for anything and nothing."""

_ONE: Final = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LISTS: Final = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_DICTS: Final = frozenset(
    {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
)
"""Where a schema has others: one, a list of them, or a dict."""

_LEFT_OUT: Final = (
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$id",
    "$schema",
    "definitions",
    "discriminator",
)
"""What says nothing of a value. Of a `discriminator` generators make a wrong type for the tag."""

_PASSWORD: Final = re.compile(r"://[^/?#\s]*:[^/?#\s]*@")
"""A password in a URL."""


def entries_of(schema: Schema) -> Mapping[str, Any]:
    """Return what is in a schema: nothing in one that is a bool."""
    return cast("dict[str, Any]", schema) if isinstance(schema, dict) else {}


def parts_of(schema: Schema) -> Iterator[Schema]:
    """Yield the schemas that stand in a schema."""
    for key, value in entries_of(schema).items():
        if key in _DICTS and isinstance(value, dict):
            yield from cast("dict[str, Any]", value).values()
        elif key in _LISTS and isinstance(value, list):
            yield from value
        elif key in _ONE:
            yield value


def with_parts(schema: Schema, change: Callable[[Schema], Schema]) -> dict[str, Any]:
    """Return a copy of a schema in which other schemas stand.

    Args:
        schema: The schema, not a bool.
        change: Returns what takes the place of a schema that stands in it.
    """
    found: dict[str, Any] = {}
    for key, value in entries_of(schema).items():
        if key in _DICTS and isinstance(value, dict):
            parts = cast("dict[str, Any]", value)
            found[key] = {name: change(it) for name, it in parts.items()}
        elif key in _LISTS and isinstance(value, list):
            found[key] = [change(it) for it in cast("Sequence[Any]", value)]
        else:
            found[key] = change(value) if key in _ONE else value
    return found


def refs_in(schema: Schema) -> Iterator[str]:
    """Yield what a schema refers to, as often as it does."""
    if isinstance(ref := entries_of(schema).get("$ref"), str):
        yield ref
    for part in parts_of(schema):
        yield from refs_in(part)


def holds_secret(schema: Schema) -> bool:
    """Return whether a part of a value is a secret, as a `SecretStr` is."""
    entries = entries_of(schema)
    is_secret = entries.get("format") == "password" or entries.get("writeOnly") is True
    return is_secret or any(map(holds_secret, parts_of(schema)))


def relinked(schema: Schema, ref_of: Callable[[str], str]) -> Schema:
    """Return a schema with other references.

    Args:
        schema: The schema.
        ref_of: Returns what takes the place of a `$ref`.
    """
    if not isinstance(schema, dict):
        return schema
    found = with_parts(schema, lambda part: relinked(part, ref_of))
    if "$ref" in found:
        found["$ref"] = ref_of(found["$ref"])
    return found


def rewritten(
    schema: Schema, ref_of: Callable[[str], str | None], is_secret: Callable[[Schema], bool]
) -> Schema:
    """Return a schema in the common form.

    - A tuple has its types in `items`, and a `$ref` stands alone, in `allOf` if need be.
    - A field with one possible value is required: that is what tells messages apart.
    - There is no `discriminator`, no default that is, or has, a secret, and no pattern that
      ECMA-262 does not have.

    Args:
        schema: The schema.
        ref_of: Returns what takes the place of a `$ref`; `None` where it leads nowhere, and the
            value may be anything.
        is_secret: Tells whether a part of a value is a secret.
    """
    if not isinstance(schema, dict):
        return schema
    found = with_parts(schema, lambda part: rewritten(part, ref_of, is_secret))
    for key in _LEFT_OUT:
        found.pop(key, None)
    if "default" in found and _may_not_be_shown(found, found["default"], is_secret):
        del found["default"]
    if "enum" in found:
        # `1` and `True` are two.
        found["enum"] = [*{f"{type(it)} {it!r}": it for it in found["enum"]}.values()]
    _change(found, "pattern", portable)
    _change(found, "$ref", ref_of)
    _arrange_tuple(found)
    _require_tags(found)
    _rename_ref(found)
    if "$ref" in found and len(found) > 1:
        # Draft 7 ignores what stands beside it.
        ref = found.pop("$ref")
        return {"allOf": [{"$ref": ref}, *found.pop("allOf", ())], **found}
    return found


def _change(schema: dict[str, Any], key: str, change: Callable[[str], str | None]) -> None:
    """Change what is under a key; with `None` it is left out."""
    if key in schema and (value := change(schema.pop(key))) is not None:
        schema[key] = value


def _may_not_be_shown(
    schema: Mapping[str, Any], default: Any, is_secret: Callable[[Schema], bool]
) -> bool:
    if isinstance(default, str) and _PASSWORD.search(default):
        return True
    if holds_ref(default):
        return True
    # Nothing is no secret.
    return default is not None and is_secret(schema)


def holds_ref(value: Any) -> bool:
    """Return whether a reader of a document would take a part of a value for a reference."""
    match value:
        case {**entries}:
            return "$ref" in entries or any(map(holds_ref, entries.values()))
        case [*items]:
            return any(map(holds_ref, items))
        case _:
            return False


def _arrange_tuple(schema: dict[str, Any]) -> None:
    if "prefixItems" in schema:
        rest = schema.pop("items", None)
        schema["items"] = schema.pop("prefixItems")
        if rest is not None:
            schema["additionalItems"] = rest


def _rename_ref(schema: dict[str, Any]) -> None:
    """Describe a field that is called `$ref` by a pattern, since its name would be a reference."""
    properties: dict[str, Any] = schema.get("properties", {})
    if "$ref" in properties:
        others: dict[str, Any] = schema.get("patternProperties", {})
        schema["patternProperties"] = {**others, r"^\$ref$": properties.pop("$ref")}


def _require_tags(schema: dict[str, Any]) -> None:
    properties: dict[str, Any] = schema.get("properties", {})
    required: Sequence[str] = schema.get("required", ())
    tags = [
        name
        for name, it in properties.items()
        if name not in required and "const" in entries_of(it)
    ]
    if tags:
        schema["required"] = [*tags, *required]
    for name in tags:
        properties[name].pop("default", None)


def plain(value: Any) -> Any:
    """Return a copy of a value, as JSON has it: `null` for a number that it does not have.

    Args:
        value: One of dicts, lists, texts, numbers and so on; what is of another class is its text.
    """
    if isinstance(value, str):
        return _plain_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, Any]", value)
        return {_plain_text(str(key)): plain(entries[key]) for key in entries}
    if isinstance(value, list | tuple):
        return [plain(it) for it in cast("Sequence[Any]", value)]
    return _plain_text(str(value))


def _plain_text(text: str) -> str:
    # A lone surrogate is a `?`.
    return str(text) if text.isascii() else text.encode(errors="replace").decode()
