"""Marks in a model of parameters, where nothing reads them."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wsendpoints.markers import Host, marks_in
from wsendpoints.messages.unions import name_of
from wsendpoints.messages.unmarked import defaults_in, marked_in
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.sources import mark_of

__all__ = ["check_read"]


def check_read(annotation: Any, schema: Any, read: Sequence[Any], where: str) -> None:
    """Check that all marks in a model of parameters are read.

    Args:
        annotation: The model.
        schema: Its core schema.
        read: The schemas in it whose marks are read.
        where: The name of the model's declaration, for the text of an error.

    Raises:
        ConfigurationError: One is a default, or stands within the type of a field, or is one that
            a framework reads.
    """
    name = name_of(annotation)
    for default in defaults_in(schema):
        raise ConfigurationError(
            f"{where}: {name} has {default!r} as the default of a field, where nothing reads it: "
            f"annotate the field, as in `token: Annotated[str, {default!r}]`"
        )
    for each in marked_in(schema):
        # By identity: two fields may be alike.
        if any(each is one for one in read):
            continue
        raise ConfigurationError(
            f"{where}: {name} has {mark_of(each)!r} within the type of a field, where nothing "
            "reads it: annotate a field of its own with it"
        )
    for field, host, mark in _marks_of_hosts(annotation):
        raise ConfigurationError(
            f"{where}: {name}.{field} has {mark} of {host}'s, which nothing reads there: `Header` "
            f"and `Cookie` of wsendpoints are for the fields of {name}, and what {host} is to "
            "resolve is an attribute of the endpoint"
        )


def _marks_of_hosts(annotation: Any) -> Iterator[tuple[str, Host, str]]:
    """Yield the marks of frameworks, with the fields.

    Without those of the path and the query, which need no mark: the parameter is found.
    """
    for field, metadata in _metadata_of(annotation):
        for (host, source), mark in marks_in(metadata).items():
            if source == "dependency" or mark.startswith(("Header", "Cookie")):
                yield field, host, mark


def _metadata_of(annotation: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the names of fields, each with what stands in their annotations behind the type."""
    # `name: str = Header()` of FastAPI's is the field itself.
    fields: Mapping[str, Any] = getattr(annotation, "__pydantic_fields__", {})
    for name, field in fields.items():
        yield name, [field]
    try:
        # Pydantic puts those that are fields of its own into one, which is no mark any more.
        hints = typing.get_type_hints(annotation, include_extras=True)
    except (NameError, TypeError):
        # Names that are local to a function; the alias of a generic model.
        return
    for name, hint in hints.items():
        yield name, [*getattr(hint, "__metadata__", ())]
