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
    Tag,
    TypeAdapter,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, to_json

from wsendpoints.messages.client_errors import MAX_ERRORS, to_client_error
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.validators import Validator
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


def refusal(annotation: Any, frame: str) -> ClientMessageError:
    """Return what the client is told of a frame that is not valid."""
    validator = Validator(TypeAdapter[Any](annotation))
    with pytest.raises(ValidationError) as caught:
        validator.validate_json(frame)
    return to_client_error(caught.value, validator.places, frame, json=True)


def told(annotation: Any, value: Any) -> InvalidMessageError:
    """Return what the client is told of a value that is not valid, or of its JSON."""
    error = refusal(annotation, value if isinstance(value, str) else json.dumps(value))
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
            ["items"],
            NOT_INT,
            id="nested under its own name, which is a key",
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
            [],
            ("extra_forbidden", "Extra inputs are not permitted"),
            id="m15 extra field",
        ),
        pytest.param(
            Message,
            {"type": "items", **dict.fromkeys(map(str, range(2000)), 1)},
            [],
            ("extra_forbidden", "Extra inputs are not permitted"),
            id="m15 many extra fields",
        ),
        pytest.param(dict[int, int], {"x": 1}, [], NOT_INT, id="key"),
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


class Period(BaseModel):
    """Has validators whose texts stand in their code, and others."""

    start: str = ""
    end: str = ""
    note: str = ""

    @field_validator("note")
    @classmethod
    def check_note(cls, note: str) -> str:
        """Say what stands here, through another function."""
        refuse_note()
        return note

    @model_validator(mode="after")
    def check(self) -> "Period":
        """Say what stands here, or a part of what was sent."""
        if self.start == "now":
            raise AssertionError("the start may not be now, but at any later time")
        if self.end == "field":
            raise ValueError(f"the start is earlier than {self.end}")
        if self.end == "limit":
            raise ValueError(f"the end is later than {MAX_ERRORS}")
        raise ValueError("the start must be before the end")


def refuse_note() -> None:
    """Refuse it."""
    raise ValueError("the start must be before the note " + "is written, " * 20)


@pytest.mark.parametrize(
    ("value", "msg"),
    [
        pytest.param({}, "Value error, the start must be before the end", id="ValueError"),
        pytest.param(
            {"end": "the start must be before the end"},
            "Value error, the start must be before the end",
            id="said by the client, too",
        ),
        pytest.param(
            {"end": "x" * 100_000},
            "Value error, the start must be before the end",
            id="to a large message",
        ),
        pytest.param(
            {"start": "now"},
            "Assertion failed, the start may not be now, but at any later time",
            id="AssertionError",
        ),
        pytest.param({"end": "field"}, "Value error", id="not with a value in it"),
        pytest.param(
            {"end": "limit"}, "Value error, the end is later than 10", id="with another value"
        ),
        pytest.param(
            {"note": "x"},
            f"Value error, the start must be before the note {'is written, ' * 20}"[:200] + "…",
            id="of another function, and long",
        ),
        pytest.param({"end": "limit", "start": "x" * 20_000}, "Value error", id="too much to see"),
    ],
)
def test_text_that_stands_in_the_code_is_shown(value: Any, msg: str) -> None:
    """Whatever the client has sent: it was there before. Any other is compared with that."""
    assert told(Period, value).errors[0]["msg"] == msg


def raise_custom_about(text: str) -> AfterValidator:
    """Return a validator that has an error of pydantic's for everything."""

    def validate(value: Any) -> Any:
        raise PydanticCustomError("my_error", "no %s" % text, {"value": value})  # noqa: UP031 - no braces in it  # pyright: ignore[reportArgumentType]

    return AfterValidator(validate)


@pytest.mark.parametrize(
    ("text", "msg"),
    [
        pytest.param("such name", "no such name", id="a text"),
        pytest.param("{value}", "Input is not valid", id="a value in a template"),
        pytest.param(SENT, "Input is not valid", id="a value in a text"),
    ],
)
def test_custom_error_is_shown_without_the_input(text: str, msg: str) -> None:
    """Its type always is."""
    annotation = Annotated[str, raise_custom_about(text)]
    (error,) = told(annotation, json.dumps(SENT)).errors
    assert error == {"loc": [], "type": "my_error", "msg": msg}


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


@pytest.mark.parametrize(("number", "more"), [(1, 0), (10, 0), (11, 1), (2000, 1990)])
def test_m16_at_most_ten_errors_are_told(number: int, more: int) -> None:
    """The number of those left out is told as well."""
    fields: Any = {f"field{index}": (int, ...) for index in range(number)}
    error = told(create_model("Wide", **fields), {})
    assert [detail["loc"] for detail in error.errors] == [[name] for name in list(fields)[:10]]
    assert len(error.errors) <= MAX_ERRORS
    assert error.more == more


