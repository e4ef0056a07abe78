"""Whether all that one JSON schema takes is taken by another one too, and if not, what is not.

There are three answers: it is; it is not, and a value is known that the other one does not take; or
it can't be told. `unevaluatedProperties`, `if`, and so on are not understood, and of most patterns
and formats nobody knows what they have in common.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

from wsendpoints.contract.alternatives import Alternative, alternatives_of
from wsendpoints.contract.json_schemas import Schema, entries_of, refs_in
from wsendpoints.contract.scalars import number_differences, text_differences
from wsendpoints.contract.validity import is_same, is_valid, places_of, schemas_at

__all__ = ["Difference", "Narrowing"]

_MAX_DEPTH: Final = 100

_OPEN: Final = frozenset({"additionalProperties", "patternProperties"})
"""What an object has that may have fields of other names."""

_MANY: Final = 4
"""Above this, what is different of one value is told as one thing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one schema takes and the other one does not.

    Attributes:
        what: The values, in words: `"texts longer than 5"`.
        where: The field, from the message on: `"room.members[].name"`; `""` for the message itself.
        is_certain: Whether there is such a value.
        is_missing: Whether it is the message without the field.
    """

    what: str
    where: str = ""
    is_certain: bool = True
    is_missing: bool = False

    def within(self, step: str) -> "Difference":
        """Return it as it is seen from what holds the value."""
        dot = "." if self.where and not self.where.startswith(("[", "{")) else ""
        return replace(self, where=f"{step}{dot}{self.where}")


@final
class Narrowing:
    """Compares schemas of two documents.

    A recursive schema is compared as if what it refers to were taken, and is if nothing contradicts
    that.

    Args:
        components: What the schemas refer to whose values are looked at.
        others: What the schemas refer to that take them, or not.
        ignores_undeclared: Whether a message has no other fields than the declared ones, where its
            schema does not say. A server writes no others; a client may, and they are ignored.
    """

    __slots__ = ("_components", "_depth", "_held", "_is_one", "_others", "_trail", "_undeclared")

    def __init__(
        self,
        components: Mapping[str, Schema],
        others: Mapping[str, Schema],
        *,
        ignores_undeclared: bool,
    ) -> None:
        self._components = components
        self._others = others
        self._undeclared = not ignores_undeclared
        self._held: set[tuple[str, str]] = set()
        self._trail: list[tuple[str, str]] = []
        self._depth = 0
        self._is_one = components == others

    def differences(self, schema: Schema, other: Schema) -> list[Difference]:
        """Return what a schema takes and the other one does not; nothing if all is taken."""
        if other is True or other == {}:
            return []
        pair = (_text_of(schema), _text_of(other))
        if pair in self._held or (pair[0] == pair[1] and self._means_the_same(schema)):
            return []
        if self._depth >= _MAX_DEPTH:
            return [Difference("what is nested too deep to be compared", is_certain=False)]
        start = len(self._trail)
        self._held.add(pair)
        self._trail.append(pair)
        self._depth += 1
        found = self._between(schema, other)
        self._depth -= 1
        if found:
            # All that was held since then may rest on this pair.
            self._held.difference_update(self._trail[start:])
            del self._trail[start:]
        return found

    def _means_the_same(self, schema: Schema) -> bool:
        """Whether a schema says the same in both documents."""
        return self._is_one or not any(refs_in(schema))

    def overlaps(self, schema: Schema, other: Schema) -> bool:
        """Return whether two schemas may have a value in common."""
        theirs = alternatives_of(other, self._others)
        return any(
            self._may_meet(one, it)
            for one in alternatives_of(schema, self._components)
            for it in theirs
        )

    def _between(self, schema: Schema, other: Schema) -> list[Difference]:
        theirs = alternatives_of(other, self._others)
        found: list[Difference] = []
        for one in alternatives_of(schema, self._components):
            if one.kind == "value":
                found.extend(self._values(one, other, theirs))
            else:
                found.extend(self._alternative(one, theirs))
        if len(found) > _MANY and all(not it.where for it in found):
            return [
                Difference("values of other types", is_certain=any(it.is_certain for it in found))
            ]
        return [*dict.fromkeys(found)]

    def _values(
        self, one: Alternative, other: Schema, theirs: Sequence[Alternative]
    ) -> list[Difference]:
        found: list[Difference] = []
        for value in one.values:
            if not is_valid(value, other, self._others):
                found.append(Difference(_written(value), is_certain=not one.others))
            elif not any(self._surely_has(it, value) for it in theirs):
                found.append(Difference(_written(value), is_certain=False))
        return found

    def _surely_has(self, one: Alternative, value: Any) -> bool:
        """Whether nothing that is not understood is in the way of a value."""
        if one.kind == "value":
            has_it = any(is_same(value, it) for it in one.values)
        else:
            schema = {"type": one.kind, **one.entries}
            has_it = "format" not in schema and is_valid(value, schema, self._others)
        return has_it and not one.others

    def _alternative(self, one: Alternative, theirs: Sequence[Alternative]) -> list[Difference]:
        same = [it for it in theirs if _is_of_kind(one.kind, it.kind)]
        candidates = [it for it in same if self._may_meet(one, it)]
        # What needs a field that is not declared is another message, unless nothing else is left.
        candidates = [it for it in candidates if not _lacks(one, it)] or candidates
        if not candidates:
            return [Difference(self._named(one, same, theirs), is_certain=not one.others)]
        results = [self._pair(one, it) for it in candidates]
        fewest = min(results, key=len)
        if not fewest or len(results) == 1:
            return fewest
        # A message without what is missing in any of them is none of them.
        is_certain = all(any(it.is_missing and it.is_certain for it in each) for each in results)
        return [replace(it, is_certain=is_certain and it.is_certain) for it in fewest]

    def _pair(self, one: Alternative, other: Alternative) -> list[Difference]:
        match one.kind:
            case "object":
                found = self._members(one.entries, other.entries)
            case "array":
                found = self._items(one.entries, other.entries)
            case "string":
                told = text_differences(one.entries, other.entries)
                found = [Difference(what, is_certain=certain) for what, certain in told]
            case _:
                is_whole = one.kind == "integer"
                told = number_differences(one.entries, other.entries, is_whole=is_whole)
                found = [Difference(what, is_certain=certain) for what, certain in told]
                if not is_whole and other.kind == "integer":
                    found.append(Difference("numbers that are not whole"))
        if other.others and not (
            is_same(one.others, other.others) and self._means_the_same({"allOf": [other.others]})
        ):
            names = ", ".join(other.others)
            found.append(Difference(f"what is restricted by {names}", is_certain=False))
        if one.others:
            found = [replace(it, is_certain=False) for it in found]
        return found

    # Objects.

    def _members(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
        ours: Mapping[str, Schema] = one.get("properties", {})
        theirs: Mapping[str, Schema] = other.get("properties", {})
        required: Sequence[str] = one.get("required", ())
        found = [
            Difference("messages without it", name, is_missing=True)
            for name in other.get("required", ())
            if name not in required
        ]
        for name, schema in ours.items():
            found.extend(self._member(name, schema, schemas_at(other, name)))
        # What is declared by another one alone may come, if any name may.
        open_one = {**one, "additionalProperties": one.get("additionalProperties", False)}
        for name in theirs:
            if name not in ours:
                for schema in schemas_at(open_one, name):
                    found.extend(self._member(name, schema, schemas_at(other, name)))
        found.extend(self._further(one, other))
        found.extend(self._number_of_members(one, other))
        return found

    def _member(self, name: str, schema: Schema, others: Sequence[Schema]) -> list[Difference]:
        if schema is False:
            return []
        if False in others:
            return [Difference("this field", name)]
        found = [it for other in others for it in self.differences(schema, other)]
        return [it.within(name) for it in found]

    def _further(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
        """Return the differences of fields that have no names."""
        found: list[Difference] = []
        further = one.get("additionalProperties")
        taken = other.get("additionalProperties", True)
        patterns: Mapping[str, Schema] = one.get("patternProperties", {})
        their_patterns: Mapping[str, Schema] = other.get("patternProperties", {})
        for pattern, schema in patterns.items():
            is_alike = pattern in their_patterns or not their_patterns
            found.extend(
                replace(
                    it.within("{}"),
                    what=f"{it.what}, in fields like {pattern}",
                    is_certain=it.is_certain and is_alike,
                )
                for it in self.differences(schema, their_patterns.get(pattern, taken))
            )
        found.extend(
            Difference(f"fields like {pattern}", is_certain=False)
            for pattern in their_patterns
            if pattern not in patterns and (further is not None or patterns)
        )
        if further is None:
            if self._undeclared and not patterns and taken is False:
                found.append(Difference("fields that are not declared"))
        elif further is not False:
            if taken is False:
                found.append(Difference("fields of any name"))
            else:
                found.extend(it.within("{}") for it in self.differences(further, taken))
            names = {"type": "string", **entries_of(one.get("propertyNames"))}
            their_names = other.get("propertyNames", True)
            found.extend(
                replace(it, what=f"{it.what}, as the name of a field")
                for it in self.differences(names, their_names)
            )
        return found

    def _number_of_members(
        self, one: Mapping[str, Any], other: Mapping[str, Any]
    ) -> list[Difference]:
        found: list[Difference] = []
        least = max(one.get("minProperties", 0), len(one.get("required", ())))
        if other.get("minProperties", 0) > least:
            found.append(Difference(f"fewer than {other['minProperties']} fields"))
        most = one.get("maxProperties", math.inf)
        if one.get("additionalProperties") in (None, False) and not one.get("patternProperties"):
            most = min(most, len(one.get("properties", ())))
        if other.get("maxProperties", math.inf) < most:
            found.append(Difference(f"more than {other['maxProperties']} fields"))
        return found

    # Arrays.

    def _items(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
        found: list[Difference] = []
        (first, rest), (their_first, their_rest) = places_of(one), places_of(other)
        most = one.get("maxItems", math.inf)
        if rest is False:
            most = min(most, len(first))
        their_most = other.get("maxItems", math.inf)
        if their_rest is False:
            their_most = min(their_most, len(their_first))
        if other.get("minItems", 0) > one.get("minItems", 0):
            found.append(Difference(f"fewer than {other['minItems']} items"))
        if their_most < most:
            found.append(Difference(f"more than {their_most} items"))
        if other.get("uniqueItems") and not one.get("uniqueItems") and most > 1:
            found.append(Difference("items that are there twice", is_certain=not first))
        number = max(len(first), len(their_first))
        for place in range(min(number, int(min(most, their_most, number)))):
            schema = first[place] if place < len(first) else rest
            their = their_first[place] if place < len(their_first) else their_rest
            found.extend(it.within(f"[{place}]") for it in self.differences(schema, their))
        if min(most, their_most) > number:
            found.extend(it.within("[]") for it in self.differences(rest, their_rest))
        return found

    # What may be the same.

    def _may_meet(self, one: Alternative, other: Alternative) -> bool:
        if "value" in (one.kind, other.kind):
            return self._has_value_of(one, other) or self._has_value_of(other, one)
        if not (_is_of_kind(one.kind, other.kind) or _is_of_kind(other.kind, one.kind)):
            return False
        return one.kind != "object" or not self._telling(one, other)

    def _has_value_of(self, one: Alternative, other: Alternative) -> bool:
        if other.kind == "value":
            return any(is_same(it, its) for it in one.values for its in other.values)
        schema = {"type": other.kind, **other.entries}
        every = {**self._others, **self._components}
        return any(is_valid(it, schema, every) for it in one.values)

    def _telling(self, one: Alternative, other: Alternative) -> list[str]:
        """Return the fields by which no object is both."""
        ours: Mapping[str, Schema] = one.entries.get("properties", {})
        theirs: Mapping[str, Schema] = other.entries.get("properties", {})
        needed = {*one.entries.get("required", ()), *other.entries.get("required", ())}
        found: list[str] = []
        for name in ours:
            if name in theirs and name in needed:
                values = _finite(ours[name], self._components)
                others = _finite(theirs[name], self._others)
                if (
                    values is not None
                    and others is not None
                    and not any(is_same(it, its) for it in values for its in others)
                ):
                    found.append(name)
        return found

    def _named(
        self, one: Alternative, same: Sequence[Alternative], theirs: Sequence[Alternative]
    ) -> str:
        """Return in words what nothing takes."""
        names = [name for it in same for name in self._telling(one, it)]
        if names:
            values = _finite(one.entries["properties"][names[0]], self._components) or ()
            return f"messages with {names[0]} = {' or '.join(map(_written, values))}"
        known = [value for it in theirs for value in it.values]
        if known and one.kind not in ("object", "array"):
            return f"anything but {', '.join(map(_written, known))}"
        return {"integer": "integers", "array": "lists", "string": "texts"}.get(
            one.kind, f"{one.kind}s"
        )


def _is_of_kind(kind: str, other: str) -> bool:
    return kind == other or {kind, other} == {"integer", "number"}


def _lacks(one: Alternative, other: Alternative) -> bool:
    """Whether an object of the other one has a field that this one does not declare."""
    if one.kind != "object" or _OPEN & one.entries.keys():
        return False
    return not {*other.entries.get("required", ())} <= one.entries.get("properties", {}).keys()


def _finite(schema: Schema, components: Mapping[str, Schema]) -> Sequence[Any] | None:
    """Return the values of a schema, if it has no others."""
    every = alternatives_of(schema, components)
    if any(it.kind != "value" for it in every):
        return None
    return [value for it in every for value in it.values]


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text_of(schema: Schema) -> str:
    return json.dumps(schema, sort_keys=True)
