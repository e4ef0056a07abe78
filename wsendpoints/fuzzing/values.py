"""Values of a JSON schema, at random: with what is at its bounds more often than chance has it."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, final

from wsendpoints.contract.alternatives import Alternative, alternatives_of
from wsendpoints.contract.examples import FORMATS, TEXTS
from wsendpoints.contract.json_schemas import Schema
from wsendpoints.contract.validity import is_valid, places_of

__all__ = ["NoValueError", "Values"]

T = TypeVar("T")

_MAX_DEPTH: Final = 12
"""How deep a value may be nested."""

_MAX_WHOLE: Final = 4
"""To which depth there is more than what is required."""

_TRIES: Final = 5

_MAX_TEXT: Final = 2000
_CHARACTERS: Final = "aZ09 _-./\\\"'{}<>&%\n\t\x00é中\U0001f642\u2028"
_NUMBERS: Final = (0, 1, -1, 7, 255, 2**31 - 1, -(2**31), 2**53, 2**63 - 1)


class NoValueError(Exception):
    """There is no value of a schema, as far as can be told."""


@final
class Values:
    """Makes values.

    Args:
        components: What schemas refer to, by name.
        chance: What decides.
    """

    def __init__(self, components: Mapping[str, Schema], chance: random.Random) -> None:
        self._components = components
        self._chance = chance

    def make(self, schema: Schema, depth: int = 0) -> Any:
        """Return a value.

        Args:
            schema: The schema.
            depth: How deep the value stands in another one.

        Raises:
            NoValueError: None was found.
        """
        alternatives = alternatives_of(schema, self._components)
        if depth > _MAX_WHOLE:
            # What ends soon.
            alternatives.sort(key=lambda it: it.kind in ("array", "object"))
            del alternatives[1:]
        if depth > _MAX_DEPTH or not alternatives:
            raise NoValueError
        for _ in range(_TRIES):
            value = self._of_kind(self._chance.choice(alternatives), depth)
            if is_valid(value, schema, self._components):
                return value
        raise NoValueError

    def _of_kind(self, alternative: Alternative, depth: int) -> Any:
        entries = alternative.entries
        match alternative.kind:
            case "value":
                return self._chance.choice(alternative.values)
            case "integer":
                return self._number(entries, is_whole=True)
            case "number":
                return self._number(entries, is_whole=False)
            case "string":
                return self._text(entries)
            case "array":
                return self._array(entries, depth)
            case _:
                return self._object(entries, depth)

    def _number(self, schema: Mapping[str, Any], *, is_whole: bool) -> float:
        step: float = schema.get("multipleOf", 1)
        least: float = max(
            schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + step
        )
        most: float = min(
            schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - step
        )
        bounds = [it for it in (least, most) if math.isfinite(it)]
        number = self._chance.choice([*bounds, *bounds, *_NUMBERS])
        if not is_whole and self._chance.random() < 0.5:
            number += self._chance.random()
        number = min(max(number, least), most)
        if "multipleOf" in schema:
            number = round(number / step) * step
        return int(number) if is_whole else number

    def _text(self, schema: Mapping[str, Any]) -> str:
        least: int = schema.get("minLength", 0)
        most: int = min(schema.get("maxLength", _MAX_TEXT), _MAX_TEXT)
        if "pattern" in schema:
            literal: str = schema["pattern"].removeprefix("^").removesuffix("$")
            return self._any(
                [it for it in (literal, *TEXTS) if is_valid(it, schema, {})],
            )
        if (text := FORMATS.get(schema.get("format", ""))) is not None:
            return text
        usual = [least, least + 1, least + self._chance.randrange(20)]
        length = min(self._any([*usual, *usual, most]), max(most, least))
        return "".join(self._chance.choices(_CHARACTERS, k=length))

    def _any(self, values: Sequence[T]) -> T:
        if not values:
            raise NoValueError
        return self._chance.choice(values)

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first, rest = places_of(schema)
        least: int = schema.get("minItems", 0)
        more = self._chance.randrange(4) if depth < _MAX_WHOLE else 0
        length = min(max(least, len(first)) + more, schema.get("maxItems", math.inf))
        schemas = [*first, *[rest] * max(0, int(length) - len(first))]
        items: list[Any] = []
        for schema_ in schemas[: int(length)]:
            try:
                items.append(self.make(schema_, depth + 1))
            except NoValueError:
                if len(items) < least:
                    raise
                break
        return items

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required: Sequence[str] = schema.get("required", ())
        properties: Mapping[str, Schema] = schema.get("properties", {})
        further: Schema = schema.get("additionalProperties", False)
        made: dict[str, Any] = {}
        for name in dict.fromkeys([*properties, *required]):
            is_required = name in required
            if is_required or (depth < _MAX_WHOLE and self._chance.random() < 0.5):
                try:
                    made[name] = self.make(properties.get(name, further or True), depth + 1)
                except NoValueError:
                    if is_required:
                        raise
        number = schema.get("minProperties", 0) - len(made)
        if further is not False and depth < _MAX_WHOLE:
            number = max(number, self._chance.randrange(3))
        for _ in range(max(number, 0)):
            name = self.make(
                {"type": "string", "allOf": [schema.get("propertyNames", True)]}, depth
            )
            made.setdefault(name, self.make(further or True, depth + 1))
        return made
