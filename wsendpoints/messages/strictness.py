"""What a strict type takes of a codec's values: what it takes of JSON.

In strict mode pydantic takes of Python's own values none that would have to be converted: a list
for a tuple, a text for an enum. From JSON it takes them, since JSON has no others; nor have most
formats.
"""

from typing import Any, Final

from pydantic_core import CoreSchema

from wsendpoints.messages.core_schemas import DICTS, rewritten, schemas_within

__all__ = ["as_from_json"]

_CONVERTED: Final = frozenset(
    {
        *("bytes", "dataclass", "date", "datetime", "decimal", "deque", "enum", "frozenset"),
        *("lax-or-strict", "multi-host-url", "named-tuple", "set", "time", "timedelta", "tuple"),
        *("url", "uuid"),
    }
)
"""The types of schemas for values that JSON has not."""


def as_from_json(schema: CoreSchema) -> CoreSchema:
    """Return a schema that takes, where it is strict, what it would take of JSON."""
    if not any(map(_is_strict, schemas_within(schema))):
        return schema
    changed: CoreSchema = rewritten(schema, _converting)
    return changed


def _is_strict(schema: Any) -> bool:
    config: Any = schema.get("config") or {}
    return bool(schema.get("strict") or config.get("strict"))


def _converting(schema: Any) -> Any:
    changed: dict[str, Any] = {"strict": False} if schema["type"] in _CONVERTED else {}
    if schema["type"] in DICTS and "keys_schema" in schema:
        changed["keys_schema"] = {**schema["keys_schema"], "strict": False}
    return {**schema, **changed}
