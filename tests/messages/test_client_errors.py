"""What a client is told of an invalid message: where, and how, and nothing that it sent."""

import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import json
import uuid
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Discriminator,
    Field,
    ImportString,
    Json,
    RootModel,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError, to_json

from wsendpoints.messages.client_errors import MAX_ERRORS, error_message, to_client_error
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    InvalidDataError,
    InvalidMessageError,
    UnsupportedDataError,
)

SENT = "Sesame!Open"


class Text(BaseModel):
    """A message with a field that is called like its tag."""

    type: Literal["text"]
    text: str
    count: int = 0


class Items(BaseModel):
    """A message with a nested one of the same kind."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["items"]
    items: dict[str, int] = {}
    several: list[Annotated[Text | int, Field(union_mode="left_to_right")]] = []


Message = Annotated[Text | Items, Field(discriminator="type")]


def failure(annotation: Any, value: Any) -> tuple[ValidationError, str]:
    """Return how the validation of a value as JSON fails, and the JSON."""
    frame = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(ValidationError) as caught:
        TypeAdapter[Any](annotation).validate_json(frame)
    return caught.value, frame


def told(annotation: Any, value: Any) -> InvalidMessageError:
    """Return what the client is told of a value that is not valid."""
    exc, frame = failure(annotation, value)
    error = to_client_error(exc, frame, json=True)
    assert isinstance(error, InvalidMessageError)
    return error


# M14, and M20.
NO_TAGS: list[Any] = [[], {}, 1, None, True, "", "TEXT", "x" * 10_000]
NO_HOOKS = ["_private", ".x", "__init__", "on_disconnect", "__class__"]

MISSING = ("missing", "Field required")
NOT_INT = ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
UNKNOWN = ("union_tag_invalid", "The value of 'type' is none of those expected: 'text', 'items'")
UNTAGGED = ("union_tag_not_found", "Unable to extract tag using discriminator 'type'")
NO_STR = ("string_type", "Input should be a valid string")


@pytest.mark.parametrize(
    ("annotation", "value", "loc", "kind"),
    [
        pytest.param(Message, {"type": "text"}, ["text"], MISSING, id="missing"),
        pytest.param(
            Message,
            {"type": "text", "text": "hi", "count": "x"},
            ["count"],
            NOT_INT,
            id="beside a field that is called like the tag",
        ),
        pytest.param(
            Message, {"type": "text", "text": 1}, ["text"], NO_STR, id="called like the tag"
        ),
        pytest.param(
            Message | int,
            {"type": "text", "text": 1},
            ["text"],
            NO_STR,
            id="called like the tag, in a wider union",
        ),
        pytest.param(
            Message,
            {"type": "items", "items": {"items": "x"}},
            ["items", "items"],
            NOT_INT,
            id="nested under its own name",
        ),
        pytest.param(
            Message,
            {"type": "items", "several": [1, {"type": "text"}]},
            ["several", 1, "text"],
            MISSING,
            id="within an inner union, whose class is left out",
        ),
        pytest.param(
            Message,
            {"type": "items", "several": [1, "x"]},
            ["several", 1],
            ("model_type", "Input should be an object"),
            id="an inner union itself",
        ),
        pytest.param(
            Message,
            {"type": "items", "more": 1},
            ["more"],
            ("extra_forbidden", "Extra inputs are not permitted"),
            id="m15 extra field",
        ),
        pytest.param(
            Message,
            {"type": "items", "k" * 51: 1},
            ["k" * 50],
            ("extra_forbidden", "Extra inputs are not permitted"),
            id="m15 extra field with a long name",
        ),
        pytest.param(dict[int, int], {"x": 1}, ["x"], NOT_INT, id="key"),
        pytest.param(list[int], [0, "x"], [1], NOT_INT, id="list"),
        pytest.param(int, "x", [], NOT_INT, id="the message itself"),
        pytest.param(
            Message, 5, [], ("dict_type", "Input should be an object"), id="no object at all"
        ),
        pytest.param(Message, {}, [], UNTAGGED, id="m14 missing tag"),
        *(
            pytest.param(Message, {"type": tag}, [], UNKNOWN, id=f"m14 m20 tag {tag!r:.20}")
            for tag in [*NO_TAGS, *NO_HOOKS]
        ),
    ],
)
def test_error_says_where_and_what(
    annotation: Any, value: Any, loc: list[str | int], kind: tuple[str, str]
) -> None:
    """The place is a path into the message, without pydantic's names for what it tried."""
    json_value = json.dumps("x") if value == "x" else value
    first = told(annotation, json_value).errors[0]
    assert first == {"loc": loc, "type": kind[0], "msg": kind[1]}


