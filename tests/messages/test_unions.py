"""What a type is: its classes, its name, and what is within its aliases."""

import datetime as dt
import sys
import uuid
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
)

import msgspec
import pytest
from pydantic import (
    AfterValidator,
    Field,
    PastDate,
)
from typing_extensions import TypeAliasType

from tests.messages.union_types import (
    AliasOfSay,
    Box,
    By,
    Crate,
    Envelope,
    Jump,
    Kind,
    Move,
    NewSay,
    Same,
)
from tests.some_messages import Numbers, Say
from wsendpoints.messages.substitution import is_class
from wsendpoints.messages.unions import (
    bare,
    is_alias,
    is_object,
    is_struct,
    name_of,
    runtime_types,
    without_alias,
)

T = TypeVar("T")

OBJECTS: list[Any] = [
    pytest.param(Say, {Say}, id="model"),
    pytest.param(Move, {Move}, id="dataclass"),
    pytest.param(Jump, {dict}, id="TypedDict"),
    pytest.param(Envelope[int], {Envelope[int]}, id="generic model"),
    pytest.param(Box[int], {Box}, id="generic dataclass"),
    pytest.param(Crate[int], {dict}, id="generic TypedDict"),
    pytest.param(NewSay, {Say}, id="NewType"),
    pytest.param(Annotated[Say, "x"], {Say}, id="Annotated"),
    pytest.param(AliasOfSay, {Say}, id="alias"),
]
OTHERS: list[Any] = [
    pytest.param(int, {int}, id="int"),
    pytest.param(bytes, {bytes}, id="bytes"),
    pytest.param(None, None, id="None, which is no type"),
    pytest.param(type(None), {type(None)}, id="NoneType"),
    pytest.param(dict, {dict}, id="dict"),
    pytest.param(dict[str, int], {dict}, id="dict of int"),
    pytest.param(list[int], {list}, id="list of int"),
    pytest.param(tuple[int, str], {tuple}, id="tuple"),
    pytest.param(Literal["ping"], {str}, id="Literal"),
    pytest.param(Literal["ping", 1], {str, int}, id="mixed Literal"),
    pytest.param(Kind, {Kind}, id="enum"),
    pytest.param(Literal[Kind.SAY], {Kind}, id="Literal of an enum"),
    pytest.param(Numbers, {Numbers}, id="RootModel"),
    pytest.param(Annotated[int, Field(gt=1)], {int}, id="constrained"),
    pytest.param(Any, None, id="Any"),
    pytest.param(PastDate, None, id="PastDate, whose values are dates"),
    pytest.param(dt.date, None, id="date"),
    pytest.param(uuid.UUID, None, id="UUID"),
    pytest.param(By, None, id="union"),
    pytest.param("Later", None, id="string"),
]


@pytest.mark.parametrize(("member", "classes"), [*OBJECTS, *OTHERS])
def test_runtime_types(member: Any, classes: set[type] | None) -> None:
    """The classes of a type's values are known, or `None`."""
    assert runtime_types(member) == classes


@pytest.mark.parametrize(("member", "classes"), OBJECTS)
def test_object(member: Any, classes: set[type] | None) -> None:
    """A type with declared fields is an object."""
    assert is_object(member)


@pytest.mark.parametrize(("member", "classes"), OTHERS)
def test_not_an_object(member: Any, classes: set[type] | None) -> None:
    """A type without declared fields is not, even if its values are JSON objects."""
    assert not is_object(member)


@pytest.mark.parametrize(
    ("annotation", "is_one"), [(Say, True), (int, True), (list[int], False), ("Say", False)]
)
def test_is_class(annotation: Any, is_one: bool) -> None:
    """A generic type with type arguments is not a class."""
    assert is_class(annotation) is is_one


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        (Say, "Say"),
        (Envelope[int], "Envelope[int]"),
        (list[int], "list[int]"),
        (Literal["ping"], "typing.Literal['ping']"),
        (Annotated[Jump, AfterValidator(lambda it: it)], "Jump"),
        (type(None), "NoneType"),
    ],
)
def test_name_of(declared: Any, name: str) -> None:
    """A class is named without its module and its metadata."""
    assert name_of(declared) == name


def test_named_aliases_are_known() -> None:
    """With type arguments it is a type of its own, whose alias is its origin."""
    assert is_alias(AliasOfSay)
    assert is_alias(Same)
    assert not is_alias(Same[int])
    assert not is_alias(Say)
    assert not is_alias(list[int])


LAZY = TypeAliasType("LAZY", "Say | None")
OF_LAZY = TypeAliasType("OF_LAZY", list["Say"])


@pytest.mark.parametrize("alias", [LAZY, OF_LAZY], ids=["string", "string within"])
def test_alias_with_a_string_in_it_stays(alias: Any) -> None:
    """Pydantic alone knows what the string means."""
    assert without_alias(alias) is alias
    assert bare(alias) is alias


def test_type_within_aliases_is_found() -> None:
    """However many there are."""
    assert without_alias(AliasOfSay) is Say
    assert bare(Annotated[AliasOfSay, "described"]) is Say


class Said(msgspec.Struct, Generic[T]):
    """A Struct."""

    item: T


@pytest.mark.parametrize("annotation", [Said, Said[int], Annotated[Said[int], "x"]], ids=repr)
def test_struct_is_known_if_msgspec_is_imported(
    annotation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its instances are of its class. It is no object of pydantic's."""
    assert is_struct(annotation)
    assert not is_object(annotation)
    found: Any = runtime_types(annotation)
    assert found == {Said}
    assert not is_struct(int)
    assert not is_struct(list[Said[int]])
    monkeypatch.delitem(sys.modules, "msgspec")
    assert not is_struct(annotation)
