"""Values in a class body that all connections would share."""

import collections
import re
from dataclasses import MISSING, Field
from typing import Any, Final, cast

from pydantic.fields import FieldInfo
from typing_extensions import Format, TypeIs, get_annotations

from wsendpoints.markers import read_mark
from wsendpoints.messages.class_statement import warn
from wsendpoints.mistakes.body import Body
from wsendpoints.mistakes.names import meant_attribute
from wsendpoints.mistakes.resolved import check_no_source
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_defaults", "is_field"]

_CONTAINERS: Final = (
    list,
    dict,
    set,
    bytearray,
    collections.deque,
    collections.UserDict,
    collections.UserList,
)

_READ_ONCE: Final = frozenset({"allowed_origins", "encoding", "limits", "sends", "subprotocols"})
"""Attributes of the library, which nothing changes."""

_OF_THE_CLASS: Final = re.compile(r"[\w.]*(?:Annotated\[)?[\w.]*\b(?:ClassVar|Final)\b")


def check_defaults(body: Body) -> None:
    """Check that no default is a value that one connection changes for all others.

    Raises:
        ConfigurationError: One is, or a `field(...)` gives no value, or one is a mark for a
            framework.
    """
    for name, value in body.own.items():
        if (
            name in _READ_ONCE
            or name.isupper()
            or meant_attribute(body, name)
            or _is_of_the_class(body.cls, name)
        ):
            continue
        where = f"{body.where}.{name}"
        default = _default_of(value, where)
        kind = cast("type[object]", type(default))
        # As dataclasses decide whether a value may change.
        if kind.__hash__ is not None:
            continue
        text = (
            f"{where} is one {kind.__name__} for all connections: `field(default_factory="
            f"{kind.__name__})` of dataclasses gives each its own, and `ClassVar[...]` says that "
            "it is meant to be shared"
        )
        if isinstance(default, _CONTAINERS):
            raise ConfigurationError(text)
        warn(text)


def _default_of(value: Any, where: str) -> Any:
    """Return what all connections would share of a value in the body: of a factory, nothing."""
    check_no_source(value, f"{where} has {value!r} as its value", where.rpartition(".")[2])
    if read_mark(value) is not None:
        mark = f"{type(value).__name__}(...)"
        raise ConfigurationError(
            f"{where} has {mark} as its value, where no framework reads it: annotate it, as in "
            f"`{where.rpartition('.')[2]}: Annotated[..., {mark}]`"
        )
    if isinstance(value, FieldInfo):
        raise ConfigurationError(
            f"{where} is a Field of pydantic's, and an endpoint is no model: use `field` of "
            "dataclasses, as in `field(default_factory=list)`"
        )
    if not is_field(value):
        return value
    if value.default is MISSING and value.default_factory is MISSING:
        raise ConfigurationError(
            f"{where} is a field without a value: give it `default_factory=...`, or annotate the "
            "attribute alone"
        )
    return value.default


def is_field(value: object) -> TypeIs[Field[Any]]:
    """Return whether a value in the body of a class is a `field(...)` of dataclasses."""
    return isinstance(value, Field)


def _is_of_the_class(cls: type, name: str) -> bool:
    """Whether the nearest annotation of an attribute says that it belongs to the class."""
    for klass in cls.__mro__:
        annotations = get_annotations(klass, format=Format.FORWARDREF)
        if name in annotations:
            annotation = annotations[name]
            # Not resolved: it may name what is imported for type checkers alone.
            text = str(getattr(annotation, "__forward_arg__", annotation))
            return _OF_THE_CLASS.match(text) is not None
    return False