def raising(exc: type[Exception], text: str) -> AfterValidator:
    """Return a validator that raises an exception with the input in its text."""

    def validate(value: Any) -> Any:
        raise exc(text.format(value))

    return AfterValidator(validate)


def raise_custom(value: Any) -> Any:
    """Raise an error of pydantic's, with the input in its text."""
    raise PydanticCustomError("my_error", "no {what}", {"what": value})


def validate_inner(value: Any) -> Any:
    """Raise pydantic's own error in a validator, which names a class."""
    return Text.model_validate(value)


class Colour(enum.StrEnum):
    """An enum, whose name is nobody's business."""

    RED = "red"


def to_colour(value: Any) -> Colour:
    """Let Python's own error through."""
    return Colour(value)


class Range(BaseModel):
    """Has a validator of the whole model."""

    start: str
    end: list[str]

    @model_validator(mode="after")
    def check(self) -> "Range":
        """Quote a value."""
        raise ValueError(f"{self.start} or {self.end[0]} is wrong")


Chosen = Annotated[
    Annotated[Text, Tag("text")] | Annotated[Items, Tag("items")],
    Discriminator(lambda value: value["type"]),
]

QUOTING: list[Any] = [
    pytest.param(Message, {"type": SENT}, UNKNOWN[1], id="tag"),
    pytest.param(
        Chosen,
        {"type": SENT},
        "The value of <lambda>() is none of those expected: 'text', 'items'",
        id="tag of a callable discriminator",
    ),
    pytest.param(
        Annotated[str, raising(ValueError, "bad {}")], SENT, "Value error", id="ValueError"
    ),
    pytest.param(
        Annotated[str, raising(ValueError, "bad {!r}")],
        SENT,
        "Value error",
        id="ValueError with a repr",
    ),
    pytest.param(
        Annotated[int, raising(ValueError, "not {}")], 987654, "Value error", id="a number"
    ),
    pytest.param(
        Annotated[str, raising(AssertionError, "no {}")],
        SENT,
        "Assertion failed",
        id="AssertionError",
    ),
    pytest.param(
        Annotated[str, AfterValidator(raise_custom)], SENT, "Input is not valid", id="custom"
    ),
    pytest.param(
        Annotated[str, raising(ValueError, "{}" + "?" * 200)], "a", "Value error", id="a long text"
    ),
    pytest.param(
        Annotated[str, raising(ValueError, "{}\nand more")], "a", "Value error", id="two lines"
    ),
    pytest.param(
        Annotated[str, AfterValidator(validate_inner)],
        SENT,
        "Input should be an object",
        id="inner model",
    ),
    pytest.param(Range, {"start": SENT, "end": ["x"]}, "Value error", id="in an object"),
    pytest.param(Range, {"start": "x", "end": [SENT]}, "Value error", id="in an array"),
    pytest.param(
        Annotated[Literal["red"], BeforeValidator(to_colour)], SENT, "Value error", id="of Python"
    ),
    pytest.param(
        Annotated[str, Field(pattern="^a$")],
        SENT,
        "String should match pattern '^a$'",
        id="pattern",
    ),
    pytest.param(Colour, SENT, "Input should be 'red'", id="enum"),
    pytest.param(Literal[Colour.RED], SENT, "Input should be 'red'", id="Literal of an enum"),
    pytest.param(ByteSize, f"1 {SENT}", "could not interpret byte unit", id="byte size"),
    pytest.param(ImportString, SENT, "Invalid python path", id="import string"),
    pytest.param(
        AnyUrl,
        SENT,
        "Input should be a valid URL, relative URL without a base",
        id="URL",
    ),
]


@pytest.mark.parametrize(("annotation", "value", "msg"), QUOTING)
def test_m17_text_does_not_quote_the_input(annotation: Any, value: Any, msg: str) -> None:
    """Where pydantic's text holds what the client sent, it is replaced."""
    error = told(annotation, json.dumps(value))
    assert error.errors[0]["msg"] == msg
    assert SENT not in str(error)


@pytest.mark.parametrize(
    "name", ["date", "datetime", "time", "timedelta", "Decimal", "UUID", "IPv4Address", "Fraction"]
)
def test_m17_text_of_a_standard_type_does_not_quote_the_input(name: str) -> None:
    """No type of the standard library is told by a part of what was sent."""
    places = (dt, decimal, uuid, ipaddress, fractions)
    kind = next(getattr(place, name) for place in places if hasattr(place, name))
    for value in ("§§§", "2020-01-01T00:§", "12345678-1234-1234-1234-§"):
        assert "§" not in told(kind, json.dumps(value)).errors[0]["msg"]


