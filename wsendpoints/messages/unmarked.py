"""Marks of headers and cookies in types of messages, where nothing reads them."""

import typing
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter

from wsendpoints.messages.core_schemas import schemas_within
from wsendpoints.messages.substitution import types_within
from wsendpoints.messages.unions import is_struct, without_alias
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.sources import Source, is_source, mark_of

__all__ = ["check_structs_unmarked", "check_unmarked", "defaults_in", "marked_in"]


def check_unmarked(adapter: TypeAdapter[Any], where: str) -> TypeAdapter[Any]:
    """Return the adapter of a message.

    Args:
        adapter: The adapter.
        where: The name of its declaration, for the text of an error.

    Raises:
        ConfigurationError: A part of the message is marked as a header or a cookie.
    """
    schema = adapter.core_schema
    _refuse([*map(mark_of, marked_in(schema)), *defaults_in(schema)], where)
    return adapter


def check_structs_unmarked(messages: Sequence[Any], where: str) -> None:
    """Check messages that are, or hold, Structs of msgspec's, which knows no other's marks.

    Raises:
        ConfigurationError: A part of one is marked as a header or a cookie.
    """
    seen: set[Any] = set()
    _refuse([mark for it in messages for mark in _sources_in(it, seen)], where)


def _refuse(marks: Sequence[Source | None], where: str) -> None:
    if marks:
        raise ConfigurationError(
            f"{where}: {marks[0]!r} stands in a message, which has no headers and no cookies: mark "
            "a field of the model that `params` of the class is annotated with"
        )


def marked_in(schema: Any) -> Iterator[Any]:
    """Yield the core schemas within one that have a mark."""
    return (each for each in schemas_within(schema) if mark_of(each) is not None)


def defaults_in(schema: Any) -> Iterator[Source]:
    """Yield the marks that are defaults in a core schema, where they mark nothing."""
    defaults = (each.get("default") for each in schemas_within(schema))
    return (default for default in defaults if is_source(default))


def _sources_in(annotation: Any, seen: set[Any]) -> Iterator[Source]:
    """Yield the marks in a type, those within its Structs included."""
    annotation = without_alias(annotation)
    yield from filter(is_source, getattr(annotation, "__metadata__", ()))
    for within in types_within(annotation):
        yield from _sources_in(within, seen)
    klass = typing.get_origin(annotation) or annotation
    if is_struct(klass) and klass not in seen:
        seen.add(klass)
        yield from filter(is_source, klass.__struct_defaults__)
        # What is only sent may name what is imported for type checkers alone.
        with suppress(NameError):
            for hint in typing.get_type_hints(klass, include_extras=True).values():
                yield from _sources_in(hint, seen)
