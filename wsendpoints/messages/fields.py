"""A field of a message, whatever class the message has: a model, a dataclass, or a dict."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["MISSING_FIELD", "attribute_of", "infos_of", "reader_of"]

MISSING_FIELD: Final = object()
"""What a reader returns for a dict that does not have the field."""

Reader = Callable[[Any], Any]


def infos_of(klass: type) -> Mapping[str, FieldInfo | None]:
    """Return the fields of a class, by the names of their attributes; `None` without an alias."""
    if issubclass(klass, BaseModel):
        return klass.model_fields
    infos: Mapping[str, FieldInfo] = getattr(klass, "__pydantic_fields__", {})
    if dataclasses.is_dataclass(klass):
        return {it.name: infos.get(it.name) for it in dataclasses.fields(klass)}
    # Those of a msgspec Struct.
    names = cast("tuple[str, ...]", getattr(klass, "__struct_fields__", ()))
    return dict.fromkeys(names)


def attribute_of(klass: type, field: str) -> str | None:
    """Return the attribute of a class that stands for a field in JSON; `None` if it has none."""
    encoded = cast("tuple[str, ...]", getattr(klass, "__struct_encode_fields__", ()))
    renamed = dict(zip(getattr(klass, "__struct_fields__", ()), encoded, strict=False))
    by_name = None
    for name, info in infos_of(klass).items():
        aliases = {*_aliases_of(info), renamed.get(name)} - {None}
        if field in aliases:
            return name
        if field == name:
            by_name = name
    return by_name


def _aliases_of(info: FieldInfo | None) -> Iterator[str]:
    if info is not None:
        for alias in (info.alias, info.validation_alias, info.serialization_alias):
            if isinstance(alias, str):
                yield alias
            elif (choices := getattr(alias, "choices", None)) is not None:
                yield from (choice for choice in choices if isinstance(choice, str))


def reader_of(klass: type, field: str) -> Reader | None:
    """Return what reads a field of the instances of a class; `None` if they have none.

    Args:
        klass: The class.
        field: The name of the field in JSON, or of its attribute.
    """
    if issubclass(klass, dict):
        return lambda message: message.get(field, MISSING_FIELD)
    attribute = attribute_of(klass, field)
    return None if attribute is None else attrgetter(attribute)
