"""What tells the members of a union apart, and what makes two of them clash."""

import dataclasses
import sys
from typing import (
    Annotated,
    Any,
    Literal,
    Optional,
    Union,
)

import pydantic.dataclasses
import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)
from typing_extensions import TypeAliasType, TypedDict

from tests.messages.union_types import (
    Both,
    Box,
    By,
    Crate,
    Either,
    Envelope,
    Fall,
    Jump,
    Kind,
    Move,
    NewSay,
    Plain,
    Same,
    Unused,
)
from tests.some_messages import Leave, Say
from wsendpoints.messages.substitution import union_of
from wsendpoints.messages.tags import clash, find_tag, members
from wsendpoints.messages.unions import is_object


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        pytest.param(int, [int], id="no union"),
        pytest.param(Any, [Any], id="Any"),
        pytest.param(Say | Leave, [Say, Leave], id="union"),
        pytest.param(Union[Say, Leave], [Say, Leave], id="typing's union"),  # noqa: UP007 - the case
        pytest.param(Optional[Say], [Say, type(None)], id="optional"),  # noqa: UP045 - the case
        pytest.param(Both, [Say, Leave], id="alias"),
        pytest.param(Both | int, [Say, Leave, int], id="union with an alias"),
        pytest.param(By | int, [Say, Leave, int], id="union with a nested one"),
        pytest.param(Both | Say | By, [Say, Leave], id="each once"),
        pytest.param(Either[Say], [Say, Leave], id="generic alias"),
        pytest.param(Same[int], [list[int]], id="generic alias of one type"),
        pytest.param(Unused[str], [int], id="generic alias that ignores its argument"),
        pytest.param(By, [Say, Leave], id="with a discriminator"),
        pytest.param(
            Annotated[Both, Field(description="x")], [Say, Leave], id="with a description"
        ),
        pytest.param(NewSay, [NewSay], id="NewType"),
        pytest.param(list[Both], [list[Both]], id="list of a union"),
    ],
)
def test_members(annotation: Any, found: list[Any]) -> None:
    """Unions and aliases of unions are flattened, other types are not."""
    assert members(annotation) == found


@pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(Annotated[Both, AfterValidator(lambda it: it)], id="validator"),
        pytest.param(Annotated[list[int] | list[str], Field(min_length=1)], id="constraint"),
        pytest.param(
            Annotated[
                Annotated[Say, Tag("s")] | Annotated[Leave, Tag("l")],
                Field(discriminator=Discriminator(lambda it: "s")),
            ],
            id="callable discriminator in a field",
        ),
        pytest.param(
            Annotated[
                Annotated[Say, Tag("s")] | Annotated[Leave, Tag("l")],
                Discriminator(lambda it: "s"),
            ],
            id="callable discriminator",
        ),
        pytest.param(Annotated[int, Field(gt=1)], id="no union"),
        pytest.param(Annotated[int, Field(description="x")], id="no union, described"),
    ],
)
def test_union_with_metadata_of_its_own_stays_whole(annotation: Any) -> None:
    """The metadata says something about the union that its members do not."""
    assert members(annotation) == [annotation]


if sys.version_info >= (3, 12):

    def test_members_of_a_type_statement() -> None:
        """It makes an alias like that of typing_extensions."""
        names: dict[str, Any] = {"Say": Say, "Leave": Leave}
        exec("type Both = Say | Leave\ntype Either[T] = T | Leave", names)  # noqa: S102 - newer syntax
        assert members(names["Both"]) == [Say, Leave]
        assert members(names["Either"][Say]) == [Say, Leave]
        assert members(names["Either"][int] | Say) == [int, Leave, Say]
        assert not is_object(names["Both"])


# The tag.


def model(**fields: Any) -> type[BaseModel]:
    """Return a model with these fields, each a type, or a type and a default."""
    definitions: dict[str, Any] = {
        name: it if isinstance(it, tuple) else (it, ...) for name, it in fields.items()
    }
    return pydantic.create_model("Model", **definitions)


@pydantic.dataclasses.dataclass
class AliasedDataclass:
    """A dataclass of pydantic's with an alias."""

    kind: Literal["a"] = Field(alias="@type")


@dataclasses.dataclass
class AliasedByDefault:
    """A dataclass with an alias in the place of the default."""

    kind: Literal["b"] = Field(alias="@type")


class AliasedDict(TypedDict):
    """A TypedDict with an alias."""

    kind: Annotated[Literal["c"], Field(alias="@type")]


class Generated(BaseModel):
    """A model with generated aliases."""

    model_config = ConfigDict(alias_generator=lambda name: f"@{name}")
    type: Literal["d"]


OneOf = TypeAliasType("OneOf", Literal["x", "y"])

