"""A union has a tag only where that is what pydantic makes of it, and as it was written."""

import dataclasses
import enum
from typing import Annotated, Any, Literal, TypeAlias

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    field_validator,
    model_validator,
)
from typing_extensions import TypeAliasType, TypedDict

from tests.some_messages import Leave, Plain, Say
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.tags import (
    clash,
    find_tag,
    grouped,
    members,
    objects_in,
    untagged,
    values_of,
)
from wsendpoints.messages.unions import name_of
from wsendpoints.protocol.exceptions import ConfigurationWarning
from wsendpoints.testing import connect


def lower(value: Any) -> Any:
    """Change what the client wrote."""
    return value.lower() if isinstance(value, str) else value


def with_lower_type(value: Any) -> Any:
    """Change the tag in what the client wrote."""
    match value:
        case {"type": tag}:
            return {**value, "type": lower(tag)}
        case _:
            return value


class BeforeField(BaseModel):
    """Its tag is changed first."""

    type: Literal["changed"]

    @field_validator("type", mode="before")
    @classmethod
    def change(cls, value: Any) -> Any:
        """Change it."""
        return lower(value)


class WrapField(BaseModel):
    """Its tag is changed first."""

    type: Literal["changed"]

    @field_validator("type", mode="wrap")
    @classmethod
    def change(cls, value: Any, handler: Any) -> Any:
        """Change it."""
        return handler(lower(value))


class BeforeModel(BaseModel):
    """It is changed first as a whole."""

    type: Literal["changed"]

    @model_validator(mode="before")
    @classmethod
    def change(cls, value: Any) -> Any:
        """Change it."""
        return with_lower_type(value)


class WrapModel(BaseModel):
    """It is changed first as a whole."""

    type: Literal["changed"]

    @model_validator(mode="wrap")
    @classmethod
    def change(cls, value: Any, handler: Any) -> Any:
        """Change it."""
        return handler(with_lower_type(value))


class OwnInit(BaseModel):
    """It is changed by its own `__init__`."""

    type: Literal["changed"]

    def __init__(self, **data: Any) -> None:
        super().__init__(**with_lower_type(data))


class InAnnotation(BaseModel):
    """Its tag is changed by its type."""

    type: Annotated[Literal["changed"], BeforeValidator(lower)]


class WrapInAnnotation(BaseModel):
    """Its tag is changed by its type."""

    type: Annotated[Literal["changed"], WrapValidator(lambda value, handler: handler(lower(value)))]


class PlainInAnnotation(BaseModel):
    """Its tag is taken from anything."""

    type: Annotated[Literal["changed"], PlainValidator(lower)]


class BeforeDict(TypedDict):
    """Its tag is changed by its type."""

    type: Annotated[Literal["changed"], BeforeValidator(lower)]


@dataclasses.dataclass
class BeforeDataclass:
    """Its tag is changed by its type."""

    type: Annotated[Literal["changed"], BeforeValidator(lower)]


class Same(BaseModel):
    """Would be changed, if something changed it."""

    type: Literal["changed"]


CHANGING: list[Any] = [
    pytest.param(it, id=name_of(it))
    for it in (
        BeforeField,
        WrapField,
        BeforeModel,
        WrapModel,
        OwnInit,
        InAnnotation,
        WrapInAnnotation,
        PlainInAnnotation,
        BeforeDict,
        BeforeDataclass,
        Annotated[Same, BeforeValidator(with_lower_type)],
    )
]


@pytest.mark.parametrize("member", CHANGING)
def test_tag_that_a_validator_may_change_tells_nothing_apart(member: Any) -> None:
    """The message that it is changed in is valid, as it is to pydantic; and the class warns."""
    assert find_tag([member, Leave]) is None
    with pytest.warns(ConfigurationWarning) as caught:
        inbound = Inbound(member | Leave, CODECS["json"], "Chat")
    name = name_of(member)
    assert str(caught[0].message) == (
        f"Chat: a validator of {name} may change the tag before it is read, so that each message "
        f'is tried against {name}, Leave, whatever its tag: make it one of mode "after", or write '
        "the union with `Field(discriminator=...)`, which reads the tag first"
    )
    message = inbound.decode_text('{"type":"CHANGED"}')
    assert message == TypeAdapter[Any](member).validate_python({"type": "CHANGED"})


class Checked(BaseModel):
    """Has validators of which none can change what the client wrote."""

    type: Annotated[Literal["checked"], AfterValidator(lambda it: it), Field(description="x")]
    other: int = 0

    @field_validator("type", mode="after")
    @classmethod
    def check(cls, value: Any) -> Any:
        """Look at it."""
        return value

    @field_validator("other", mode="before")
    @classmethod
    def change(cls, value: Any) -> Any:
        """Change something else."""
        return value

    @model_validator(mode="after")
    def check_all(self) -> "Checked":
        """Look at all of it."""
        return self


