"""Attributes that are marked for a framework, and can't be what it resolves."""

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

from wsendpoints.markers import Mark
from wsendpoints.mistakes.names import ATTRIBUTES
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_resolved"]


def check_resolved(cls: type, name: str, marks: Mapping[Mark, str]) -> None:
    """Check an attribute that a framework resolves.

    Args:
        cls: The class.
        name: The name of the attribute.
        marks: The marks in its annotation.

    Raises:
        ConfigurationError: A WebSocket has nothing that it could be resolved from, or the name
            has another meaning.
    """
    where = f"{cls.__qualname__}.{name}"
    value: Any = getattr(cls, name, MISSING)
    for (host, source), mark in marks.items():
        if source == "body":
            raise ConfigurationError(
                f"{where} is annotated with {mark}, but a WebSocket has no body that {host} could "
                "read: take it from the path, the query, a header or a cookie, or from a message"
            )
        if name in ATTRIBUTES:
            raise ConfigurationError(
                f"{where} is annotated with {mark}, but `{name}` is an attribute of every "
                f"WebSocketEndpoint: give what {host} resolves another name"
            )
        # A default is what a parameter may have. FastAPI would not look at one beside `Depends`.
        is_default = source == "parameter" or host == "Litestar"
        if value is not MISSING and not (is_default and not hasattr(value, "__get__")):
            raise ConfigurationError(
                f"{where} is annotated with {mark}, and the class has a value or a method of this "
                "name as well: remove one of the two, or rename it"
            )
