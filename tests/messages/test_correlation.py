"""The id that ties an answer to its message: what is read, and what is sent back."""

import dataclasses
import enum
import json
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Literal, NotRequired, Required, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    SecretStr,
    StringConstraints,
    computed_field,
    field_serializer,
    field_validator,
)
from typing_extensions import TypedDict

from tests.some_messages import Said, Say
from wsendpoints import ConfigurationError
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.correlation import MAX_ID_LENGTH, Correlation, bounded
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.outbound import Outbound

T = TypeVar("T")

MOST = 10**MAX_ID_LENGTH - 1

BOUNDED: list[Any] = ["", "5", "a" * 128, '"', "\\", "ä", "\U0001f600", "\0", 0, 5, -5, MOST, -MOST]
UNBOUNDED: list[Any] = [
    *(None, True, False, 1.0, 5.5, -0.0, math.inf, math.nan),
    *([], ["5"], {}, {"id": "5"}, "a" * 129, MOST + 1, -MOST - 1, 10**4000),
]


def made(
    inbound: Sequence[Any] = (), outbound: Sequence[Any] = (), field: object = "id"
) -> Correlation:
    """Return that of a class whose encoding is JSON."""
    return Correlation(field, inbound, outbound, CODECS["json"].value_of, "Chat")


def decoded(annotation: Any, frame: str | bytes) -> Any:
    """Return the message that a frame holds."""
    inbound = Inbound(annotation, CODECS["json"], "Chat")
    return inbound.decode_text(frame) if isinstance(frame, str) else inbound.decode_binary(frame)


def written(answer: Any, outbound: Sequence[Any] = ()) -> Any:
    """Return what a client reads of an answer, which is written without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        event = Outbound(outbound, CODECS["json"], "Chat").encode(answer)
    return json.loads(event["text"])


# Which values are sent back.


@pytest.mark.parametrize("value", BOUNDED, ids=lambda it: repr(it)[:20])
def test_value_that_is_bounded_is_an_id(value: Any) -> None:
    """A text of 128 characters, or a number of 128 digits, at most."""
    assert bounded(value) is value


@pytest.mark.parametrize("value", UNBOUNDED, ids=lambda it: repr(it)[:20])
def test_value_that_is_not_bounded_is_no_id(value: Any) -> None:
    """A client can't have the server send back what it likes."""
    assert bounded(value) is None


# What came.


class Free(BaseModel):
    """Takes any id."""

    id: Any = None


class Text(BaseModel):
    """Takes texts."""

    model_config = ConfigDict(str_strip_whitespace=True, coerce_numbers_to_str=True)
    id: str = ""
    other: str = ""


class Number(BaseModel):
    """Takes numbers, and texts of them."""

    id: int = 0


class Chosen(BaseModel):
    """Takes ids in two places."""

    id: str = Field(default="", validation_alias=AliasChoices("key", "id"))
    key: str = ""


class Changed(BaseModel):
    """Changes ids."""

    id: str = ""

    @field_validator("id")
    @classmethod
    def change(cls, value: str) -> str:
        """Change it."""
        return value.upper()