def test_tag_with_later_validators_tells_messages_apart() -> None:
    """So do validators of other fields, and an `Annotated` message."""
    assert find_tag([Checked, Leave]) == "type"
    assert find_tag([Annotated[Checked, AfterValidator(lambda it: it)], Leave]) == "type"


# What the user wrote.


class Black(BaseModel):
    """One of two of a kind."""

    kind: Literal["cat"]
    colour: Literal["black"]
    lives: int


class White(BaseModel):
    """The other."""

    kind: Literal["cat"]
    colour: Literal["white"]
    lives: int


class Dog(BaseModel):
    """Another kind."""

    kind: Literal["dog"]
    bark: int


class ByType(BaseModel):
    """Has two tags."""

    type: Literal["a"]
    op: Literal[1] = 1


class AlsoByType(BaseModel):
    """Has both too."""

    type: Literal["b"]
    op: Literal[2] = 2


Cat: TypeAlias = Annotated[Black | White, Field(discriminator="colour")]
Pet: TypeAlias = Annotated[Cat | Dog, Field(discriminator="kind")]
ByOp: TypeAlias = Annotated[ByType | AlsoByType, Field(discriminator="op")]
ByFunction: TypeAlias = Annotated[
    Annotated[Say, Tag("s")] | Annotated[Leave, Tag("l")],
    Discriminator(lambda it: "s" if "text" in it else "l"),
]
ByBefore: TypeAlias = Annotated[BeforeModel | Leave, Field(discriminator="type")]


def kinds_of(annotation: Any, text: str) -> list[Any]:
    """Return the kinds of errors that a client is told of; none if the message is valid."""
    inbound = Inbound(annotation, CODECS["json"], "Chat")
    try:
        inbound.decode_text(text)
    except ValidationError as exc:
        error: Any = CODECS["json"].client_error(exc, inbound.places, text)
        return [it["type"] for it in error.errors]
    return []


def kinds_of_pydantic(annotation: Any, text: str) -> list[Any]:
    """Return those of pydantic's adapter."""
    try:
        TypeAdapter[Any](annotation).validate_json(text)
    except ValidationError as exc:
        return [it["type"] for it in exc.errors()]
    return []


Alias = TypeAliasType("Alias", Pet)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        pytest.param(Pet, '{"kind":"?"}', id="nested, outer tag"),
        pytest.param(Pet, '{"kind":"cat","colour":"?"}', id="nested, inner tag"),
        pytest.param(Pet, '{"kind":"cat","colour":"black"}', id="nested, field"),
        pytest.param(Pet, '{"kind":"dog"}', id="nested, beside"),
        pytest.param(Cat, '{"colour":"?"}', id="own tag"),
        pytest.param(Annotated[Cat, "x"], '{"colour":"?"}', id="annotated again"),
        pytest.param(Alias, '{"kind":"?"}', id="alias"),
        pytest.param(ByOp, '{"type":"a","op":"?"}', id="not the tag that we would choose"),
        pytest.param(ByFunction, '{"text":5}', id="function"),
        pytest.param(ByBefore, '{"type":"CHANGED"}', id="tag that a validator may change"),
    ],
)
def test_discriminator_keeps_its_meaning_and_its_nesting(annotation: Any, text: str) -> None:
    """The same messages are valid, and an invalid one has one error."""
    kinds = kinds_of(annotation, text)
    assert kinds == kinds_of_pydantic(annotation, text)
    assert len(kinds) == 1


def test_union_that_is_written_as_we_would_write_it_is_flattened() -> None:
    """Its members and others have one tag in common."""
    assert members(Cat) == [Black, White]
    assert members(Annotated[Say | Leave, Field(discriminator="type")] | ByType) == [
        Say,
        Leave,
        ByType,
    ]
    assert members(Pet | int) == [Pet, int]
    assert members(ByOp) == [ByOp]


class OneByAlias(BaseModel):
    """Has a tag with an alias."""

    kind: Literal["one", 1] = Field(alias="@kind")


class TwoByAlias(BaseModel):
    """Has it too."""

    kind: Literal["two"] = Field(alias="@kind")


ByAlias: TypeAlias = Annotated[OneByAlias | TwoByAlias, Field(discriminator="kind")]


def test_discriminator_with_an_alias_is_left_as_it_is() -> None:
    """Pydantic reads it otherwise than its field; its name is known all the same."""
    assert members(ByAlias) == [ByAlias]
    assert members(OneByAlias | TwoByAlias) == [OneByAlias, TwoByAlias]
    inbound = Inbound(ByAlias, CODECS["json"], "Chat")
    assert (inbound.messages, inbound.tag) == ([ByAlias], "@kind")
    assert kinds_of(ByAlias, '{"kind":"two","@kind":"one"}') == ["literal_error"]