TAGS: list[Any] = [
    pytest.param([], None, id="nothing"),
    pytest.param([Say, Leave], "type", id="models"),
    pytest.param([Say, Move, Jump, Fall], "type", id="models, dataclass, TypedDicts"),
    pytest.param([Box[int], Crate[int], Envelope[int]], "type", id="generics"),
    pytest.param([NewSay, Annotated[Leave, "x"]], "type", id="NewType and Annotated"),
    pytest.param(
        [model(kind=Literal["a"]), model(kind=Literal["b", "c"])], "kind", id="another name"
    ),
    pytest.param(
        [model(a=Literal[1], type=Literal["a"]), model(a=Literal[2], type=Literal["b"])],
        "type",
        id="two, one of them the usual",
    ),
    pytest.param(
        [model(b=Literal[1], a=Literal["a"]), model(a=Literal["b"], b=Literal[2])],
        "b",
        id="two, none of them the usual",
    ),
    pytest.param([model(kind=Literal[1]), model(kind=Literal[2])], "kind", id="int"),
    pytest.param([model(kind=Literal[True]), model(kind=Literal[False])], "kind", id="bool"),
    pytest.param([model(kind=Literal[1]), model(kind=Literal[True])], None, id="1 and true"),
    pytest.param(
        [model(kind=Literal[Kind.SAY]), model(kind=Literal[Kind.LEAVE])], "kind", id="enum"
    ),
    pytest.param(
        [model(kind=Literal[Kind.SAY]), model(kind=Literal["say"])], None, id="enum and its value"
    ),
    pytest.param([model(kind=OneOf), model(kind=Literal["z"])], "kind", id="alias of a Literal"),
    pytest.param([model(kind=OneOf), model(kind=Literal["y"])], None, id="a value in common"),
    pytest.param([Say, Plain], None, id="one without"),
    pytest.param([Say, model(type=str)], None, id="one that is no Literal"),
    pytest.param([Say, int], None, id="one that is no object"),
    pytest.param(
        [AliasedDataclass, AliasedByDefault, AliasedDict], "@type", id="aliases of all kinds"
    ),
    pytest.param(
        [Generated, model(type=(Literal["e"], Field(validation_alias="@type")))],
        "@type",
        id="generated alias",
    ),
    pytest.param(
        [AliasedDataclass, model(other=(Literal["b"], Field(alias="@type")))],
        None,
        id="one alias of two fields",
    ),
    pytest.param(
        [
            model(kind=(Literal["a"], Field(validation_alias=AliasChoices("x", "y")))),
            model(kind=Literal["b"]),
        ],
        None,
        id="choice of aliases",
    ),
    pytest.param(
        [
            model(kind=(Literal["a"], Field(validation_alias=AliasPath("x", 0)))),
            model(kind=(Literal["b"], Field(validation_alias=AliasPath("x", 0)))),
        ],
        None,
        id="path of an alias",
    ),
    pytest.param([Say], "type", id="one message"),
    pytest.param([model(mode=Literal["slow", "fast"])], None, id="option of one message"),
    pytest.param([model(type=Literal["a", "b"])], "type", id="usual name in one message"),
    pytest.param([model(event=Literal["a"])], "event", id="another name in one message"),
]


@pytest.mark.parametrize(("objects", "tag"), TAGS)
def test_tag_is_the_field_that_tells_them_apart(objects: list[Any], tag: str | None) -> None:
    """Every message has the field, with a `Literal` type and no value in common."""
    assert find_tag(objects) == tag


def test_type_that_cannot_be_resolved_has_no_tag() -> None:
    """Compiling the type says what is wrong with it."""

    @dataclasses.dataclass
    class Local:
        type: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - the case # pyright: ignore[reportUndefinedVariable]

    assert find_tag([Local, Say]) is None


def test_model_with_a_forward_reference_has_its_tag() -> None:
    """A forward reference within a model does not hide its tag."""

    class Early(BaseModel):
        type: "Literal['early']"
        late: "Late | None" = None

    class Late(BaseModel): ...

    assert find_tag([Early, Say]) == "type"


@pytest.mark.parametrize(
    ("one", "other", "mark"),
    [
        pytest.param(Say, Leave, None, id="different tags"),
        pytest.param(Say, Say, "Say", id="the same type"),
        pytest.param(list[int], list[int], "list[int]", id="the same list"),
        pytest.param(list[int], list[str], None, id="different lists"),
        pytest.param(Say, model(type=Literal["say"]), "type='say'", id="the same tag"),
        pytest.param(Say, model(type=Literal["x", "say"]), "type='say'", id="one tag of two"),
        pytest.param(Say, model(type=Literal[Kind.SAY]), "type='say'", id="enum of the same value"),
        pytest.param(Say, Plain, None, id="one without a tag"),
        pytest.param(Say, int, None, id="no object"),
        pytest.param(Literal["a"], Literal["b"], None, id="different literals"),
        pytest.param(Literal["a", "b"], Literal["b"], "'b'", id="a literal in common"),
        pytest.param(
            model(type=Literal["a"], version=Literal[1]),
            model(type=Literal["a"], version=Literal[2]),
            None,
            id="another field tells them apart",
        ),
    ],
)
def test_clash(one: Any, other: Any, mark: str | None) -> None:
    """Two types clash if some message is valid for both, and no tag tells them apart."""
    assert clash(one, other) == mark
    if one is not other and mark != "type='say'":
        assert clash(other, one) == mark


def test_union_of_one_is_itself() -> None:
    """A union of one type is that type."""
    assert union_of([int]) is int
    assert union_of([int, str]) == int | str


class Node(BaseModel):
    """A model that is a part of itself."""

    type: Literal["node"]
    children: list["Node"] = []


def test_model_that_is_a_part_of_itself_has_its_tag() -> None:
    """Pydantic refers to it by a name within its schema."""
    assert find_tag([Node, Say]) == "type"
    assert find_tag([Say, Node]) == "type"