class Strict(BaseModel):
    """Takes no other fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: UUID


class Color(enum.StrEnum):
    """Values that are texts."""

    RED = "red"


class Colored(TypedDict, total=False):
    """Is a dict."""

    id: Required[Color]


class Listed(RootModel[list[int] | Free]):
    """Holds the message."""


class Ratio(BaseModel):
    """May have what JSON has not."""

    id: str
    ratio: float


UPPER = "9F1C3A52-8A55-4B44-8B07-2F2B0C8D4F11"


@pytest.mark.parametrize("as_bytes", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(
    ("annotation", "frame", "id_"),
    [
        pytest.param(Free, '{"id": "5"}', "5", id="text"),
        pytest.param(Free, '{"id": 5}', 5, id="number"),
        pytest.param(Free, r'{"id": "\u0061\n"}', "a\n", id="escaped"),
        pytest.param(Free, '{"id": "a", "id": "b"}', "b", id="twice"),
        pytest.param(Free, "{}", None, id="none"),
        pytest.param(Text, '{"id": " a ", "other": "a"}', " a ", id="stripped"),
        pytest.param(Text, '{"id": 5, "other": "5"}', 5, id="number as text"),
        pytest.param(Number, '{"id": "5"}', "5", id="text as number"),
        pytest.param(Number, '{"id": 5.0}', None, id="float as number"),
        pytest.param(Number, '{"id": true}', None, id="bool as number"),
        pytest.param(Chosen, '{"key": "a", "id": "b"}', "b", id="read from elsewhere"),
        pytest.param(Changed, '{"id": "a"}', "a", id="validator"),
        pytest.param(Strict, f'{{"id": "{UPPER}"}}', UPPER, id="UUID"),
        pytest.param(Colored, '{"id": "red"}', "red", id="enum in a TypedDict"),
        pytest.param(Listed, '{"id": "a"}', "a", id="RootModel"),
        pytest.param(Listed, "[1]", None, id="no object"),
        pytest.param(Ratio, '{"id": "a", "ratio": NaN}', "a", id="NaN"),
        pytest.param(Free | Say, '{"type": "say", "id": "a"}', "a", id="beside others"),
        pytest.param(Any, '{"id": "a"}', "a", id="anything"),
        pytest.param(Any, '[{"id": "a"}]', None, id="a list"),
        pytest.param(dict[str, int], '{"id": "5"}', "5", id="dict"),
    ],
)
def test_id_is_what_the_client_sent(annotation: Any, frame: str, id_: Any, as_bytes: bool) -> None:
    """And not what became of it: the client looks for the value that it knows."""
    sent = frame.encode() if as_bytes else frame
    union = [] if annotation is Any else Inbound(annotation, CODECS["json"], "Chat").messages
    found = made(union).id_of(decoded(annotation, sent), sent)
    assert (found, type(found)) == (id_, type(id_))


def test_binary_frame_has_no_id() -> None:
    """Where such a frame is a message, it is not read as JSON."""
    assert made([Free]).id_of(b'{"id": "a"}', b'{"id": "a"}') is None
    assert made().id_of(b'{"id": "a"}', b'{"id": "a"}') is None


@pytest.mark.parametrize("value", [*BOUNDED, *UNBOUNDED], ids=lambda it: repr(it)[:20])
def test_only_what_is_bounded_is_taken_from_a_frame(value: Any) -> None:
    """Whatever else a hostile client writes is no id, and no error."""
    frame = json.dumps({"id": value})
    expected = bounded(value)
    try:
        message = decoded(Free, frame)
    except pydantic.ValidationError:
        assert value == 10**4000
        return
    found = made([Free]).id_of(message, frame)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "value", [None, 5, "id", [], ["id"], [{"id": "a"}], {}, {"ID": "a"}, {"id": {"id": "a"}}]
)
def test_value_without_the_field_has_no_id(value: Any) -> None:
    """It may be anything that JSON has."""
    assert made().id_of_value(value) is None


# What goes out.


class Reply(BaseModel):
    """Has an id."""

    id: str | int | None = None
    text: str = ""


class Locked(Reply):
    """Can't be changed, and is more than its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_assignment=True)
    _secret: str = PrivateAttr(default="s")

    @computed_field
    def both(self) -> str:
        """Return what is made of a field."""
        return f"{self.id}{self.text}"


class Default(BaseModel):
    """Has an id by default."""

    id: str | int = Field(default_factory=lambda: "default")


class Aliased(BaseModel):
    """Has it under another name."""

    request: str | int | None = Field(default=None, alias="id")


class Serialized(BaseModel):
    """Has it under another name where it is written."""

    id: str = Field(default="own", serialization_alias="message")
    request: str | int | None = Field(default=None, serialization_alias="id")


class Made(BaseModel):
    """Has aliases that are made."""

    model_config = ConfigDict(alias_generator=str.lower)
    ID: str | int | None = None


class Of(BaseModel, Generic[T]):
    """Is generic."""

    id: T | None = None


@dataclasses.dataclass
class Data:
    """Is a dataclass."""

    text: str = ""
    id: str | int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    """Can't be changed, and calls it otherwise."""

    request: Annotated[str | int, Field(alias="id")] = ""


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(validate_assignment=True))
class Validated:
    """Is a dataclass of pydantic's."""

    id: str | int = ""


class Plain(TypedDict):
    """Is a dict without an id."""

    text: str


class Typed(TypedDict, total=False):
    """Is a dict that has one."""

    id: str | int
    text: str


class Needing(TypedDict, total=False):
    """Is a dict that must have one."""

    id: Required[str | int]
    text: str


