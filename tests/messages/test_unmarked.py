"""Marks of headers and cookies in types of messages."""

from typing import Annotated, Any

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


def test_no_parameter_of_a_method_has_a_cookie() -> None:
    """What is called by a dialect takes values."""
    code = (
        "dialect = JsonRpc()\n"
        '@handles("say")\nasync def say(self, websocket, text: list[Annotated[str, Cookie()]]): ...'
    )
    ((_, text),) = texts_of(code, Cookie=Cookie)
    assert "Cookie() stands in a message" in text
