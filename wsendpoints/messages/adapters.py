"""Pydantic's adapters for the types of messages, compiled with the class."""

from typing import Any

from pydantic import PydanticUserError, TypeAdapter
from pydantic_core import SchemaError

from wsendpoints.messages.unions import name_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["compile_adapter"]


def compile_adapter(annotation: Any, where: str) -> TypeAdapter[Any]:
    """Return pydantic's adapter for a type.

    Args:
        annotation: Any type that pydantic can validate.
        where: What declares it, for the text of the error.

    Raises:
        ConfigurationError: Pydantic can't.
    """
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        # A model that waits for a definition compiles on first use: now, not on a message.
        adapter.rebuild(raise_errors=True)
    except (PydanticUserError, SchemaError, NameError, TypeError) as exc:
        raise ConfigurationError(
            f"{where}: {name_of(annotation)} can't be validated: {exc}"
        ) from exc
    return adapter