class AliasedDict(TypedDict):
    """Is a dict that calls it otherwise."""

    request: NotRequired[Annotated[str | int, Field(alias="id")]]


class Wrapped(RootModel[Reply | Said]):
    """Holds the answer."""


PAIR: list[Any] = [Plain, Said]
UNION: list[Any] = [Said, Typed, Reply]

REPLIES: list[Any] = [
    pytest.param(lambda: Reply(text="x"), [Reply], id="model"),
    pytest.param(Locked, [Locked], id="frozen model"),
    pytest.param(Locked, [Reply], id="subclass"),
    pytest.param(Default, [Default], id="default"),
    pytest.param(Aliased, [Aliased, Said], id="alias"),
    pytest.param(Serialized, [Serialized], id="serialization alias"),
    pytest.param(Made, [Made], id="alias generator"),
    pytest.param(lambda: Of[str | int](), [Of[str | int]], id="generic"),
    pytest.param(Data, [Data], id="dataclass"),
    pytest.param(Frozen, [Frozen], id="frozen dataclass"),
    pytest.param(Validated, [Validated], id="pydantic's dataclass"),
    pytest.param(lambda: {"text": "x"}, [Typed], id="TypedDict"),
    pytest.param(lambda: {"text": "x"}, UNION, id="TypedDict in a union"),
    pytest.param(dict, [AliasedDict], id="TypedDict with an alias"),
    pytest.param(dict, [dict], id="dict"),
    pytest.param(lambda: {"x": "y"}, [dict[str, str | int]], id="typed dict"),
    pytest.param(lambda: Wrapped(Reply(text="x")), [Wrapped], id="RootModel"),
]


def fills(id_: Any, make: Callable[[], Any], outbound: Sequence[Any]) -> Any:
    """Return what the client reads in the field of an answer, which itself stays as it is."""
    answer, untouched = make(), make()
    correlation = made(outbound=outbound)
    filled = correlation.fill(answer, id_)
    assert answer == untouched
    assert filled.__class__ is answer.__class__
    assert getattr(answer, "model_fields_set", None) == getattr(untouched, "model_fields_set", None)
    sent, unfilled = written(filled, outbound), written(answer, outbound)
    for computed in (sent, unfilled):
        computed.pop("both", None)
    found, own = sent.pop("id", None), unfilled.pop("id", None)
    assert sent == unfilled
    # An answer that has the id already is not changed again.
    assert correlation.fill(filled, "other") is filled or found == own
    return found if filled is not answer else None


@pytest.mark.parametrize("id_", BOUNDED, ids=lambda it: repr(it)[:20])
@pytest.mark.parametrize(("make", "outbound"), REPLIES)
def test_answer_has_the_very_id(id_: Any, make: Callable[[], Any], outbound: list[Any]) -> None:
    """Of the same type too, and nothing else of it is changed, nor the answer itself."""
    found = fills(id_, make, outbound)
    assert (found, type(found)) == (id_, type(id_))


@pytest.mark.parametrize(("make", "outbound"), REPLIES)
def test_answer_to_what_has_no_id_stays(make: Callable[[], Any], outbound: list[Any]) -> None:
    """It is the same object."""
    answer = make()
    assert made(outbound=outbound).fill(answer, None) is answer


@pytest.mark.parametrize(
    ("answer", "outbound"),
    [
        pytest.param(Reply(id="own"), [Reply], id="model"),
        pytest.param(Reply(id=None), [Reply], id="None in a model"),
        pytest.param(Default(id="default"), [Default], id="what is the default, in a model"),
        pytest.param(Aliased(id="own"), [Aliased], id="alias"),
        pytest.param(Data(id="own"), [Data], id="dataclass"),
        pytest.param(Frozen(0), [Frozen], id="frozen dataclass"),
        pytest.param({"id": "own"}, [Typed], id="TypedDict"),
        pytest.param({"id": "own"}, [], id="dict of anything"),
        pytest.param({"id": None}, [], id="None in a dict"),
        pytest.param({"request": "own"}, [AliasedDict], id="TypedDict with an alias"),
        pytest.param(Wrapped(Reply(id="own")), [Wrapped], id="RootModel"),
    ],
)
def test_answer_keeps_an_id_of_its_own(answer: Any, outbound: list[Any]) -> None:
    """What the application sets is sent."""
    assert made(outbound=outbound).fill(answer, "a") is answer


