"""What is in the brackets of a type, and the same type with something else there."""

# Types are written here as values, outside of a class that is generic in their variables.
# mypy: disable-error-code="valid-type"
# pyright: reportGeneralTypeIssues=false, reportInvalidTypeForm=false

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, Literal, Optional, TypeVar, TypeVarTuple, Union

import pytest
from pydantic import BaseModel, Field
from typing_extensions import Unpack

from tests.some_messages import Envelope, Leave, Say
from wsendpoints.messages.substitution import (
    fill_in,
    fill_in_all,
    is_class,
    is_model,
    is_union,
    types_within,
    union_of,
)

T = TypeVar("T")
U = TypeVar("U")
Ts = TypeVarTuple("Ts")

UNION: Any = Union
"""For unions that `|` can't write."""


class Box(Generic[T]):
    """A generic class that is no model."""


@pytest.mark.parametrize(
    ("annotation", "of_class", "of_model"),
    [
        (int, True, False),
        (Say, True, True),
        (Envelope[Say], True, True),
        (BaseModel, True, False),
        (list[int], False, False),
        (Box[int], False, False),
        ("Say", False, False),
        (None, False, False),
    ],
    ids=repr,
)
def test_classes_and_models_are_told_from_other_types(
    annotation: Any, of_class: bool, of_model: bool
) -> None:
    """A generic alias is no class, and a model of pydantic's with brackets is one."""
    assert is_class(annotation) is of_class
    assert is_model(annotation) is of_model


@pytest.mark.parametrize(
    ("annotation", "is_one"),
    [
        (int | str, True),
        (UNION[int, str], True),
        (Optional[int], True),  # noqa: UP045 - as it may be written
        (int, False),
        (list[int | str], False),
        (Annotated[int | str, "x"], False),
    ],
    ids=repr,
)
def test_unions_are_known_however_they_are_written(annotation: Any, is_one: bool) -> None:
    """By `|`, `Union` or `Optional`."""
    assert is_union(annotation) is is_one


def test_union_of_one_type_is_that_type() -> None:
    """Several are joined, as `Union` joins them."""
    assert union_of([int]) is int
    assert union_of([int, str, int]) == int | str
    assert union_of([int, "Later"]) == UNION[int, "Later"]


@pytest.mark.parametrize(
    ("annotation", "within"),
    [
        (int, ()),
        (list[int], (int,)),
        (dict[str, T], (str, T)),
        (int | None, (int, type(None))),
        (Annotated[T, Field(gt=0)], (T,)),
        (Literal["x", "y"], ()),
        (Envelope, Envelope.__pydantic_generic_metadata__["parameters"]),
        (Envelope[Say], (Say,)),
        (Say, ()),
    ],
    ids=repr,
)
def test_types_in_the_brackets_are_those_that_are_validated(annotation: Any, within: Any) -> None:
    """Metadata and the values of a `Literal` are no types; a bare model has its variables."""
    assert tuple(types_within(annotation)) == tuple(within)


ARGUMENTS: Final[dict[Any, Any]] = {T: Say, Ts: (int, str)}

FILLED: Final[list[tuple[Any, Any]]] = [
    (T, Say),
    (U, U),
    (list[T], list[Say]),
    (dict[str, list[T]], dict[str, list[Say]]),
    (Box[T], Box[Say]),
    (tuple[T, ...], tuple[Say, ...]),
    (tuple[*Ts], tuple[int, str]),
    (tuple[T, *Ts, U], tuple[Say, int, str, U]),
    (T | Leave, Say | Leave),
    (UNION[T, "Later"], UNION[Say, "Later"]),
    (Annotated[T, "metadata"], Annotated[Say, "metadata"]),
    (Callable[[T], U], Callable[[Say], U]),
]


@pytest.mark.parametrize(("annotation", "filled"), FILLED, ids=repr)
def test_variables_are_replaced_at_any_depth(annotation: Any, filled: Any) -> None:
    """What has no type stays a variable."""
    assert fill_in(annotation, ARGUMENTS) == filled


def test_model_with_brackets_is_the_one_that_code_makes() -> None:
    """To pydantic each way to write a type in the brackets is a class of its own."""
    envelope: Any = Envelope
    assert fill_in(envelope[T], {T: Say}) is Envelope[Say]
    assert fill_in(envelope[T | Leave], {T: Say}) is Envelope[Say | Leave]


@pytest.mark.parametrize("annotation", [int, list[int], dict[str, U], Say | None, Literal["x"]])
def test_type_without_such_variables_is_the_same_object(annotation: Any) -> None:
    """So that what was compiled for it is found again."""
    assert fill_in(annotation, ARGUMENTS) is annotation


def test_type_that_is_a_string_may_stand_in_a_union() -> None:
    """Though `|` can't join it."""
    assert fill_in(T | int, {T: "Later"}) == UNION["Later", int]


def test_one_of_several_types_may_become_several() -> None:
    """That of a `TypeVarTuple` which is unpacked."""
    assert fill_in_all([T, Unpack[Ts], bytes], ARGUMENTS) == [Say, int, str, bytes]
