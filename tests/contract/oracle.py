"""What others take for a value of a JSON schema: jsonschema, and hypothesis-jsonschema.

The last version of the latter, 0.23.1, asks what hypothesis keeps to itself whether an object has
one more field, by a method that newer versions do not have.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, final

from hypothesis.strategies import SearchStrategy

__all__ = ["checker", "values_of"]

# Neither has types.
_JSONSCHEMA: Final[Any] = import_module("jsonschema")
_GENERATOR: Final[Any] = import_module("hypothesis_jsonschema._from_schema")
_UTILS: Final[Any] = import_module("hypothesis.internal.conjecture.utils")

_DRAFT_7: Final = "http://json-schema.org/draft-07/schema#"


def checker(schema: Any, *, draft: int = 7) -> Callable[[Any], bool]:
    """Return what tells whether a value is one of a schema."""
    cls: Any = _JSONSCHEMA.Draft7Validator if draft == 7 else _JSONSCHEMA.Draft202012Validator
    validator: Any = cls(schema, format_checker=_JSONSCHEMA.FormatChecker())
    return lambda value: bool(validator.is_valid(value))


def values_of(schemas: list[Any]) -> SearchStrategy[Any]:
    """Return the values of any of some schemas of draft 7."""
    strategy: SearchStrategy[Any] = _GENERATOR.from_schema({"$schema": _DRAFT_7, "anyOf": schemas})
    return strategy


@final
class _Many:
    """A `many` with the method."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._elements: Any = _UTILS.many(*arguments, **options)
        self._elements.__enter__()
        self._iterator = iter(self._elements)

    def more(self) -> bool:
        for _ in self._iterator:
            return True
        self._elements.__exit__(None, None, None)
        return False

    def reject(self) -> None:
        self._elements.reject()


@final
class _Utils:
    many: Any = _UTILS.many if hasattr(_UTILS.many, "more") else _Many


_GENERATOR.cu = _Utils
