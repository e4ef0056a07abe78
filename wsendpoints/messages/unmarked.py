"""Marks of headers and cookies in types of messages, where nothing reads them."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from wsendpoints.messages.core_schemas import schemas_within
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.sources import Source, is_source, mark_of

__all__ = ["check_unmarked", "defaults_in", "sources_in"]


def check_unmarked(adapter: TypeAdapter[Any], where: str) -> TypeAdapter[Any]:
    """Return the adapter of a message.

    Args:
        adapter: The adapter.
        where: The name of its declaration, for the text of an error.

    Raises:
        ConfigurationError: A part of the message is marked as a header or a cookie.
    """
    schema = adapter.core_schema
    for mark in [*sources_in(schema), *defaults_in(schema)]:
        raise ConfigurationError(
            f"{where}: {mark!r} stands in a message, which has no headers and no cookies: mark a "
            "field of the model that `params` of the class is annotated with"
        )
    return adapter


def sources_in(schema: Any) -> Iterator[Source]:
    """Yield the marks that types in a core schema are annotated with."""
    return (mark for each in schemas_within(schema) if (mark := mark_of(each)) is not None)


def defaults_in(schema: Any) -> Iterator[Source]:
    """Yield the marks that are defaults in a core schema, where they mark nothing."""
    defaults = (each.get("default") for each in schemas_within(schema))
    return (default for default in defaults if is_source(default))
