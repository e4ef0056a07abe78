"""What strict types take of a codec's values."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from wsendpoints.messages.strictness import as_from_json
from wsendpoints.messages.validators import Validator


class Color(Enum):
    """An enum."""

    RED = "red"


@dataclass
class Point:
    """A dataclass."""

    x: int


class Pair(NamedTuple):
    """A named tuple."""

    x: int


class Lax(BaseModel):
    """Nothing in it is strict."""

    x: tuple[int, ...]


VALUES: dict[Any, Any] = {
    bytes: "x",
    date: "2020-01-01",
    datetime: "2020-01-01T00:00:00Z",
    time: "12:00:00",
    timedelta: "P1D",
    Decimal: "1.5",
    deque[int]: [1],
    frozenset[int]: [1],
    set[int]: [1],
    tuple[int, str]: [1, "x"],
    UUID: str(UUID(int=1)),
    Color: "red",
    Point: {"x": 1},
    Pair: [1],
    IPv4Address: "127.0.0.1",
    dict[int, str]: {"1": "x"},
    list[set[int]]: [[1]],
    set[int] | None: [1],
    list[tuple[int, set[int]] | dict[str, tuple[int]]]: [[1, [1]], {"x": [1]}],
}


@pytest.mark.parametrize("annotation", VALUES, ids=repr)
def test_strict_type_takes_what_it_takes_of_json(annotation: Any) -> None:
    """A list for a tuple, a text for an enum: the format has no other."""
    strict = type(
        "Strict",
        (BaseModel,),
        {"model_config": ConfigDict(strict=True), "__annotations__": {"x": annotation}},
    )
    value = {"x": VALUES[annotation]}
    adapter = TypeAdapter[Any](strict)
    expected = adapter.validate_json(to_json(value))
    assert Validator(adapter, is_json=False).reading(lambda frame: value)(b"") == expected


def test_strict_type_refuses_what_it_refuses_of_json() -> None:
    """A number is no text, and a text is no number."""

    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)

        x: int = 1
        y: str = ""
        z: tuple[int, ...] = ()

    validator = Validator(TypeAdapter(Strict), is_json=False)
    for value in ({"x": "1"}, {"y": 1}, {"z": ["1"]}, {"x": 1.0}):
        with pytest.raises(ValidationError):
            validator.validate_python(value)
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    at = TypeAdapter[Any](Annotated[datetime, Field(strict=True)])
    assert Validator(at, is_json=False).reading(lambda frame: moment)(b"") == moment


def test_what_is_not_strict_stays_as_it_is() -> None:
    """Nothing is compiled again."""
    schema = TypeAdapter(Lax).core_schema
    assert as_from_json(schema) is schema
