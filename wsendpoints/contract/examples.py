"""An example of each message: one that is given, or one that is made of its schema.

It is valid in any case. The application's own types decide that: what clients send is read by the
decoder of the class, and what they get by its type.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast, final

from pydantic_core import to_json

from wsendpoints.contract.description import Description, Message
from wsendpoints.contract.json_schemas import Schema, entries_of, holds_ref, plain
from wsendpoints.contract.patterns import compiled
from wsendpoints.contract.schemas import COMPONENTS
from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.structs import holds_struct, values_decoder

__all__ = ["FORMATS", "TEXTS", "examples_of"]

_MAX_DEPTH: Final = 12
"""How deep an example may be nested: what has to be deeper has none."""

_MAX_WHOLE: Final = 3
"""To which depth fields are shown that may be left out."""

_MAX_PARTS: Final = 5000
"""How many parts are tried for one example."""

_USUAL: Final = ("text", "2025-01-31T12:00:00Z", "2025-01-31", "1")
"""What is tried for texts of which a schema says nothing."""

_MAX_ITEMS: Final = 20
_MAX_TEXT: Final = 1000

FORMATS: Final[Mapping[str, str]] = {
    "base64url": "dGV4dA==",
    "binary": "text",
    "date": "2025-01-31",
    "date-time": "2025-01-31T12:00:00Z",
    "decimal": "1.5",
    "directory-path": "/tmp",  # noqa: S108 - shown, not used
    "duration": "PT1M",
    "email": "user@example.com",
    "file-path": "/etc/hostname",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv4interface": "192.0.2.1/24",
    "ipv4network": "192.0.2.0/24",
    "ipv6": "2001:db8::1",
    "ipv6interface": "2001:db8::1/64",
    "ipv6network": "2001:db8::/64",
    "ipvanyaddress": "192.0.2.1",
    "ipvanyinterface": "192.0.2.1/24",
    "ipvanynetwork": "192.0.2.0/24",
    "json-string": "{}",
    "multi-host-uri": "https://example.com/",
    "name-email": "User <user@example.com>",
    "partial-time": "12:00:00",
    "password": "********",
    "path": "path",
    "regex": "^.*$",
    "time": "12:00:00Z",
    "uri": "https://example.com/",
    "uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "uuid1": "c232ab00-9414-11ec-b3c8-9f68deced846",
    "uuid3": "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "uuid4": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "uuid5": "886313e1-3b8a-5372-9b90-0c9aee199e5d",
    "uuid6": "1ec9414c-232a-6b00-b3c8-9f6bdeced846",
    "uuid7": "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "uuid8": "2489e9ad-2ee2-8e00-8ec9-32d5f69181c0",
}
"""A text of each format."""

TEXTS: Final = (
    "text",
    "Text",
    "TEXT",
    "a",
    "A",
    "1",
    "12",
    "123",
    "1.5",
    "1234",
    "12345",
    "123456",
    "abc123",
    "ABC123",
    "ABC-123",
    "some-text",
    "some_text",
    "2025-01-31",
    "12:00",
    "12:00:00",
    "+491234567890",
    "#a1b2c3",
    "user@example.com",
    "https://example.com/",
    "/some/path",
    "1.2.3",
    "0123456789abcdef",
    "0123456789abcdef0123456789abcdef",
    *FORMATS.values(),
)
"""What is tried where there is a pattern."""


def examples_of(
    description: Description,
    message: Message,
    schema: Schema,
    components: Mapping[str, Schema],
    *,
    is_sent: bool,
) -> list[Any]:
    """Return valid examples of a message: those that its class gives, or else one, or none.

    Args:
        description: The class that takes or sends the message.
        message: The message.
        schema: Its schema.
        components: What schemas refer to.
        is_sent: Whether clients get it.
    """
    maker = _Maker(components)
    read = _reader_of(message, maker.read_only(schema))

    def is_valid(value: Any) -> bool:
        if holds_ref(value):
            return False
        return read(value, False) if is_sent else _holds(description.takes, message, value)

    # What a type takes by converting it, such as `"5"` for a number, may be none of the schema.
    given = [it for it in map(plain, maker.given(schema)) if is_valid(it)]
    if given:
        return [it for it in given if read(it, True)] or given
    converted: list[Any] = []
    for text, whole in itertools.product(_USUAL, (_MAX_WHOLE, 0)):
        with suppress(_NoExample):
            made = _Maker(components, text).make(schema, _MAX_DEPTH, whole)
            if is_valid(made):
                if read(made, True):
                    return [made]
                converted.append(made)
    return converted[:1]


def _holds(is_valid: Callable[..., object], *values: Any) -> bool:
    try:
        return is_valid(*values) is not False
    except Exception:  # noqa: BLE001 - a validator of the application's may raise anything
        return False


def _reader_of(message: Message, computed: frozenset[str]) -> Callable[[Any, bool], bool]:
    """Return what tells whether the type of a message takes a value, as it is or converted.

    Args:
        message: The message.
        computed: The names of the fields that it only has once it is written.
    """
    read = _struct_reader(message) if holds_struct(message.type) else _json_reader(message)

    def is_taken(value: Any, strict: bool) -> bool:
        fields = entries_of(value)
        known = {name: it for name, it in fields.items() if name not in computed}
        return _holds(read, known if fields else value, strict)

    return is_taken


def _struct_reader(message: Message) -> Callable[[Any, bool], Any]:
    read = values_decoder(message.type)
    return lambda value, _strict: read(value)


def _json_reader(message: Message) -> Callable[[Any, bool], Any]:
    # From JSON, by whose rules a strict type takes more.
    validate = compile_adapter(message.type, message.name).validate_json
    return lambda value, strict: validate(to_json(value), strict=strict or None)


class _NoExample(Exception):
    """There is no example of a schema, as far as can be told."""


@final
class _Maker:
    """Makes examples of schemas.

    Args:
        components: What they refer to.
        text: What stands for any text.
    """

    def __init__(self, components: Mapping[str, Schema], text: str = "") -> None:
        self._components = components
        self._usual = text
        self._parts = 0

    def given(self, schema: Schema) -> Iterator[Any]:
        """Yield the examples of a message that its class gives, each with the tags of the class."""
        schema = self._resolved(schema)
        examples: Any = schema.get("examples", ())
        properties: Mapping[str, Any] = schema.get("properties", {})
        tags = {
            name: entries_of(it)["const"]
            for name, it in properties.items()
            if "const" in entries_of(it) and name in schema.get("required", ())
        }
        every = cast("Sequence[Any]", examples) if isinstance(examples, list) else ()
        for example in every:
            yield {**tags, **entries_of(example)} if isinstance(example, dict) else example

    def read_only(self, schema: Schema) -> frozenset[str]:
        """Return the fields that are computed when a message is written."""
        properties: Mapping[str, Any] = self._resolved(schema).get("properties", {})
        return frozenset(name for name, it in properties.items() if entries_of(it).get("readOnly"))

    def make(self, schema: Schema, depth: int, whole: int) -> Any:
        """Return an example.

        Args:
            schema: The schema.
            depth: How deep it may be nested.
            whole: To which depth it has what may be left out.

        Raises:
            _NoExample: There is none.
        """
        self._parts += 1
        if depth < 0 or schema is False or self._parts > _MAX_PARTS:
            raise _NoExample
        match entries_of(schema):
            case {"$ref": str()}:
                return self.make(self._resolved(schema), depth - 1, whole)
            case {"const": value} | {"enum": [value, *_]} | {"examples": [value, *_]}:
                return plain(value)
            case {"default": value} if value:
                return plain(value)
            case {"allOf": [*parts], **rest}:
                return self._all(parts, rest, depth, whole)
            case {"contentSchema": inner}:
                return to_json(self.make(inner, depth - 1, whole)).decode()
            case {"anyOf": [*parts]} | {"oneOf": [*parts]}:
                return self._any(parts, depth, whole)
            case {"type": [kind, *_], **rest}:
                return self._of_type(kind, rest, depth, whole)
            case {"type": kind, **rest}:
                return self._of_type(kind, rest, depth, whole)
            case _:
                return self._usual

    def _resolved(self, schema: Schema) -> Mapping[str, Any]:
        while isinstance(ref := entries_of(schema).get("$ref"), str):
            schema = self._components[ref.removeprefix(COMPONENTS)]
        return entries_of(schema)

    def _all(self, parts: Sequence[Schema], rest: Any, depth: int, whole: int) -> Any:
        made = [self.make(it, depth, whole) for it in parts]
        if "properties" in rest:
            made.append(self.make({"type": "object", **rest}, depth, whole))
        if all(isinstance(it, dict) for it in made):
            return {name: value for it in made for name, value in it.items()}
        return made[0]

    def _any(self, parts: Sequence[Schema], depth: int, whole: int) -> Any:
        # Something says more than nothing, where there is room for it.
        for part in sorted(
            parts, key=lambda it: (entries_of(it).get("type") == "null") is (whole >= 0)
        ):
            with suppress(_NoExample):
                return self.make(part, depth - 1, whole)
        raise _NoExample

    def _of_type(self, kind: Any, schema: Mapping[str, Any], depth: int, whole: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth - 1, whole - 1)
            case "array":
                return self._array(schema, depth - 1, whole - 1)
            case "string":
                return _text(schema, self._usual)
            case "integer":
                return int(_number(schema, 1))
            case "number":
                return _number(schema, 1.5)
            case "boolean":
                return True
            case _:
                return None

    def _object(self, schema: Mapping[str, Any], depth: int, whole: int) -> Any:
        required: Sequence[str] = schema.get("required", ())
        made: dict[str, Any] = {}
        for name, it in schema.get("properties", {}).items():
            try:
                if name in required or whole >= 0:
                    made[name] = self.make(it, depth, whole)
            except _NoExample:
                if name in required:
                    raise
        if len(made) < schema.get("minProperties", 0):
            made |= self._further(schema, depth, whole)
        return made

    def _further(self, schema: Mapping[str, Any], depth: int, whole: int) -> Mapping[str, Any]:
        """Return a member of an object whose members may have any names, or those of a kind."""
        for pattern, values in schema.get("patternProperties", {}).items():
            return {_text({"pattern": pattern}, self._usual): self.make(values, depth, whole)}
        name = self.make(schema.get("propertyNames", True), depth, whole)
        return {f"{name}": self.make(schema.get("additionalProperties", True), depth, whole)}

    def _array(self, schema: Mapping[str, Any], depth: int, whole: int) -> Any:
        items: Any = schema.get("items", True)
        if isinstance(items, list):
            return [self.make(it, depth, whole) for it in cast("Sequence[Any]", items)]
        least, most = schema.get("minItems", 0), schema.get("maxItems", 1)
        number = min(max(least, min(1 if whole >= 0 else 0, most)), _MAX_ITEMS)
        if number > 1 and schema.get("uniqueItems"):
            return self._different(items, number, depth, whole)
        try:
            return [self.make(items, depth, whole) for _ in range(number)]
        except _NoExample:
            if least:
                raise
            return []

    def _different(self, schema: Schema, number: int, depth: int, whole: int) -> list[Any]:
        resolved = self._resolved(schema)
        if "enum" in resolved:
            return [*resolved["enum"][:number]]
        first = self.make(schema, depth, whole)
        if isinstance(first, str):
            return [f"{first}{it}" for it in range(number)]
        if isinstance(first, int | float) and not isinstance(first, bool):
            return [first + it for it in range(number)]
        raise _NoExample


def _text(schema: Mapping[str, Any], usual: str) -> str:
    least: int = schema.get("minLength", 0)
    most: int = schema.get("maxLength", _MAX_TEXT)
    pattern = schema.get("pattern")
    if pattern is None:
        text: str = FORMATS.get(schema.get("format", ""), usual)
        times = math.ceil(min(least, _MAX_TEXT) / len(text))
        return (text * max(times, 1))[:most]
    search = compiled(pattern).search
    literal = pattern.removeprefix("^").removesuffix("$")
    for text in (literal, *TEXTS):
        if least <= len(text) <= most and search(text):
            return text
    raise _NoExample


def _number(schema: Mapping[str, Any], usual: float) -> float:
    is_whole = isinstance(usual, int)
    step: float = schema.get("multipleOf", 1 if is_whole else 0.5)
    least: float = schema.get("minimum", -math.inf)
    most: float = schema.get("maximum", math.inf)
    above: float = schema.get("exclusiveMinimum", -math.inf)
    below: float = schema.get("exclusiveMaximum", math.inf)
    if not is_whole and max(least, above) + step >= min(most, below):
        return (max(least, above) + min(most, below)) / 2
    number = min(max(usual, least, above + step), most, below - step)
    if "multipleOf" in schema and number % step:
        number = math.ceil(number / step) * step
    return number
