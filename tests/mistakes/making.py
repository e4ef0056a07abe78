"""Makes the classes of the table, and catches what they give."""

import collections
import dataclasses
import functools
import sys
import warnings
from abc import abstractmethod
from types import ModuleType
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar, overload
from unittest.mock import patch

import fastapi
import msgspec
import pydantic
from litestar.di import NamedDependency
from litestar.params import FromQuery

import wsendpoints
from tests.mistakes.table import Row
from wsendpoints import ConfigurationError, ConfigurationWarning

__all__ = ["check", "make", "texts_of"]


class Say(pydantic.BaseModel):
    """A message."""

    type: Literal["say"] = "say"


class Leave(pydantic.BaseModel):
    """Another."""

    type: Literal["leave"] = "leave"


class Push(pydantic.BaseModel):
    """Another."""

    type: Literal["push"] = "push"


class Yes(pydantic.BaseModel):
    """An answer."""

    type: Literal["yes"] = "yes"
    id: str | None = None


class Struct(msgspec.Struct, tag="struct"):
    """A message of msgspec's."""


class DB:
    """What an endpoint may be given."""


NAMES: Final[dict[str, Any]] = {
    **{name: getattr(wsendpoints, name) for name in wsendpoints.__all__},
    "Annotated": Annotated,
    "Any": Any,
    "Body": fastapi.Body,
    "ClassVar": ClassVar,
    "DB": DB,
    "Depends": fastapi.Depends,
    "Final": Final,
    "FromQuery": FromQuery,
    "Generic": Generic,
    "Leave": Leave,
    "NamedDependency": NamedDependency,
    "Push": Push,
    "Query": fastapi.Query,
    "Say": Say,
    "Struct": Struct,
    "TypeVar": TypeVar,
    "Yes": Yes,
    "abstractmethod": abstractmethod,
    "collections": collections,
    "dataclass": dataclasses.dataclass,
    "field": dataclasses.field,
    "functools": functools,
    "overload": overload,
    "pydantic": pydantic,
}


def make(code: str, **names: Any) -> Any:
    """Run the code of a row, and return the class `Chat` of it.

    Args:
        code: The body of `Chat`, or statements that define it.
        names: What else the code may name.
    """
    if not any(line.startswith("class Chat") for line in code.splitlines()):
        lines = ("class Chat(WebSocketEndpoint):", 'encoding = "json"', *code.splitlines())
        code = "\n    ".join(lines)
    module = ModuleType("chat")
    vars(module).update(NAMES, **names)
    with patch.dict(sys.modules, chat=module):
        exec(compile(code, "chat.py", "exec"), vars(module))  # noqa: S102 - our own
    return vars(module)["Chat"]


def texts_of(code: str, **names: Any) -> list[tuple[type[Any], str]]:
    """Return the class and the text of each warning that the code gives, and then of its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            make(code, **names)
        except ConfigurationError as exc:
            error = [(type(exc), str(exc))]
        else:
            error = []
    # Each points at the class statement.
    assert {warning.filename for warning in caught} <= {"chat.py"}
    return [*((warning.category, str(warning.message)) for warning in caught), *error]


def check(row: Row) -> None:
    """Check that a mistake gives the text of the table, and nothing else."""
    kind = ConfigurationWarning if row.is_warning else ConfigurationError
    assert texts_of(row.code) == [(kind, row.text)]