@pytest.mark.parametrize(
    ("text", "value", "msg"),
    [
        pytest.param("the name is taken", "Ada", "Value error, the name is taken", id="other"),
        pytest.param("at least 18", 17, "Value error, at least 18", id="a number"),
        pytest.param("a or b", "a", "Value error, a or b", id="by chance"),
        pytest.param("start comes first", True, "Value error, start comes first", id="a bool"),
    ],
)
def test_text_of_a_validator_without_the_input_is_shown(text: str, value: Any, msg: str) -> None:
    """What an application's validators say is for the client."""
    annotation = Annotated[Any, raising(ValueError, text)]
    assert told(annotation, json.dumps(value)).errors[0]["msg"] == msg


def test_long_text_is_cut() -> None:
    """An enum of a thousand values does not fill the error message."""
    annotation = Literal[tuple(f"value{number}" for number in range(1000))]  # type: ignore[valid-type]  # made at run time
    msg = told(annotation, json.dumps("x")).errors[0]["msg"]
    assert msg.startswith("Input should be 'value0', 'value1'")
    assert len(msg) == 201
    assert msg.endswith("…")


def test_m17_error_holds_nothing_else() -> None:
    """An error is its place, its kind and its text: no input, URL or context."""
    error = told(list[Annotated[int, Field(gt=5)]], [1])
    assert error.errors == [
        {"loc": [0], "type": "greater_than", "msg": "Input should be greater than 5"}
    ]


@pytest.mark.parametrize(("number", "more"), [(1, 0), (10, 0), (11, 1), (100_000, 99_990)])
def test_m16_at_most_ten_errors_are_told(number: int, more: int) -> None:
    """The number of those left out is told as well."""
    error = told(list[int], ["x"] * number)
    assert len(error.errors) == min(number, MAX_ERRORS)
    assert error.more == more
    assert error.errors[-1]["loc"] == [min(number, MAX_ERRORS) - 1]


class Tree(RootModel[dict[str, "Tree | int"]]):
    """Nests as deep as JSON may."""


@pytest.mark.parametrize(
    ("depth", "told_of"),
    [
        pytest.param(1, 10, id="all fit"),
        pytest.param(30, 1, id="some"),
        pytest.param(90, 0, id="none"),
    ],
)
def test_m16_error_message_stays_below_4_kib(depth: int, told_of: int) -> None:
    """However long the paths are: errors that do not fit are counted."""
    key = "é" * 50
    value: Any = {f"{number}": "x" for number in range(10)}
    for _ in range(depth):
        value = {key: value}
    error = told(Tree, value)
    assert len(to_json(error_message(error, "type"))) < 4096
    assert len(error.errors) >= told_of
    assert (len(error.errors) == 0) is (told_of == 0)
    assert len(error.errors) + error.more == failure(Tree, value)[0].error_count()


@pytest.mark.parametrize(
    "frame",
    ["", "{", "[" * 100_000, "1" * 1_000_000, '"\\ud800"', '"\ud800"', "\ufeff1", "1 2", "\x00"],
    ids=lambda frame: repr(frame[:8]),
)
@pytest.mark.parametrize("annotation", [Message, int, str, Any, list[Any]], ids=str)
def test_what_is_not_json_is_invalid_data_for_every_type(annotation: Any, frame: str) -> None:
    """It closes with 1007, whatever was expected."""
    exc, _ = failure(annotation, frame)
    error = to_client_error(exc, frame, json=True)
    assert isinstance(error, InvalidDataError)
    assert error.detail == "not valid JSON"


def test_json_within_a_field_that_is_not_json_is_an_invalid_message() -> None:
    """The frame itself was JSON."""

    class Model(BaseModel):
        field: Json[Any]

    assert told(Model, {"field": "{"}).errors[0]["loc"] == ["field"]


@pytest.mark.parametrize("frame", ["x", b"x", "\ud800"], ids=repr)
def test_frame_that_is_no_json_has_no_places(frame: str | bytes) -> None:
    """A text or bytes that the annotation refuses is wrong as a whole."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Annotated[int, "a number"]).validate_python(frame)
    error = to_client_error(caught.value, frame, json=False)
    assert isinstance(error, InvalidMessageError)
    assert error.errors[0]["loc"] == []


ERRORS = told(list[int], ["x"]).errors


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(
            InvalidMessageError(ERRORS),
            {"kind": "error", "code": "invalid_message", "errors": ERRORS},
            id="all errors",
        ),
        pytest.param(
            InvalidMessageError(ERRORS, 5),
            {"kind": "error", "code": "invalid_message", "errors": ERRORS, "more": 5},
            id="some errors",
        ),
        pytest.param(
            UnsupportedDataError("no text"),
            {"kind": "error", "code": "invalid_message", "errors": ()},
            id="another error",
        ),
    ],
)
def test_error_message_is_tagged_as_the_endpoints_own(
    error: ClientMessageError, message: dict[str, Any]
) -> None:
    """Its first field is called as in every message of the endpoint."""
    assert error_message(error, "kind") == message