@pytest.mark.parametrize(
    ("answer", "outbound"),
    [
        pytest.param(Said(), [*PAIR[1:], Reply], id="model"),
        pytest.param({"text": "x"}, PAIR, id="TypedDict"),
        pytest.param({"x": 5}, [dict[str, int]], id="dict of other values"),
        pytest.param({"x": 5}, [Said], id="dict that is not declared"),
        pytest.param(Wrapped(Said()), [Wrapped], id="RootModel"),
        pytest.param(RootModel[int](5), [], id="RootModel of a number"),
        *(pytest.param(it, [], id=repr(it)) for it in ("a", b"a", 5, 1.5, True, [], ["id"])),
    ],
)
def test_answer_without_the_field_stays(answer: Any, outbound: list[Any]) -> None:
    """Nothing is sent that is not declared."""
    assert made(outbound=outbound).fill(answer, "a") is answer


def test_dict_of_anything_gets_the_id() -> None:
    """It may have any field; it is copied, since it may be sent to others too."""
    answer = {"text": "x"}
    assert made().fill(answer, 5) == {"text": "x", "id": 5}
    assert answer == {"text": "x"}


def test_dict_that_must_have_an_id_gets_it() -> None:
    """The application leaves it out, and so what it returns is not yet what it declares."""
    filled = made(outbound=[Plain, Needing]).fill({"text": "x"}, "a")
    assert written(filled, [Needing]) == {"text": "x", "id": "a"}


class Tree(BaseModel):
    """Is a part of itself, and has an id of a type that refers to another."""

    id: "str | list[Tree] | None" = None


class Serializing(BaseModel):
    """Writes its id otherwise."""

    id: str = ""

    @field_serializer("id")
    def write(self, value: str) -> str:
        """Write it."""
        return f"id {value}"


class Raising(BaseModel):
    """Refuses some ids."""

    id: str = ""

    @field_validator("id")
    @classmethod
    def check(cls, value: str) -> str:
        """Refuse it."""
        raise ValueError(value)


def with_id(annotation: Any) -> Callable[[], Any]:
    """Return what makes an answer whose id has a type."""
    return pydantic.create_model("Reply", id=(annotation, None))


UUID_TEXT = UPPER.lower()


@pytest.mark.parametrize(
    ("make", "id_", "sent"),
    [
        pytest.param(with_id(str), "5", "5", id="str"),
        pytest.param(with_id(str), 5, None, id="number for a str"),
        pytest.param(with_id(int), 5, 5, id="int"),
        pytest.param(with_id(int), "5", None, id="text for an int"),
        pytest.param(with_id(int), MOST, MOST, id="large int"),
        pytest.param(with_id(float), 5, None, id="int for a float"),
        pytest.param(with_id(bool), 1, None, id="int for a bool"),
        pytest.param(with_id(UUID), UUID_TEXT, UUID_TEXT, id="UUID"),
        pytest.param(with_id(UUID), UPPER, None, id="UUID that would be written otherwise"),
        pytest.param(with_id(UUID), "a", None, id="no UUID"),
        pytest.param(with_id(Color), "red", "red", id="enum"),
        pytest.param(with_id(Color), "blue", None, id="no member of an enum"),
        pytest.param(with_id(Literal["a", 5]), 5, 5, id="Literal"),
        pytest.param(with_id(Literal["a", 5]), "5", None, id="no Literal"),
        pytest.param(with_id(SecretStr), "a", None, id="secret"),
        pytest.param(
            with_id(Annotated[str, StringConstraints(to_lower=True)]), "a", "a", id="lower"
        ),
        pytest.param(
            with_id(Annotated[str, StringConstraints(to_lower=True)]), "A", None, id="upper"
        ),
        pytest.param(
            with_id(Annotated[str, StringConstraints(max_length=3)]), "long", None, id="too long"
        ),
        pytest.param(with_id(list[int] | None), "a", None, id="list"),
        pytest.param(Tree, "a", "a", id="recursive"),
        pytest.param(Changed, "A", "A", id="validator that changes nothing"),
        pytest.param(Changed, "a", None, id="validator"),
        pytest.param(Raising, "a", None, id="validator that refuses"),
        pytest.param(Serializing, "a", None, id="serializer"),
    ],
)
def test_id_that_the_field_would_change_is_left_out(
    make: Callable[[], Any], id_: Any, sent: Any
) -> None:
    """The client would not know it; and no type is broken, which pydantic would warn of."""
    found = fills(id_, make, [])
    assert (found, type(found)) == (sent, type(sent))


