"""JSON schemas as types of TypeScript."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast, final

from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.contract.schemas import COMPONENTS
from wsendpoints.contract.typescript_text import comment, indented, key, literal

__all__ = ["TypeWriter", "either"]

_BINARY: Final = {"type": "string", "format": "binary"}

_SAID: Final = frozenset({"binary", "password"})
"""Formats that say nothing of a string to whoever reads or writes it."""

_ANYTHING: Final = "unknown"
_NOTHING: Final = "never"


class _Type(NamedTuple):
    """A type as text, and whether it needs brackets where others stand beside it."""

    text: str
    is_compound: bool = False

    @property
    def atom(self) -> str:
        return f"({self.text})" if self.is_compound else self.text


def either(types: Sequence[str]) -> str:
    """Return the union of types, each once."""
    every = [*dict.fromkeys(types)]
    if _ANYTHING in every:
        return _ANYTHING
    return " | ".join(it for it in every if it != _NOTHING) or _NOTHING


@final
class TypeWriter:
    """Writes the types of schemas that refer to the same components.

    Args:
        components: The schemas of classes, by their names.
        names: The names of their types, by the names of the components.
        binary: The type of bytes within a message, which depends on the encodings.
    """

    def __init__(
        self, components: Mapping[str, Schema], names: Mapping[str, str], binary: str
    ) -> None:
        self._components = components
        self._names = names
        self._binary = binary

    def declarations(self) -> Iterator[str]:
        """Yield the declaration of each component."""
        for component, name in self._names.items():
            yield self.declared(name, self._components[component])

    def declared(self, name: str, schema: Schema) -> str:
        """Return the declaration of a type."""
        entries = entries_of(schema)
        doc = comment(_told(entries))
        text = self._type(schema).text
        if _is_plain_object(entries):
            return f"{doc}export interface {name} {text}\n"
        return f"{doc}export type {name} = {text};\n"

    def of(self, schema: Schema) -> str:
        """Return the type of the values that a schema describes."""
        return self._type(schema).text

    def fields(self, schema: Schema, name: str) -> Iterator[tuple[Schema, bool]]:
        """Yield the schemas that a field has, and whether the field is required there.

        It has several where a value is one of several, and none where it has no such field.
        """
        seen: set[str] = set()
        pending = [schema]
        while pending:
            entries = entries_of(pending.pop(0))
            ref: str = entries.get("$ref", "").removeprefix(COMPONENTS)
            if ref and ref not in seen:
                seen.add(ref)
                pending.append(self._components[ref])
            if name in entries.get("properties", ()):
                yield entries["properties"][name], name in entries.get("required", ())
            for kind in ("allOf", "anyOf", "oneOf"):
                pending.extend(entries.get(kind, ()))

    def needs_anything(self, schema: Schema) -> bool:
        """Return whether anything is required in a value; an object may need nothing."""
        entries = entries_of(schema)
        if ref := entries.get("$ref"):
            return self.needs_anything(self._components[ref.removeprefix(COMPONENTS)])
        return entries.get("type") != "object" or bool(entries.get("required"))

    def values(self, schema: Schema) -> Sequence[Any]:
        """Return the values that a schema lists; none if there are others, too."""
        entries = entries_of(schema)
        if ref := entries.get("$ref"):
            return self.values(self._components[ref.removeprefix(COMPONENTS)])
        if "const" in entries:
            return [entries["const"]]
        if "enum" in entries:
            return cast("Sequence[Any]", entries["enum"])
        return [it for part in entries.get("allOf", ()) for it in self.values(part)]

    def is_binary(self, schema: Schema) -> bool:
        """Return whether the values are bytes."""
        return {name: entries_of(schema).get(name) for name in _BINARY} == _BINARY

    def _type(self, schema: Schema) -> _Type:
        if schema is False:
            return _Type(_NOTHING)
        entries = entries_of(schema)
        if "$ref" in entries:
            return _Type(self._names[entries["$ref"].removeprefix(COMPONENTS)])
        if "const" in entries:
            return _Type(literal(entries["const"]))
        if "enum" in entries:
            return _union([_Type(literal(it)) for it in entries["enum"]])
        if entries.get("not") in (True, {}):
            return _Type(_NOTHING)
        parts = [self._own(entries)]
        parts += [self._type(it) for it in entries.get("allOf", ())]
        parts += [
            _union([self._type(it) for it in entries[kind]])
            for kind in ("anyOf", "oneOf")
            if kind in entries
        ]
        return _intersection(parts)

    def _own(self, entries: Mapping[str, Any]) -> _Type:
        """Return what the types in a schema say, apart from schemas that it joins."""
        declared: Any = entries.get("type", "object" if "properties" in entries else ())
        kinds: Sequence[str] = [declared] if isinstance(declared, str) else declared
        if not kinds:
            return _Type(_ANYTHING)
        return _union([self._kind(kind, entries) for kind in kinds])

    def _kind(self, kind: str, entries: Mapping[str, Any]) -> _Type:
        match kind:
            case "array":
                return _Type(self._array(entries))
            case "object":
                return _Type(self._object(entries))
            case "integer" | "number":
                return _Type("number")
            case "string" if self.is_binary(entries):
                return _Type(self._binary, is_compound="|" in self._binary)
            case _:
                return _Type(kind)

    def _array(self, entries: Mapping[str, Any]) -> str:
        items: Any = entries.get("items", True)
        if not isinstance(items, list):
            return f"{self._type(items).atom}[]"
        every = cast("Sequence[Schema]", items)
        least: int = entries.get("minItems", 0)
        parts = [
            self.of(it) if number < least else f"{self._type(it).atom}?"
            for number, it in enumerate(every)
        ]
        rest: Schema = entries.get("additionalItems", True)
        if rest is not False and entries.get("maxItems") != len(every):
            parts.append(f"...{self._type(rest).atom}[]")
        return f"[{', '.join(parts)}]"

    def _object(self, entries: Mapping[str, Any]) -> str:
        properties: Mapping[str, Schema] = entries.get("properties", {})
        required: Sequence[str] = entries.get("required", ())
        lines = [
            f"{comment(_told(entries_of(it), with_format=True))}"
            f"{key(name)}{'' if name in required else '?'}: {self.of(it)};\n"
            for name, it in properties.items()
        ]
        rest = entries.get("additionalProperties", not properties)
        others = [*entries.get("patternProperties", {}).values()]
        others += [rest] if rest is not False else []
        if not properties and "propertyNames" in entries and others:
            names = self.of(entries["propertyNames"])
            if names not in ("string", _ANYTHING):
                return f"{{ [key in {names}]?: {self._any_of(others)} }}"
        if others:
            # What is declared has to be among the others, too.
            value = _ANYTHING if properties else self._any_of(others)
            lines.append(f"[key: string]: {value};\n")
        if not lines:
            return "{ [key: string]: never }"
        if not properties:
            return f"{{ {lines[0].rstrip().removesuffix(';')} }}"
        return f"{{\n{indented(''.join(lines))}}}"

    def _any_of(self, schemas: Sequence[Schema]) -> str:
        return _union([self._type(it) for it in schemas]).text


def _union(types: Sequence[_Type]) -> _Type:
    every = [*dict.fromkeys(types)]
    if len(every) == 1:
        return every[0]
    text = either([it.text for it in every])
    return _Type(text, is_compound=" | " in text)


def _intersection(types: Sequence[_Type]) -> _Type:
    every = [it for it in dict.fromkeys(types) if it.text != _ANYTHING]
    if not every:
        return _Type(_ANYTHING)
    if len(every) == 1:
        return every[0]
    return _Type(" & ".join(it.atom for it in every), is_compound=True)


def _is_plain_object(entries: Mapping[str, Any]) -> bool:
    joins = {"$ref", "allOf", "anyOf", "const", "enum", "not", "oneOf", "propertyNames"}
    return entries.get("type") == "object" and joins.isdisjoint(entries)


def _told(entries: Mapping[str, Any], *, with_format: bool = False) -> Iterator[str]:
    """Yield what a schema says to its readers."""
    for name in ("title", "description"):
        if isinstance(text := entries.get(name), str):
            yield text
    format_ = entries.get("format")
    if with_format and isinstance(format_, str) and format_ not in _SAID:
        yield f"Its format is {format_}."
    if with_format and entries.get("default") is not None:
        yield f"The default is `{literal(entries['default'])}`."
    if entries.get("deprecated") is True:
        yield "@deprecated"
