"""What pydantic and msgspec make of types: JSON schemas, with those of classes by a key."""

import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from importlib import import_module
from types import NoneType
from typing import Any, Final, Literal, NamedTuple, TypeAlias, final

from pydantic.json_schema import CoreModeRef, DefsRef, GenerateJsonSchema, JsonRef, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticSerializationError, core_schema, to_json

from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.core_schemas import schemas_within
from wsendpoints.messages.structs import holds_struct
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["REF", "Definition", "Mode", "generate"]

Mode: TypeAlias = Literal["validation", "serialization"]
"""That of what clients send, which is validated, or of what they get, which is serialized."""

REF: Final = "#/$defs/"
"""What the references begin with, before the key."""

_PLAIN: Final = frozenset({bool, float, int, str, NoneType})

_PARTS: Final = re.compile(r"([\][,])")
_MODULES: Final = re.compile(r"(?:[^.[\]]+\.)+([^.[\]]+)")


class Definition(NamedTuple):
    """The schema of a class.

    Attributes:
        schema: The schema.
        name: That of the class.
        identity: What tells the class from others. It may have two definitions, one in each mode.
        mode: The mode; `None` for a Struct of msgspec's, which has none.
    """

    schema: Any
    name: str
    identity: str
    mode: Mode | None = None


def generate(
    types: Sequence[tuple[Any, Mode]], where: str
) -> tuple[Sequence[Any], Mapping[str, Definition]]:
    """Return the schemas of types, and the definitions that they refer to.

    Args:
        types: The types, each with what becomes of its values.
        where: What has them, for the text of an error.

    Raises:
        ConfigurationError: A type can't be compiled, or has no schema.
    """
    generators: dict[Mode, _Generator] = {}
    schemas: list[Any] = []
    structs: list[tuple[int, Any]] = []
    for number, (annotation, mode) in enumerate(types):
        if holds_struct(annotation):
            structs.append((number, annotation))
            schemas.append(True)
            continue
        generator = generators.get(mode)
        if generator is None:
            generator = generators[mode] = _Generator(mode)
        compiled = compile_adapter(annotation, where).core_schema
        schemas.append(generator.generate_deep(compiled))
    definitions: dict[str, Definition] = {}
    for generator in generators.values():
        for key, schema in generator.definitions.items():
            identity, mode = generator.defs_to_core_refs[key]
            definitions[key] = Definition(schema, _name_in(identity), identity, mode)
    if structs:
        found, others = _of_structs([it for _, it in structs], where)
        definitions.update(others)
        for (number, _), schema in zip(structs, found, strict=True):
            schemas[number] = schema
    return schemas, definitions


@final
class _Generator(GenerateJsonSchema):
    """Makes schemas in one mode, with definitions by short keys, and no titles of fields.

    Pydantic's `generate_definitions` does it for many types, too, but copies all of them several
    times to find names, which may be those of modules.
    """

    ignored_warning_kinds = frozenset(  # type: ignore[assignment]  # only looked into
        {"skipped-choice", "non-serializable-default", "skipped-discriminator"}
    )

    def __init__(self, mode: Mode) -> None:
        super().__init__(ref_template=f"{REF}{{model}}")
        self._letter = mode[0]
        # What sets the mode for `generate_inner`.
        self.generate_definitions([("", mode, core_schema.any_schema())])

    def generate_deep(self, schema: CoreSchema) -> JsonSchemaValue:
        """Return the schema for a core schema, however many classes stand in each other there."""
        try:
            return self.generate_inner(schema)
        except RecursionError:
            # From the innermost outwards: a class that has a definition is not looked into.
            for part in reversed([*schemas_within(schema)]):
                if "ref" in part:
                    self.generate_inner(part)
            return self.generate_inner(schema)

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        return DefsRef(f"{self._letter}{len(self.defs_to_core_refs)}")

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        # A value of any kind, such as a plain validator takes.
        return {}

    def get_schema_from_definitions(self, json_ref: JsonRef) -> JsonSchemaValue | None:
        # What somebody wrote by hand may refer to anything.
        is_own = json_ref in self.json_to_defs_refs
        return super().get_schema_from_definitions(json_ref) if is_own else None

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, float) and not math.isfinite(dft):
            raise PydanticSerializationError("JSON has no such number")
        if dft.__class__ in _PLAIN or dft in ([], {}):
            # As it is: pydantic would compile a serializer for it.
            return dft
        encoded = super().encode_default(dft)
        # The order in a set differs from process to process.
        return sorted(encoded, key=to_json) if isinstance(dft, AbstractSet) else encoded


def _name_in(core_ref: str) -> str:
    """Return the name of a class, in what pydantic calls it: without modules and addresses."""
    parts = [it.rsplit(":", 1)[0] for it in _PARTS.split(core_ref)]
    return "".join(_MODULES.sub(r"\1", it) for it in parts)


def _of_structs(types: Sequence[Any], where: str) -> tuple[Sequence[Any], Mapping[str, Definition]]:
    msgspec: Any = import_module("msgspec")
    try:
        schemas, components = msgspec.json.schema_components(
            types, schema_hook=_anything, ref_template=f"{REF}m-{{name}}"
        )
    except (TypeError, ValueError) as exc:
        raise ConfigurationError(f"{where}: msgspec makes no schema of a message: {exc}") from exc
    return schemas, {
        f"m-{name}": Definition(_with_constants(schema), schema.get("title", name), f"m-{name}")
        for name, schema in components.items()
    }


def _anything(_type: Any) -> dict[str, Any]:
    # It takes an empty one for none.
    return {"$comment": "a value of any kind"}


def _with_constants(schema: Any) -> Any:
    """Return the schema of a Struct with its tag as a `const`, as pydantic has it."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    found: dict[str, Any] = {}
    for name, it in properties.items():
        found[name] = {"const": it["enum"][0], "type": "string"} if _is_tag(it) else it
    return {**schema, "properties": found} if found else schema


def _is_tag(schema: Mapping[str, Any]) -> bool:
    values = schema.get("enum", ())
    return len(values) == 1 and isinstance(values[0], str)
