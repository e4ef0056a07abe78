"""How types and methods are called for humans."""

import dataclasses
import enum
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel
from typing_extensions import TypeAliasType, TypedDict

from wsendpoints.contract.naming import doc_of, message_of, params_of
from wsendpoints.messages.annotations import MISSING

T = TypeVar("T")


class Envelope(BaseModel, Generic[T]):
    """What is sent
    by post.

    It has a stamp.

        - and more
    """

    within: T


class Titled(BaseModel):
    model_config = ConfigDict(title="A <b>title</b>")


class _Private(BaseModel):
    """Nobody else is to read this."""


class Inherits(Envelope[int]):
    pass


@dataclasses.dataclass
class Undocumented(Generic[T]):
    number: T


@dataclasses.dataclass
class Documented:
    """A dataclass."""

    number: int


class Values(RootModel[list[int]]):
    """Some numbers."""


class Fields(TypedDict):
    """A dict."""

    number: int


class Plain(TypedDict):
    number: int


class Color(enum.Enum):
    """A color."""

    RED = "red"


Alias = TypeAliasType("Alias", int)

NAMES: dict[str, Any] = {
    "Titled": Titled,
    "Private": _Private,
    "Envelope_int": Envelope[int],
    "Envelope_list_Titled": Envelope[list[Titled]],
    "Undocumented": Undocumented,
    "Undocumented_Integer": Undocumented[int],
    "Values": Values,
    "Fields": Annotated[Fields, Field(description="other")],
    "Color": Color,
    "red_1": Literal["red", 1],
    "Value": Literal["?"],
    "Text": Annotated[str, Field(min_length=1)],
    "Text_Integer": str | int,
    "Binary": bytes,
    "Integer": NewType("Number", int),
    "Array": list[int],
    "Object": dict[str, Any],
    "Anything": MISSING,
    "Null": type(None),
}


@pytest.mark.parametrize("name", NAMES)
def test_message_has_a_name(name: str) -> None:
    """A message is called as its class, or as the kind of value that it is."""
    assert message_of(NAMES[name]).name == name


def test_what_has_no_class_has_a_name() -> None:
    """A type that no class stands for has a name all the same."""
    assert message_of(Any).name == message_of(object).name == "Anything"
    assert message_of(Alias).name == "Integer"
    assert message_of(type("?", (), {})).name == message_of(TypeVar("T")).name == "Value"
    assert message_of(type[int]).name == "type_Integer"


def test_title_is_that_of_the_model() -> None:
    """A model's own title is for humans, and its name for programs."""
    message = message_of(Titled)
    assert (message.name, message.title) == ("Titled", "A <b>title</b>")
    assert message_of(Fields).title == "Fields"


def test_docstring_is_the_class_own() -> None:
    """The first paragraph is on one line. Docstrings of base classes say nothing of a message."""
    assert doc_of(Envelope) == (
        "What is sent by post.",
        "It has a stamp.\n\n    - and more",
    )
    message = message_of(Envelope[int])
    assert message.summary == "What is sent by post."
    assert message_of(Fields).summary == "A dict."
    assert message_of(Documented).summary == "A dataclass."
    for cls in (Inherits, Titled, Plain, int):
        assert message_of(cls).summary == ""


@pytest.mark.parametrize("documented", [_Private, Undocumented, None, object()])
def test_docstring_is_not_shown(documented: Any) -> None:
    """What is private, or was made by Python, is no description."""
    assert doc_of(documented) == ("", "")


def test_docstring_of_an_enum_is_one_that_somebody_wrote() -> None:
    """Python gives enums a docstring of its own."""
    assert doc_of(Color) == ("A color.", "")
    made = type("Made", (enum.Enum,), enum.EnumType.__prepare__("Made", (enum.Enum,)))
    assert doc_of(made) == ("", "")
    made.__doc__ = "An enumeration."
    assert doc_of(made) == ("", "")


@pytest.mark.parametrize(("method", "name"), [("rooms/join", "rooms_join_params"), ("", "params")])
def test_params_are_called_as_their_method(method: str, name: str) -> None:
    """The params of several parameters have no class that somebody named."""
    message = params_of(method, Plain)
    assert (message.name, message.title) == (name, f"The params of {method}")
