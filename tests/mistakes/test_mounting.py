"""Classes that can't be served, which shows only when they are mounted."""

import pytest

from tests.mistakes.making import check, make, texts_of
from tests.mistakes.table import MOUNTED, Row, text_of
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint
from wsendpoints.mistakes.mounting import not_servable
from wsendpoints.testing import connect


@pytest.mark.parametrize("row", MOUNTED, ids=str)
def test_class_gives_the_text_of_the_table(row: Row) -> None:
    """A class that can't be served is refused where it is mounted."""
    check(row)


@pytest.mark.anyio
@pytest.mark.parametrize("row", MOUNTED, ids=str)
async def test_serve_gives_the_text_of_the_table(row: Row) -> None:
    """So it is by `serve`."""
    *statement, _ = row.code.splitlines()
    chat = make("\n".join(statement))
    with pytest.raises(ConfigurationError) as caught:
        await chat.serve(WebSocket({"type": "websocket"}))
    assert str(caught.value) == row.text


SERVABLE = {
    "a subclass that defines it": (
        "class Base(WebSocketEndpoint):\n"
        "    @abstractmethod\n"
        "    async def greet(self): ...\n"
        "class Chat(Base):\n"
        "    async def greet(self): ..."
    ),
    "a dataclass above": "@dataclass\nclass Base:\n    name: str\n"
    "class Chat(WebSocketEndpoint, Base): ...",
    "a dataclass without __init__": "@dataclass(init=False)\nclass Chat(WebSocketEndpoint): ...",
    "an __init__ that is written in C": (
        "class Chat(WebSocketEndpoint):\n    __init__ = functools.partialmethod(print)"
    ),
}


@pytest.mark.parametrize("code", SERVABLE.values(), ids=[*SERVABLE])
def test_class_that_can_be_served_is_mounted(code: str) -> None:
    """Only what keeps an instance from being made is refused."""
    assert texts_of(f"{code}\nChat.as_asgi()") == []


@pytest.mark.anyio
async def test_instance_that_the_library_did_not_make_is_not_served() -> None:
    """It has no connection to serve."""
    code = "def __init__(self, scope, receive, send): ..."
    with pytest.raises(ConfigurationError) as caught:
        async with connect(make(code).as_asgi()):
            pass
    assert str(caught.value) == text_of(code)


def test_class_that_is_not_compiled_says_why() -> None:
    """It is the base class, or leaves a type variable open."""
    assert str(not_servable(WebSocketEndpoint, None)) == (
        "WebSocketEndpoint is abstract: serve a subclass of it"
    )
    chat = make("class Chat(WebSocketEndpoint): ...")
    assert str(not_servable(chat, "T")) == (
        "Chat leaves the type variable T open: serve a subclass of Chat[...]"
    )