def test_objects_in_unions_with_discriminators_are_found() -> None:
    """Of all depths; those that a function chooses are not."""
    found = objects_in([Alias, int, ByFunction, Annotated[Dog, "x"], Plain])
    assert found == [Black, White, Dog, Annotated[Dog, "x"], Plain]


def test_values_of_a_tag() -> None:
    """They are those that clients write."""
    ((field, _),) = grouped([OneByAlias, TwoByAlias])[0]
    assert (field.name, field.alias) == ("kind", "@kind")
    assert values_of(OneByAlias, field) == ["one", 1]


class Join(BaseModel):
    """Has a tag of another name than `Say`."""

    op: Literal["join"]
    room: int


class Part(BaseModel):
    """Has it too."""

    op: Literal["part"]
    room: int


def test_groups_with_tags_of_different_names_have_an_error_for_each_group() -> None:
    """Not one for each message; and nothing is to be warned of."""
    inbound = Inbound(Say | Join | Leave | Part, CODECS["json"], "Chat")
    assert inbound.tag is None
    assert inbound.decode_text('{"op":"part","room":1}') == Part(op="part", room=1)
    assert kinds_of(Say | Join | Leave | Part, '{"op":"part"}') == [
        "union_tag_not_found",
        "missing",
    ]
    assert untagged([Say, Join, Leave, Part, Plain]) == [Plain]


@pytest.mark.anyio
async def test_handler_takes_a_nested_union() -> None:
    """Beside others."""

    class Zoo(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def pet(self, websocket: WebSocket, data: Pet) -> str:
            return type(data).__name__

        @handles
        async def leave(self, websocket: WebSocket, data: Leave) -> str:
            return "left"

    async with connect(Zoo.as_asgi()) as client:
        await client.send_json({"kind": "cat", "colour": "white", "lives": 9})
        assert await client.receive_json() == "White"
        await client.send_json({"type": "leave"})
        assert await client.receive_json() == "left"


# Constants, and what is no tag.


class Add(BaseModel):
    """A call."""

    jsonrpc: Literal["2.0"]
    a: int


class Negate(BaseModel):
    """Another one, which only its fields tell apart."""

    jsonrpc: Literal["2.0"]
    b: int


class Notify(BaseModel):
    """A call with a version of its own."""

    jsonrpc: Literal["1.0"]


def test_constant_of_all_messages_clashes_with_nothing() -> None:
    """A version of a protocol is no tag."""
    assert clash(Add, Negate) == "jsonrpc='2.0'"
    assert clash(Add, Negate, [Add, Negate, int]) == "jsonrpc='2.0'"
    assert clash(Add, Negate, [Add, Negate, Notify]) == "jsonrpc='2.0'"
    assert clash(Add, Negate, [Add, Negate]) is None
    assert clash(Say, Same, [Say, Same]) is None


class Kind(enum.Enum):
    """No text."""

    SAY = "say"
    LEAVE = "leave"


class PlainSay(BaseModel):
    """Its tag is of that type."""

    kind: Literal[Kind.SAY]


class PlainLeave(BaseModel):
    """So is its."""

    kind: Literal[Kind.LEAVE] = Kind.LEAVE


@pytest.mark.parametrize("annotation", [PlainSay, PlainSay | PlainLeave, PlainSay | Say])
def test_tag_of_a_plain_enum_is_an_error(annotation: Any) -> None:
    """No JSON text has such a value."""
    if annotation == PlainSay | Say:
        with pytest.warns(ConfigurationWarning, match="nothing tells PlainSay, Say apart"):
            Inbound(annotation, CODECS["json"], "Chat")
        return
    with pytest.raises(ConfigurationError) as caught:
        Inbound(annotation, CODECS["json"], "Chat")
    assert str(caught.value) == (
        "Chat: the tag 'kind' of PlainSay is Kind.SAY, and no JSON text has a member of Kind, "
        "which is a plain Enum: make Kind a StrEnum"
    )


class ByName(BaseModel):
    """Has the names of its fields in the places of errors."""

    model_config = ConfigDict(loc_by_alias=False)
    a: int = Field(alias="b")
    b: int = Field(alias="c")


@pytest.mark.parametrize("text", ["{}", '{"b":"x","c":"x"}', '{"b":1,"c":"x"}', '{"c":1}'])
def test_names_of_fields_are_in_the_places_of_errors(text: str) -> None:
    """`loc_by_alias=False` says so, of missing fields too, whatever the aliases of others are."""
    inbound = Inbound(ByName, CODECS["json"], "Chat")
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(ByName).validate_json(text)
    expected = [[*it["loc"]] for it in caught.value.errors()]
    with pytest.raises(ValidationError) as caught:
        inbound.decode_text(text)
    error: Any = CODECS["json"].client_error(caught.value, inbound.places, text)
    assert [it["loc"] for it in error.errors] == expected
