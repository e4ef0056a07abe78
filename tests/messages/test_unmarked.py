"""Marks of headers and cookies in types of messages."""

from typing import Annotated, Any

import msgspec
import pytest
from pydantic import BaseModel

from tests.mistakes.making import texts_of
from wsendpoints import Cookie, Header
from wsendpoints.protocol.exceptions import ConfigurationError


class Marked(BaseModel):
    """A message with a mark."""

    token: Annotated[str, Header("X-Token")]


class Default(BaseModel):
    """A message whose mark is a default."""

    # The mistake that is tested: type checkers tell of it as well.
    token: Any = Header("X-Token")


class Within(BaseModel):
    """A message with a mark far within."""

    parts: dict[str, list[Marked]] = {}


@pytest.mark.parametrize("message", [Marked, Default, Within])
@pytest.mark.parametrize(
    "code",
    [
        "@handles\nasync def say(self, websocket, data: Message): ...",
        "async def on_receive(self, websocket, data: Message | Say): ...",
        "sends = Message",
        "answers = Message\ncorrelation_id = 'token'",
        "@handles\nasync def say(self, websocket, data: Say) -> Message: ...",
    ],
)
def test_no_message_has_a_header(message: Any, code: str) -> None:
    """Nothing would read it."""
    texts = [text for kind, text in texts_of(code, Message=message) if kind is ConfigurationError]
    (text,) = texts
    assert text.endswith(
        "Header('X-Token') stands in a message, which has no headers and no cookies: mark a field "
        "of the model that `params` of the class is annotated with"
    )


class Part(msgspec.Struct):
    """A part with a mark."""

    token: Annotated[str, Header("X-Token")]


class MarkedStruct(msgspec.Struct, tag="marked"):
    """A Struct with a mark far within."""

    parts: list["Part"] = []
    again: "MarkedStruct | None" = None


class DefaultStruct(msgspec.Struct, tag="default"):
    """A Struct whose mark is a default."""

    token: Any = Header("X-Token")


class PlainStruct(msgspec.Struct, tag="plain"):
    """A Struct that is a part of itself, and has no mark."""

    again: "PlainStruct | None" = None
    text: Annotated[str, msgspec.Meta(min_length=1)] = "a"


class UnknownStruct(msgspec.Struct):
    """A Struct that is written without a look at its types."""

    text: "Unknown"  # type: ignore[name-defined]  # noqa: F821 - that is the test


def test_struct_that_is_sent_may_have_types_that_nobody_knows() -> None:
    """Msgspec writes it all the same."""
    assert texts_of("sends = Message", Message=UnknownStruct) == []


@pytest.mark.parametrize("message", [MarkedStruct, DefaultStruct, list[MarkedStruct]], ids=str)
@pytest.mark.parametrize(
    "code", ["async def on_receive(self, websocket, data: Message): ...", "sends = Message"]
)
def test_no_struct_has_a_header(message: Any, code: str) -> None:
    """Msgspec drops what it does not know."""
    ((_, text),) = texts_of(code, Message=message)
    assert "Header('X-Token') stands in a message" in text
    assert texts_of(code, Message=PlainStruct) == []


def test_no_parameter_of_a_method_has_a_cookie() -> None:
    """What is called by a dialect takes values."""
    code = (
        "dialect = JsonRpc()\n"
        '@handles("say")\nasync def say(self, websocket, text: list[Annotated[str, Cookie()]]): ...'
    )
    ((_, text),) = texts_of(code, Cookie=Cookie)
    assert "Cookie() stands in a message" in text
