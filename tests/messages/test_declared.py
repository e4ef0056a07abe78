"""The union of types in an attribute of a class."""

from typing import Any, Generic, TypeVar

import pytest

from tests.some_messages import Leave, Said, Say
from wsendpoints import ConfigurationError
from wsendpoints.messages.declared import union_in

T = TypeVar("T")


class Base(Generic[T]):
    """A class with a type variable in what it sends."""

    sends: Any = T  # type: ignore[misc]  # as in `sends` of a generic endpoint
    answers: Any = None


class Bound(Base[Said]):
    """A class that says what it stands for."""


def test_nothing_is_declared() -> None:
    """An attribute with nothing in it has no union."""
    assert union_in(Bound, "answers") is None


def test_type_variable_is_filled_in() -> None:
    """What a subclass says is what the variable of its base stands for."""
    assert union_in(Bound, "sends") is Said


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_collection_is_the_union_of_its_types(kind: Any) -> None:
    """A list of types means their union."""
    cls = type("Listed", (), {"sends": kind([Say, Leave])})
    assert union_in(cls, "sends") == Say | Leave


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("answers", "name what clients answer, or leave `answers` out"),
        ("sends", "name what it sends, or leave `sends` out, and it may send anything"),
    ],
)
def test_empty_collection_is_a_mistake(name: str, advice: str) -> None:
    """A class that sends nothing would have said so by leaving it out."""
    cls = type("Empty", (), {name: ()})
    with pytest.raises(ConfigurationError) as caught:
        union_in(cls, name)
    assert str(caught.value) == f"Empty.{name} is empty: {advice}"
