"""What clients answer to questions, and the codes of errors, as a class declares them."""

import dataclasses
import enum
from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypeAliasType, TypedDict

from tests.some_messages import Numbers, Say
from wsendpoints import ConfigurationError
from wsendpoints.messages.answers import Answers, read_error_codes
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.correlation import Correlation

T = TypeVar("T")


class Yes(BaseModel):
    """An answer."""

    type: Literal["yes"] = "yes"
    id: str | None = None


class No(BaseModel):
    """Another."""

    type: Literal["no"] = "no"
    id: str | None = None


class Sure(Yes):
    """A kind of the first."""


class Choice(BaseModel, Generic[T]):
    """A generic answer."""

    id: str | None = None
    value: T


@dataclasses.dataclass
class Data:
    """A dataclass."""

    number: Annotated[int, Field(alias="id")] = 0


class Left(TypedDict):
    """A dict."""

    id: UUID
    left: str


class Right(TypedDict):
    """Another dict."""

    id: UUID
    right: str


def kind_of(value: Any) -> str:
    """Return the tag of a member."""
    return "yes" if isinstance(value, Yes) else "no"


BY_FIELD = Annotated[Yes | No, Field(discriminator="type")]
BY_FUNCTION = Annotated[
    Annotated[Yes, Tag("yes")] | Annotated[No, Tag("no")], Discriminator(kind_of)
]
ALIAS = TypeAliasType("ALIAS", Yes | No)
DEEP = Annotated[ALIAS, Field(description="x")] | Data


def correlation(field: str = "id", *inbound: Any) -> Correlation:
    """Return that of a class."""
    return Correlation(field, inbound, [], CODECS["json"].value_of, "Chat")


def answering(declared: Any) -> Answers:
    """Return the answers of a class."""
    answers = Answers(declared, "Chat")
    answers.check_field(correlation())
    return answers


# Which types a question may wait for.

DICTS: list[Any] = [Left, Right]
UNIONS: list[Any] = [
    pytest.param(Yes | No, [Yes, No], id="union"),
    pytest.param(BY_FIELD, [Yes, No], id="discriminator"),
    pytest.param(
        BY_FUNCTION, [Yes, No, Annotated[Yes, Tag("yes")]], id="function as discriminator"
    ),
    pytest.param(ALIAS, [Yes, No], id="alias"),
    pytest.param(DEEP, [Yes, No, Data], id="deep"),
    pytest.param(Left | Right, DICTS, id="TypedDicts"),
    pytest.param(Choice[int] | Choice[str], [Choice[int], Choice[str]], id="generic"),
]


@pytest.mark.parametrize(("declared", "members"), UNIONS)
def test_any_part_of_what_is_declared_may_be_expected(declared: Any, members: list[Any]) -> None:
    """Each alone, and the whole, however it is written."""
    answers = answering(declared)
    answers.check(declared)
    for member in members:
        answers.check(member)
        answers.check(member)


@pytest.mark.parametrize(
    ("expected", "answer", "is_one"),
    [
        (Yes, Yes(), True),
        (Yes, Sure(), True),
        (Yes, No(), False),
        (Yes | No, No(), True),
        (BY_FIELD, No(), True),
        (BY_FIELD, Data(), False),
        (BY_FUNCTION, Yes(), True),
        (BY_FUNCTION, Data(), False),
        (ALIAS, Yes(), True),
        (Data, Data(), True),
        (Data, Yes(), False),
        (Choice[int], Choice[int](value=5), True),
        (Choice[int], Choice[str](value="5"), False),
        (Left, TypeAdapter(Left).validate_python({"id": UUID(int=0), "left": "x"}), True),
        (Left, {"id": UUID(int=0), "right": "x"}, False),
        (Left | Yes, {"id": UUID(int=0), "right": "x"}, False),
        (Right | Yes, {"id": UUID(int=0), "right": "x"}, True),
    ],
)
def test_answer_is_of_the_type_that_is_expected(expected: Any, answer: Any, is_one: bool) -> None:
    """Dicts too, which have no class to tell them apart."""
    every: Any = Left | Right | Data | Choice[int] | Choice[str]
    answers = answering(every | BY_FIELD)
    answers.check(expected)
    assert answers.is_one(answer, expected) is is_one


