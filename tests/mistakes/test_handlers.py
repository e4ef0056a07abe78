"""Handlers that are lost."""

from typing import Any

import pytest

from tests.mistakes.making import check, texts_of
from tests.mistakes.table import BRACKETS, HANDLERS, Row
from wsendpoints import ConfigurationWarning, WebSocketEndpoint

SAY = "@handles\nasync def say(self, websocket, data: Say): ...\n"


@pytest.mark.parametrize("row", [*HANDLERS, *BRACKETS], ids=str)
def test_lost_handler_gives_the_text_of_the_table(row: Row) -> None:
    """A method that looks like a handler, and is none, is told."""
    check(row)


UNMARKED = {
    "annotated as a string": "async def leave(self, websocket, data: 'Leave'): ...",
    "a union": "async def leave(self, websocket, data: Leave | None): ...",
    "a stream": "async def leave(self, websocket, data: Leave): yield 1",
}


@pytest.mark.parametrize("code", UNMARKED.values(), ids=[*UNMARKED])
def test_method_that_lacks_its_mark_is_a_warning(code: str) -> None:
    """It takes a model, as the handlers do."""
    ((kind, text),) = texts_of(SAY + code)
    assert kind is ConfigurationWarning
    assert text.startswith("Chat.leave(self, websocket, data) takes Leave")


MEANT = {
    "private": SAY + "async def _leave(self, websocket, data: Leave): ...",
    "called": SAY + "async def leave(self, ws, data: Leave): await self.leave(ws, data)",
    "not async": SAY + "def leave(self, websocket, data: Leave): ...",
    "static": SAY + "@staticmethod\nasync def leave(ws, data: Leave): ...",
    "one argument": SAY + "async def leave(self, data: Leave): ...",
    "three arguments": SAY + "async def leave(self, websocket, data: Leave, more): ...",
    "no model": SAY + "async def leave(self, websocket, data: str): ...",
    "no annotation": SAY + "async def leave(self, websocket, data): ...",
    "an annotation that names nothing": SAY + "async def leave(self, ws, data: 'Nowhere'): ...",
    "a type variable": (
        "T = TypeVar('T')\n"
        "class Chat(WebSocketEndpoint, Generic[T]):\n"
        "    encoding = 'json'\n"
        "    @handles\n"
        "    async def say(self, websocket, data: Say): ...\n"
        "    async def leave(self, websocket, data: T): ..."
    ),
    "a provider": SAY + "@provides\nasync def leave(self, websocket, data: Leave): ...",
    "no handlers": "async def leave(self, websocket, data: Leave): ...",
    "an override": (
        "class Base(WebSocketEndpoint):\n"
        "    encoding = 'json'\n"
        "    @handles\n"
        "    async def say(self, websocket, data: Say): ...\n"
        "class Chat(Base):\n"
        "    async def say(self, websocket, data: Say): ..."
    ),
}


@pytest.mark.parametrize("code", MEANT.values(), ids=[*MEANT])
def test_method_that_may_be_meant_gives_no_text(code: str) -> None:
    """Only what is written like a handler, in a class that has some, and is never called."""
    assert texts_of(code) == []


TWICE = {
    "both marked": SAY + SAY.replace("Say", "Leave"),
    "the second is not marked": SAY + "async def say(self, websocket, data: Leave): ...",
    "the first is not marked": "async def say(self, websocket, data: Leave): ...\n" + SAY,
    "hooks": "async def on_connect(self, websocket): ...\n" * 2,
    "static": "@staticmethod\nasync def on_connect(websocket): ...\n" * 2,
    "three times": "async def on_connect(self, websocket): ...\n" * 3,
    "in a function": (
        "def make():\n"
        "    class Chat(WebSocketEndpoint):\n"
        "        async def on_connect(self, websocket): ...\n"
        "        async def on_connect(self, websocket): ...\n"
        "    return Chat\n"
        "class Chat: ...\n"
        "Chat = make()"
    ),
}


@pytest.mark.parametrize("code", TWICE.values(), ids=[*TWICE])
def test_method_that_replaces_another_of_its_body_is_an_error(code: str) -> None:
    """Python lets the second one replace the first."""
    ((_, text),) = texts_of(code)
    assert "is defined twice in its class, in lines " in text


def test_lines_of_both_are_told() -> None:
    """They are those of the `def`, or of its first decorator."""
    ((_, text),) = texts_of(TWICE["three times"])
    assert "in lines 3 and 4 and 5," in text


ONCE = {
    "one or the other": (
        "if ConfigurationError:\n"
        "    async def on_connect(self, websocket): ...\n"
        "else:\n"
        "    async def on_connect(self, websocket): ..."
    ),
    "used between": (
        "async def on_connect(self, websocket): ...\n"
        "first = on_connect\n"
        "async def on_connect(self, websocket): await self.first(websocket)"
    ),
    "a property": ("@property\ndef name(self): ...\n@name.setter\ndef name(self, value): ..."),
    "not async": "def name(self): ...\ndef name(self): ...",
    "private": "async def _(self): ...\nasync def _(self): ...",
    "overloads": (
        "@overload\nasync def get(self, it: int): ...\n"
        "@overload\nasync def get(self, it: str): ...\n"
        "async def get(self, it): ..."
    ),
    "a class within": (
        "async def on_connect(self, websocket): ...\n"
        "class Inner:\n"
        "    async def on_connect(self, websocket): ..."
    ),
}


@pytest.mark.parametrize("code", ONCE.values(), ids=[*ONCE])
def test_method_that_is_there_once_gives_no_text(code: str) -> None:
    """What depends on a condition, or is used in between, is meant."""
    assert texts_of(code) == []


async def on_connect(self: Any, websocket: Any) -> None:
    """Be a hook of a class that no class statement makes."""


def test_class_that_no_statement_makes_has_no_body() -> None:
    """Its methods are those that it is given."""
    cls: Any = type("Chat", (WebSocketEndpoint,), {"on_connect": on_connect})
    assert cls.as_asgi()
