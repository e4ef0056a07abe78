"""Where an error is, in words that are the application's own: names of fields, and indices.

Pydantic's `loc` has more: the keys of a dict and the names of extra fields, which the client
made up, and the tags and classes of the union members that it tried.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias, final

from wsendpoints.messages.core_schemas import (
    ARRAYS,
    DICTS,
    choices_of,
    definitions_of,
    ways_to,
    words_of,
)

__all__ = ["Path", "Places"]

Path: TypeAlias = list[str | int]

_KEY: Final = "[key]"
"""The step that pydantic has behind a key which is wrong itself."""

_INNER: Final = ("schema", "lax_schema", "json_schema", "arguments_schema")
"""Where a schema that takes no step has the one that does."""

_CONFIGURED: Final = frozenset({"dataclass", "model", "typed-dict"})
"""What has a `ConfigDict` of its own, in which the names in `loc` may be those of the fields."""


@final
class Places:
    """The places that a message can have errors at.

    Args:
        schema: Pydantic's core schema for it, as `bounded` returns it: with numbers as the labels
            of union members. A path ends at a union with other labels.

    Attributes:
        words: The texts that are expected in a message, and are nobody's secret.
    """

    __slots__ = ("_definitions", "_schema", "words")

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._definitions = definitions_of(schema)
        self.words: frozenset[str] = words_of(schema)

    def path(
        self, loc: Sequence[str | int], *, is_absent: bool = False, also: Collection[str] = ()
    ) -> Path:
        """Return the steps of a `loc` that are names of declared fields, or indices.

        Args:
            loc: Where pydantic has the error.
            is_absent: Whether it is a default's: its field is called by its name there, and by its
                alias in the path.
            also: Further names that are no secret, though they may be of extra fields.
        """
        walk = _Walk(self._definitions, loc, is_absent=is_absent, also=also)
        schema = self._schema
        while walk.steps and schema is not None:
            schema = walk.follow(schema)
        return walk.path


class _Walk:
    def __init__(
        self,
        definitions: Mapping[str, Any],
        loc: Sequence[str | int],
        *,
        is_absent: bool,
        also: Collection[str],
    ) -> None:
        self.path: Path = []
        self.steps = list(reversed(loc))
        """Those to be taken, the next one at the end."""
        self._definitions = definitions
        self._is_absent = is_absent
        self._also = also
        self._by_name = False

    def follow(self, schema: Any) -> Any:
        """Return the schema that the next step leads to; `None` if it is not known."""
        if schema["type"] in _CONFIGURED:
            config: Mapping[str, object] = schema.get("config") or {}
            self._by_name = config.get("loc_by_alias") is False
        match schema:
            case {"type": "definition-ref", "schema_ref": ref}:
                return self._definitions[ref]
            case {"type": "model-fields" | "typed-dict", "fields": fields}:
                return self._enter(schema, fields)
            case {"type": "dataclass-args" | "named-tuple", "fields": fields}:
                return self._enter_arguments(schema, fields)
            case {"type": "arguments", "arguments_schema": arguments}:
                return self._enter_arguments(schema, arguments)
            case {"type": "tuple", "items_schema": items}:
                return self._enter_array(items, schema.get("variadic_item_index", len(items)))
            case {"type": kind} if kind in ARRAYS:
                return self._enter_array([schema.get("items_schema")], 0)
            case {"type": kind} if kind in DICTS:
                self.steps.pop()
                is_key = self.steps[-1:] == [_KEY]
                return None if is_key else schema.get("values_schema")
            case {"type": "tagged-union", "choices": choices}:
                tags = {str(getattr(tag, "value", tag)): it for tag, it in choices.items()}
                return tags.get(str(self.steps.pop()))
            case {"type": "union"}:
                labels = {str(number): it for number, it in enumerate(choices_of(schema))}
                return labels.get(str(self.steps.pop()))
            case {"type": "chain", "steps": [first, *_]}:
                return first
            case _:
                return next((schema[key] for key in _INNER if key in schema), None)

    def _enter_arguments(self, schema: Any, arguments: Sequence[Any]) -> Any:
        if isinstance(self.steps[-1], int):
            return self._enter_array([it["schema"] for it in arguments], len(arguments))
        return self._enter(schema, {it["name"]: it for it in arguments})

    def _enter_array(self, items: Sequence[Any], repeated: int) -> Any:
        index = self.steps.pop()
        if not isinstance(index, int):
            return None
        self.path.append(index)
        number = min(index, repeated)
        return items[number] if number < len(items) else None

    def _enter(self, schema: Any, fields: Mapping[str, Any]) -> Any:
        found: Any = None
        taken: Path = []
        for name, field in fields.items():
            ways = ways_to(name, field)
            for way in ways[-1:] if self._by_name else ways:
                if len(way) > len(taken) and self.steps[: -len(way) - 1 : -1] == way:
                    found, taken = (name, field), way
        if found is None:
            # An extra field.
            if (step := self.steps.pop()) in self._also:
                self.path.append(step)
            return schema.get("extras_schema")
        del self.steps[-len(taken) :]
        name, field = found
        is_by_name = self._is_absent and taken == [name] and not self._by_name
        self.path.extend(ways_to(name, field)[0] if is_by_name else taken)
        return field["schema"]