@pytest.mark.parametrize(
    ("declared", "expected", "error"),
    [
        (None, Yes, "Chat asks for Yes, but declares no `answers`: add it to `answers`"),
        (Yes, No, "Chat asks for No, but declares Yes: add it to `answers`"),
        (Yes, Yes | No, "Chat asks for No, but declares Yes: add it to `answers`"),
        (Yes, Sure, "Chat asks for Sure, but declares Yes: add it to `answers`"),
        (BY_FIELD, Data, "Chat asks for Data, but declares Yes | No: add it to `answers`"),
        (Yes | Data, int, "Chat asks for int, but declares Yes | Data: add it to `answers`"),
        (Yes, Any, "Chat asks for Any, but declares Yes: add it to `answers`"),
    ],
)
def test_type_that_is_not_declared_can_not_be_expected(
    declared: Any, expected: Any, error: str
) -> None:
    """No client would know that it may answer so."""
    answers = answering(declared)
    for _ in range(2):
        with pytest.raises(ConfigurationError) as caught:
            answers.check(expected)
        assert str(caught.value) == error


# What an answer must have.


@pytest.mark.parametrize("declared", [Yes, *(it.values[0] for it in UNIONS), Data, Left])
def test_answer_with_the_field_is_taken(declared: Any) -> None:
    """Under its name in JSON."""
    assert answering(declared).members


def test_class_without_answers_needs_no_field() -> None:
    """Nor one that has the field."""
    Answers(None, "Chat").check_field(None)
    Answers(None, "Chat").check_field(correlation())


def test_answers_without_a_field_are_an_error() -> None:
    """Nothing would tell which question they answer."""
    with pytest.raises(ConfigurationError) as caught:
        Answers(Yes, "Chat").check_field(None)
    assert str(caught.value) == (
        "Chat declares `answers`, but no `correlation_id`: name the field that an answer has in "
        'common with its question, as in `correlation_id = "id"`'
    )


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        (Say, "Say"),
        (Yes | Say, "Say"),
        (Annotated[Yes | Say, Field(discriminator="type")], "Say"),
        (Yes | int, "int"),
        (Yes | None, "NoneType"),
        (dict[str, str], "dict[str, str]"),
        (Numbers, "Numbers"),
        (Any, "Any"),
    ],
)
def test_answer_without_the_field_is_an_error(declared: Any, name: str) -> None:
    """One in a union is enough; a dict may have it or not."""
    with pytest.raises(ConfigurationError) as caught:
        answering(declared)
    assert str(caught.value) == (
        f"Chat.answers has {name}, which has no field 'id' to tell its question by: add "
        "`id: str | None = None`"
    )


# The codes of errors.


class Code(enum.StrEnum):
    """Codes."""

    FULL = "full"


@pytest.mark.parametrize(
    ("declared", "codes"),
    [
        (None, None),
        ({"full": "No place is left.", 4001: ""}, {"full": "No place is left.", 4001: ""}),
        (["full", 4001], {"full": "", 4001: ""}),
        (("full",), {"full": ""}),
        ({"full"}, {"full": ""}),
        (frozenset({0}), {0: ""}),
        ({Code.FULL: "No place is left."}, {"full": "No place is left."}),
        ([*Code], {"full": ""}),
    ],
)
def test_codes_have_descriptions(declared: Any, codes: Any) -> None:
    """Which are empty where only the codes are declared."""
    assert read_error_codes(declared, "Chat") == codes


def test_codes_are_those_of_the_class_statement() -> None:
    """A change of the dict comes too late."""
    declared = {"full": "No place is left."}
    codes = read_error_codes(declared, "Chat")
    declared.clear()
    assert codes == {"full": "No place is left."}


BAD: Sequence[Any] = [
    *({}, [], (), "full", 5, True, Code),
    *({"full": None}, {"full": 5}, {None: ""}, {"": ""}, {True: ""}, {1.5: ""}, {("a",): ""}),
    *([None], [""], [True], [b"full"]),
]


@pytest.mark.parametrize("declared", BAD, ids=repr)
def test_codes_that_are_none_are_an_error(declared: Any) -> None:
    """An `ErrorReply` takes a str that is not empty, or an int."""
    with pytest.raises(ConfigurationError) as caught:
        read_error_codes(declared, "Chat")
    assert str(caught.value) == (
        f"Chat.error_codes is {declared!r}: use a dict from the codes of its ErrorReply to what "
        'they mean, such as {"room_full": "The room has no place left."}'
    )


def test_answer_may_be_a_struct() -> None:
    """Of msgspec's, which tells whether a value is one."""

    class Sure(msgspec.Struct):
        id: str | None = None

    answers = Answers(Sure, "Chat")
    answers.check(Sure)
    assert answers.is_one(Sure(), Sure)
    assert not answers.is_one(5, Sure)
