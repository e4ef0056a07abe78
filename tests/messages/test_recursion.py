"""Which types have themselves as a part, and which of those have a union without a tag."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypeAliasType

from tests.messages.odd_types import TYPES, Node, Plain
from wsendpoints.messages.recursion import branching_refs, recursive_union


class Chain(BaseModel):
    """Has one of itself."""

    next: "Chain | None" = None
    value: int = 0


class Folder(BaseModel):
    """Has a list of itself."""

    folders: list["Folder"] = []


class Halves(BaseModel):
    """Has two of itself, by way of another."""

    left: "Half | None" = None
    right: "Half | None" = None


class Half(BaseModel):
    """Has one of the other."""

    whole: Halves


@pytest.mark.parametrize(
    ("annotation", "number"),
    [
        pytest.param(Plain, 0, id="no recursion"),
        pytest.param(Chain, 0, id="a chain"),
        pytest.param(Folder, 0, id="a list of itself"),
        pytest.param(Node, 1, id="a tree"),
        pytest.param(Halves, 1, id="a tree by way of another"),
        pytest.param(tuple[Half, Half], 1, id="a type that is used twice"),
    ],
)
def test_branching_types_have_themselves_as_a_part_twice(annotation: Any, number: int) -> None:
    """Others are a chain, which is as long as a message is deep."""
    assert len(branching_refs(TypeAdapter(annotation).core_schema)) == number


class And(BaseModel):
    """A part of an expression."""

    type: Literal["and"] = "and"
    of: "And | Not | bool"


class Not(BaseModel):
    """Another."""

    type: Literal["not"] = "not"
    of: "And | Not | bool"


Tagged = Annotated["TaggedAnd | TaggedNot", Field(discriminator="type")]


class TaggedAnd(BaseModel):
    """The same with a tag."""

    type: Literal["and"] = "and"
    of: Tagged | bool


class TaggedNot(BaseModel):
    """Another."""

    type: Literal["not"] = "not"
    of: Tagged | None


class Holder(BaseModel):
    """Is no part of the union that it has."""

    expression: And | int


class Leaf(BaseModel):
    """Has a union, which has no part of it."""

    of: int | str
    parts: list["Leaf"]


JSON = TypeAliasType("JSON", "int | str | list[JSON] | dict[str, JSON]")


@pytest.mark.parametrize(
    ("annotation", "names"),
    [
        *(pytest.param(annotation, [], id=name) for name, (annotation, _) in TYPES.items()),
        pytest.param(Chain, [], id="a chain"),
        pytest.param(Leaf, [], id="a union that has no part of its type"),
        pytest.param(And, ["And", "Not", "bool"], id="models"),
        pytest.param(Holder, ["And", "Not", "bool"], id="models within"),
        pytest.param(TaggedNot, ["tagged-union", "bool"], id="models with a tag, or none"),
        pytest.param(JSON, ["int", "str", "list", "dict"], id="an alias"),
    ],
)
def test_union_without_a_tag_that_is_a_part_of_itself(annotation: Any, names: list[str]) -> None:
    """It is told by the names of its members."""
    assert recursive_union(TypeAdapter(annotation).core_schema) == names
