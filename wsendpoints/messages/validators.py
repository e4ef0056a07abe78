"""Pydantic's validator for a type, with bounds to what an invalid message costs."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, final

from pydantic import TypeAdapter
from pydantic_core import CoreSchema, SchemaSerializer, SchemaValidator

from wsendpoints.messages.bounded_schemas import bounded
from wsendpoints.messages.places import Places
from wsendpoints.messages.strictness import as_from_json

__all__ = ["Validate", "Validator", "compile_serializer", "compile_validator"]

Validate: TypeAlias = Callable[..., Any]

_SMALL: Final = 8 * 1024
"""The length of a message that is told all its errors, however many."""

_PREBUILT: Final = "_use_prebuilt"
_IS_OPTION: Final = _PREBUILT in inspect.signature(SchemaValidator).parameters

_OPTIONS: Final[Mapping[str, Any]] = {_PREBUILT: False} if _IS_OPTION else {}
"""Not with the validator that the class of a model has: it is made of the unchanged schema.

The option is not public. Without it, the bounds would hold outside of models alone.
"""


@final
class Validator:
    """Validates as pydantic does: the same is valid, and becomes the same.

    Of what is invalid it has fewer errors: `bounded` says which.

    Args:
        adapter: Pydantic's, for the type.
        is_json: Whether it validates what was read from JSON by pydantic itself, or by a codec.

    Attributes:
        validate_json: Pydantic's method of this name, without its options.
        validate_python: The same, with the option `strict`, for what has a length.
        places: Where an error is.
    """

    __slots__ = ("_by_size_of_frame", "places", "validate_json", "validate_python")

    validate_json: Validate
    validate_python: Validate
    _by_size_of_frame: tuple[Validate, Validate | None]

    def __init__(self, adapter: TypeAdapter[Any], *, is_json: bool = True) -> None:
        read: CoreSchema = adapter.core_schema if is_json else as_from_json(adapter.core_schema)
        schema = bounded(read, large=False)
        schema_of_large = bounded(read, large=True)
        self.places: Places = Places(schema)
        if not isinstance(adapter.validator, SchemaValidator):
            # A plugin of pydantic's sees each validation, and makes the validator itself.
            self.validate_json = adapter.validator.validate_json
            self.validate_python = adapter.validator.validate_python
            self._by_size_of_frame = (self.validate_python, None)
            return
        validator = compile_validator(schema)
        self.validate_json = validator.validate_json
        self.validate_python = validator.validate_python
        self._by_size_of_frame = (self.validate_python, None)
        if schema_of_large != schema:
            large = compile_validator(schema_of_large)
            self.validate_json = _by_length(self.validate_json, large.validate_json)
            self._by_size_of_frame = (self.validate_python, large.validate_python)
            self.validate_python = _by_size(self.validate_python, large.validate_python)

    def reading(self, decode: Callable[[Any], Any]) -> Validate:
        """Return what validates the value of a frame, which `decode` returns."""
        small, large = self._by_size_of_frame
        most = _SMALL

        def validate(frame: str | bytes) -> Any:
            return small(decode(frame))

        def validate_by_length(frame: str | bytes) -> Any:
            return (large if large and len(frame) > most else small)(decode(frame))

        return validate_by_length if large else validate


def compile_validator(schema: CoreSchema) -> SchemaValidator:
    """Return pydantic's validator for a core schema that was changed."""
    return SchemaValidator(schema, **_OPTIONS)


def compile_serializer(schema: CoreSchema) -> SchemaSerializer:
    """Return pydantic's serializer for a core schema that was changed."""
    return SchemaSerializer(schema, **_OPTIONS)


def _by_length(small: Validate, large: Validate) -> Validate:
    most = _SMALL

    # Each message pays for it, so it has no options to hand on.
    def validate(frame: str | bytes) -> Any:
        return small(frame) if len(frame) <= most else large(frame)

    return validate


def _by_size(small: Validate, large: Validate) -> Validate:
    most = _SMALL

    def validate(value: Any, *, strict: bool | None = None) -> Any:
        return (small if len(value) <= most else large)(value, strict=strict)

    return validate
