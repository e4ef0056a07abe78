"""The fields of a message, by their names in Python and in JSON."""

import dataclasses
from datetime import date
from typing import Annotated, Any, Generic, Literal, NotRequired, Required, TypeVar, Union

import msgspec
import pydantic
import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    RootModel,
    Tag,
    computed_field,
    model_validator,
)
from typing_extensions import TypedDict

from tests.some_messages import Unknown
from wsendpoints.messages.fields import (
    NO_DEFAULT,
    FieldReader,
    field_in,
    may_have,
    written_field,
)

T = TypeVar("T")


class Plain(BaseModel):
    """Has the field."""

    id: str | None = None


class Other(BaseModel):
    """Has none."""

    number: int = 0


class Sub(Plain):
    """Inherits it."""


class Aliased(BaseModel):
    """Calls it otherwise in Python."""

    number: int = Field(default=0, alias="id")


class ByName(BaseModel):
    """Takes both names."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    number: int = Field(default=0, alias="id")


class Reading(BaseModel):
    """Calls it otherwise where it is written."""

    number: int = Field(default=0, validation_alias="id", serialization_alias="no")


class Writing(BaseModel):
    """Calls it otherwise where it is read."""

    number: int = Field(default=0, validation_alias="no", serialization_alias="id")


class Choosing(BaseModel):
    """Is read in several ways."""

    number: int = Field(default=0, validation_alias=AliasChoices("no", AliasPath("in", 0), "id"))


class Deep(BaseModel):
    """Is read from within another object."""

    number: int = Field(default=0, validation_alias=AliasPath("id", "number"))


class Made(BaseModel):
    """Has aliases that are made."""

    model_config = ConfigDict(alias_generator=str.lower)
    ID: str = "x"


class Computing(BaseModel):
    """Makes it from others."""

    @computed_field
    def id(self) -> str:
        """Return it."""
        return ""


class Checking(BaseModel):
    """Has functions around its fields."""

    id: str = ""

    @model_validator(mode="wrap")
    @classmethod
    def wrap(cls, value: Any, handler: Any) -> Any:
        """Do nothing."""
        return handler(value)

    @model_validator(mode="before")
    @classmethod
    def before(cls, value: Any) -> Any:
        """Do nothing."""
        return value


class Tree(BaseModel):
    """Is a part of itself."""

    id: str = ""
    parts: "list[Tree]" = []


class Of(BaseModel, Generic[T]):
    """Is generic."""

    id: T | None = None


@dataclasses.dataclass
class Data:
    """Is a dataclass."""

    id: str = "x"


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    """Is another one, with an alias."""

    number: Annotated[int, Field(alias="id")] = 0


@pydantic.dataclasses.dataclass
class Validated:
    """Is a dataclass of pydantic's."""

    number: int = Field(default=0, alias="id")


@dataclasses.dataclass
class OfData(Generic[T]):
    """Is a generic dataclass."""

    id: T


class Typed(TypedDict, total=False):
    """Is a dict."""

    id: Required[str]


class Partly(TypedDict):
    """May have it, under another name in Python."""

    number: NotRequired[Annotated[int, Field(alias="id")]]


class Bare(TypedDict):
    """Is a dict without it."""

    number: int


class Struct(msgspec.Struct):
    """Is none of pydantic's."""

    text: str
    id: str | None = None


class Renamed(msgspec.Struct, rename="upper"):
    """Calls its fields otherwise in JSON."""

    id: int = 0


def kind_of(value: Any) -> str:
    """Return the tag of a member."""
    return "plain"


Chosen = Annotated[
    Annotated[Plain, Tag("plain")] | Annotated[Other, Tag("o")], Discriminator(kind_of)
]

READ: list[Any] = [
    *(Plain, Sub, Aliased, ByName, Reading, Choosing, Made, Checking, Tree, Of[int], Of),
    *(Data, Frozen, Validated, OfData[int], Typed, Partly, Struct),
]
NOT_READ: list[Any] = [Other, Writing, Deep, Computing, Bare, Renamed]


