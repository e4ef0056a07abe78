"""Pydantic's adapters for the types of messages: compiled once, with the endpoint class."""

from typing import Any

from pydantic import PydanticUserError, TypeAdapter
from pydantic_core import SchemaError

from wsendpoints.messages.unions import name_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["compile_adapter", "schema_of"]


def compile_adapter(annotation: Any, where: str) -> TypeAdapter[Any]:
    """Return pydantic's adapter for a type.

    Args:
        annotation: Any type that pydantic can validate.
        where: The name of its declaration, for the text of the error.

    Raises:
        ConfigurationError: Pydantic can't validate the type.
    """
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        # A model with forward references is compiled when it is first used: that is to be now, and
        # not when the first message arrives.
        adapter.rebuild(raise_errors=True)
    except (PydanticUserError, SchemaError, NameError, TypeError) as exc:
        raise ConfigurationError(
            f"{where}: {name_of(annotation)} can't be validated: {exc}"
        ) from exc
    return adapter


def schema_of(annotation: Any) -> Any:
    """Return pydantic's core schema for a type; `None` for one that it can't validate.

    For the latter `compile_adapter` has an error that explains it.
    """
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        adapter.rebuild(raise_errors=True)
    except (PydanticUserError, SchemaError, NameError, TypeError):
        return None
    return adapter.core_schema
