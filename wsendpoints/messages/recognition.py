"""Which type a reply is of: by its classes, and not by the functions of the application.

A validator checks or changes what a client sends. A reply that is made by the application may be
one that the validator would refuse, change again, or count twice.
"""

from typing import Any, final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from wsendpoints.messages.core_schemas import PARTS
from wsendpoints.messages.validators import Validate, compile_validator

__all__ = ["Recognizer"]

_WRAPPING = frozenset({"function-after", "function-before", "function-wrap"})


@final
class Recognizer:
    """Tells whether a value is of a type.

    Args:
        adapter: Pydantic's, for the type.
    """

    __slots__ = ("_validate",)

    _validate: Validate

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._validate = compile_validator(_without_functions(adapter.core_schema)).validate_python

    def is_one(self, value: Any) -> bool:
        """Return whether a value is of the type, as it is: nothing is converted."""
        try:
            # Strictly, since what is sent is not converted ("5" is an int otherwise).
            self._validate(value, strict=True, by_alias=False, by_name=True)
        except ValidationError as exc:
            # That a text holds a lone surrogate is found out, and said, when it is written.
            return all(error["type"] == "string_unicode" for error in exc.errors())
        return True


def _without_functions(schema: Any) -> Any:
    """Return a changed copy of a schema, or of what stands where one has its parts."""
    match schema:
        case {"type": "function-plain", "function": {"function": function}} if not _is_own(
            function
        ):
            return _with_ref(core_schema.any_schema(), schema)
        case {"type": kind, "function": {"function": function}, "schema": inner} if (
            kind in _WRAPPING and not _is_own(function)
        ):
            return _with_ref(_without_functions(inner), schema)
        case {"type": "tagged-union", "discriminator": discriminator, "choices": choices} if (
            callable(discriminator)
        ):
            members: list[Any] = [_without_functions(it) for it in choices.values()]
            return _with_ref(core_schema.union_schema(members), schema)
        case {"type": str()}:
            changed = {part: _without_functions(schema[part]) for part in PARTS if part in schema}
            return {**schema, **changed}
        case {}:
            return {name: _without_functions(part) for name, part in schema.items()}
        case (choice, label) if isinstance(schema, tuple):
            return _without_functions(choice), label
        case [*parts]:
            return [_without_functions(part) for part in parts]
        case _:
            return schema


def _with_ref(changed: Any, schema: Any) -> Any:
    """Return what stands in the place of a schema, and may be referred to as that was."""
    ref = schema.get("ref")
    return changed if ref is None else core_schema.chain_schema([changed], ref=ref)


def _is_own(function: Any) -> bool:
    """Whether a function is pydantic's own, or a class of Python's that pydantic calls."""
    function = getattr(function, "func", function)  # of a partial function
    module: str = getattr(function, "__module__", None) or ""
    return module.startswith("pydantic.") or module == "ipaddress"