@pytest.mark.parametrize(
    "member",
    [
        *READ,
        Plain | Other,
        Other | None | Annotated[Plain, Field(description="x")],
        Chosen,
        RootModel[Plain],
        RootModel[Other | Plain],
        dict,
        dict[str, int],
        Any,
        JsonValue,
        object,
    ],
)
def test_messages_may_have_the_field(member: Any) -> None:
    """By its name in JSON; a dict without a declaration may have any."""
    assert may_have(member, "id")


@pytest.mark.parametrize(
    "member",
    [
        *NOT_READ,
        Other | Bare,
        RootModel[Other],
        RootModel[list[Plain]],
        str,
        int,
        bytes,
        None,
        date,
        list[Plain],
        Literal["id"],
        Unknown,
    ],
)
def test_messages_have_not_the_field(member: Any) -> None:
    """What has other fields, and what is no object."""
    assert not may_have(member, "id")


@pytest.mark.parametrize(
    ("member", "name"),
    [(Aliased, "number"), (Partly, "number"), (Made, "ID"), (Frozen, "number")],
)
def test_attribute_is_meant_too(member: Any, name: str) -> None:
    """Where that is asked for."""
    assert not may_have(member, name)
    assert may_have(member, name, is_attribute=True)
    assert may_have(Union[Other, member], name, is_attribute=True)  # noqa: UP007 - at run time


def test_name_counts_beside_an_alias_where_it_is_read() -> None:
    """As pydantic is configured."""
    assert may_have(ByName, "number")
    assert not may_have(Aliased, "number")


@pytest.mark.parametrize(
    ("klass", "name", "default"),
    [
        (Plain, "id", None),
        (Aliased, "number", 0),
        (Writing, "number", 0),
        (Made, "ID", "x"),
        (Checking, "id", ""),
        (Tree, "id", ""),
        (Of[int], "id", None),
        (Data, "id", "x"),
        (Frozen, "number", 0),
        (Validated, "number", 0),
        (OfData[int], "id", NO_DEFAULT),
        (Typed, "id", NO_DEFAULT),
        (Partly, "number", NO_DEFAULT),
        (Struct, "id", None),
    ],
)
def test_field_is_written(klass: Any, name: str, default: Any) -> None:
    """Under its name in JSON, which may be another one than in Python."""
    field = written_field(klass, "id")
    assert field is not None
    assert (field.name, field.written_as, field.default) == (name, "id", default)


@pytest.mark.parametrize(
    "klass",
    [Other, Reading, Choosing, Computing, Bare, Renamed, str, dict, Unknown, RootModel[str]],
)
def test_field_is_not_written(klass: Any) -> None:
    """Where it is called otherwise, or is no field."""
    assert written_field(klass, "id") is None


def test_attribute_goes_before_a_name_in_json() -> None:
    """An application means what it wrote."""

    class Both(BaseModel):
        other: str = Field(default="", alias="id")
        id: str = Field(default="", alias="no")

    found = [field_in(Both, "id"), field_in(Both, "no"), field_in(Both, "other")]
    assert [it and it.name for it in found] == ["id", "id", "other"]
    assert field_in(Both, "x") is None


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (Plain(id="a"), "a"),
        (Plain(), None),
        (Sub(id="a"), "a"),
        (Other(), None),
        (Aliased(id=5), 5),
        (Choosing.model_validate({"id": 5}), 5),
        (Data("a"), "a"),
        (Frozen(5), 5),
        (Struct("x", "a"), "a"),
        (RootModel[Plain](Plain(id="a")), "a"),
        (RootModel[RootModel[Plain]](RootModel[Plain](Plain(id="a"))), "a"),
        ({"id": "a"}, "a"),
        ({"no": "a"}, None),
        ({"number": 5}, None),
        (["id"], None),
        ("id", None),
        (5, None),
        (None, None),
    ],
    ids=repr,
)
def test_field_is_read(message: Any, value: Any) -> None:
    """From what has it, the first time and later; it is `None` elsewhere."""
    read = FieldReader("id")
    assert (read(message), read(message)) == (value, value)


def test_dict_is_read_by_its_key_in_python() -> None:
    """Which the declaration tells."""
    read = FieldReader("id", [Partly, Bare, Annotated[Typed, "x"]])
    assert read({"number": 5}) == 5
    assert read({"id": "a"}) == "a"
    assert read({}) is None
    assert FieldReader("number", [Partly])({"number": 5}) == 5