@pytest.mark.parametrize("number", [1, 100_000])
def test_m16_list_ends_at_its_first_wrong_item(number: int) -> None:
    """What follows is not looked at."""
    error = told(list[int], [1, *["x"] * number])
    assert (error.errors, error.more) == ([{"loc": [1], "type": NOT_INT[0], "msg": NOT_INT[1]}], 0)


@pytest.mark.parametrize(
    ("annotation", "value", "number"),
    [
        pytest.param(Items, {"type": "items", "a": 1, "b": 2, "c": 3}, 1, id="extra fields"),
        pytest.param(create_model("Either", a=(int | str | None, ...)), {}, 1, id="of a union"),
        pytest.param(int | Annotated[int, Field(gt=5)], "x", 1, id="members of one kind"),
    ],
)
def test_what_is_wrong_in_one_place_is_told_once(annotation: Any, value: Any, number: int) -> None:
    """The client does not see what pydantic's errors differ in."""
    error = told(annotation, json.dumps(value))
    assert (len(error.errors), error.more) == (number, 0)


LONG = "é" * 50
NUMBERS: Any = {f"number{index}": (int, 0) for index in range(10)}
DEEPER: Any = {LONG: ("Deep | None", None)}
Deep = create_model("Deep", **NUMBERS, **DEEPER)


@pytest.mark.parametrize(
    ("depth", "least"),
    [
        pytest.param(1, 10, id="all fit"),
        pytest.param(30, 1, id="some"),
        pytest.param(90, 0, id="none"),
    ],
)
def test_m16_error_message_stays_below_4_kib(depth: int, least: int) -> None:
    """However long the paths are: errors that do not fit are counted."""
    value: Any = dict.fromkeys(NUMBERS, "x")
    for _ in range(depth):
        value = {LONG: value}
    error = told(Deep, value)
    assert len(to_json(ErrorWriter("type", None).invalid(error, None))) < 4096
    assert len(error.errors) >= least
    assert (len(error.errors) == 0) is (least == 0)
    assert len(error.errors) + error.more == 10


@pytest.mark.parametrize(
    "frame",
    ["", "{", "[" * 100_000, "1" * 1_000_000, '"\\ud800"', '"\ud800"', "\ufeff1", "1 2", "\x00"],
    ids=lambda frame: repr(frame[:8]),
)
@pytest.mark.parametrize("annotation", [Message, int, str, Any, list[Any]], ids=str)
def test_what_is_not_json_is_invalid_data_for_every_type(annotation: Any, frame: str) -> None:
    """It closes with 1007, whatever was expected."""
    error = refusal(annotation, frame)
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
    validator = Validator(TypeAdapter(Annotated[int, "a number"]))
    with pytest.raises(ValidationError) as caught:
        validator.validate_python(frame)
    error = to_client_error(caught.value, validator.places, frame, json=False)
    assert isinstance(error, InvalidMessageError)
    assert error.errors[0]["loc"] == []


@pytest.mark.parametrize("json_", [True, False])
@pytest.mark.parametrize("sent", [f'"{SENT}"', f'"{SENT}"'.encode()], ids=["text", "bytes"])
def test_m17_frame_is_compared_with_the_text(sent: Any, json_: bool) -> None:
    """Be it JSON or not."""
    validator = Validator(TypeAdapter(Annotated[str, raising(ValueError, "no {}")]))
    with pytest.raises(ValidationError) as caught:
        (validator.validate_json if json_ else validator.validate_python)(sent)
    error = to_client_error(caught.value, validator.places, sent, json=json_)
    assert isinstance(error, InvalidMessageError)
    assert [detail["msg"] for detail in error.errors] == ["Value error"]


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
    assert ErrorWriter("kind", None).invalid(error, None) == message


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("code", {"code": "error", "code_": "invalid_message", "errors": ERRORS, "more": 5}),
        ("errors", {"errors": "error", "code": "invalid_message", "errors_": ERRORS, "more": 5}),
        ("more", {"more": "error", "code": "invalid_message", "errors": ERRORS, "more_": 5}),
    ],
)
def test_tag_is_not_overwritten(tag: str, message: dict[str, Any]) -> None:
    """What has the same name gets an underscore behind it."""
    told_as = ErrorWriter(tag, None).invalid(InvalidMessageError(ERRORS, 5), None)
    assert told_as == message
    assert next(iter(told_as)) == tag


def test_names_that_are_known_may_be_of_extra_fields() -> None:
    """As those of path parameters are."""
    validator = Validator(TypeAdapter(Items))
    value = {"type": "items", "known": 1, "unknown": 1}
    with pytest.raises(ValidationError) as caught:
        validator.validate_python(value)
    error = to_client_error(caught.value, validator.places, value, json=False, also={"known"})
    assert isinstance(error, InvalidMessageError)
    assert [detail["loc"] for detail in error.errors] == [["known"], []]