class Struct(msgspec.Struct):
    """Is none of pydantic's."""

    text: str
    id: str | int | None = None


class FrozenStruct(msgspec.Struct, frozen=True, rename={"request": "id"}):
    """Can't be changed, and calls it otherwise."""

    request: str | int = ""


@pytest.mark.parametrize(
    ("make", "name"),
    [(lambda: Struct("x"), "id"), (FrozenStruct, "request")],
    ids=["Struct", "frozen"],
)
def test_struct_has_the_id(make: Callable[[], Any], name: str) -> None:
    """As a dataclass has it."""
    answer = make()
    filled = made().fill(answer, 5)
    assert (getattr(filled, name), type(filled)) == (5, type(answer))
    assert answer == make()
    assert made().fill(filled, "other") is filled


# What the application itself has in the field.


@pytest.mark.parametrize(
    ("question", "outbound", "own"),
    [
        (Reply(id="a"), [Reply], "a"),
        (Reply(), [Reply], None),
        (Said(), [Said], None),
        (Aliased(id=5), [Aliased], 5),
        (Serialized(request=5), [Serialized], 5),
        (Data(id="a"), [Data], "a"),
        (Wrapped(Reply(id="a")), [Wrapped], "a"),
        ({"id": "a"}, [Typed], "a"),
        ({"request": 5}, [AliasedDict], 5),
        ({}, [AliasedDict], None),
        ({"id": 5}, [], 5),
        ("id", [], None),
    ],
)
def test_own_id_is_read(question: Any, outbound: list[Any], own: Any) -> None:
    """By its name in JSON, as it will be written."""
    assert made(outbound=outbound).read_own(question) == own


# The whole of it.

IDS = st.one_of(
    st.text(max_size=140),
    st.integers(),
    st.integers(min_value=-(10**130), max_value=10**130),
    st.none(),
    st.booleans(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@settings(deadline=None)
@given(id_=IDS, has_id=st.booleans(), own=st.none() | st.text(max_size=3), data=st.data())
def test_answer_has_the_id_if_the_message_has_one(
    id_: Any, has_id: bool, own: str | None, data: st.DataObject
) -> None:
    """That is bounded, and if the answer has the field, and leaves it unset; so have errors."""
    frame = json.dumps({"id": id_} if has_id else {"other": id_})
    message = decoded(Free, frame)
    correlation = made([Free])
    expected = bounded(json.loads(frame).get("id"))
    answered = correlation.id_of(message, frame)
    assert (answered, type(answered)) == (expected, type(expected))
    make, outbound = data.draw(st.sampled_from([it.values for it in REPLIES]))
    assert fills(answered, make, outbound) == expected
    kept = Reply() if own is None else Reply(id=own)
    assert correlation.fill(kept, answered).id == (expected if own is None else own)
    assert correlation.id_of_value(json.loads(frame)) == expected


# Mistakes.


@pytest.mark.parametrize("field", [None, "", 5, b"id", ["id"]], ids=repr)
def test_field_that_is_no_name_is_an_error(field: object) -> None:
    """The error says what to write."""
    with pytest.raises(ConfigurationError) as caught:
        made(field=field)
    assert str(caught.value) == (
        f"Chat.correlation_id is {field!r}: use the name of the field that a message and its "
        'answers have in common, such as "id"'
    )


@pytest.mark.parametrize(
    "inbound", [[Say], [Say, Plain], [str], [list[Free], int], [Data, Made, Aliased]]
)
def test_field_that_no_message_has_is_an_error(inbound: list[Any]) -> None:
    """Nothing would ever be sent back."""
    with pytest.raises(ConfigurationError) as caught:
        made(inbound, field="request_id")
    assert str(caught.value) == (
        "Chat.correlation_id is 'request_id', but no message that it takes has such a field: add "
        "`request_id: str | None = None` to those that are answered"
    )


@pytest.mark.parametrize("inbound", [[], [Free], [Say, Free], [dict, Say]])
def test_one_message_with_the_field_is_enough(inbound: list[Any]) -> None:
    """The others are answered without an id."""
    assert made(inbound).field == "id"
