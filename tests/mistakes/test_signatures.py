"""Methods that can't be called with the arguments that they get."""

import pytest

from tests.mistakes.making import check, texts_of
from tests.mistakes.table import COMPILED, SIGNATURES, Row


@pytest.mark.parametrize("row", [*SIGNATURES, *COMPILED], ids=str)
def test_signature_gives_the_text_of_the_table(row: Row) -> None:
    """A method that can't be called as the library calls it is an error that says how it does."""
    check(row)


ORDERS = {
    "annotated": "async def on_receive(self, data: Say, websocket: WebSocket): ...",
    "string": "async def on_receive(self, data: Say, websocket: 'WebSocket'): ...",
    "string with a module": "async def on_receive(self, data: Say, socket: 'x.WebSocket'): ...",
    "string with brackets": "async def on_receive(self, data: Say, ws: 'WebSocket[A, B]'): ...",
    "by its name": "async def on_receive(self, data: Say, websocket): ...",
    "a short name": "async def on_receive(self, data, ws): ...",
    "static": "@staticmethod\nasync def on_connect(data, ws): ...",
}


@pytest.mark.parametrize("code", ORDERS.values(), ids=[*ORDERS])
def test_websocket_as_second_argument_is_an_error(code: str) -> None:
    """It is told by its annotation, whatever names that, or else by its name."""
    ((_, text),) = texts_of(code)
    assert "gets the WebSocket as its first argument: declare it as `async def on_" in text


CALLABLE = {
    "usual": "async def on_disconnect(self, websocket, close_code): ...",
    "other names": "async def on_disconnect(self, ws: WebSocket, code: int): ...",
    "a default": "async def on_disconnect(self, ws, code=1000, *, more=5): ...",
    "any arguments": "async def on_disconnect(self, *args, **kwargs): ...",
    "not even self": "async def on_disconnect(*args): ...",
    "static": "@staticmethod\nasync def on_disconnect(websocket, code): ...",
    "of the class": "@classmethod\nasync def on_disconnect(cls, websocket, code): ...",
    "annotations that name nothing": "async def on_connect(self, ws: 'Nowhere'): ...",
    "another class first": "async def on_receive(self, ws: Any, data: Say): ...",
    "two of them": "async def on_receive(self, ws: WebSocket, websocket): ...",
    "__init__": "def __init__(self, scope, receive, send): ...",
    "__init__ of any arguments": "def __init__(self, *args): ...",
    "__init__ that is no function": "__init__ = functools.partialmethod(print)",
    "not ours": "async def send(self, data, websocket): ...",
}


@pytest.mark.parametrize("code", CALLABLE.values(), ids=[*CALLABLE])
def test_method_that_can_be_called_gives_no_text(code: str) -> None:
    """What Python could call is no mistake."""
    assert texts_of(code) == []


UNCALLABLE = {
    "too few": "async def on_disconnect(self): ...",
    "too many": "async def on_disconnect(self, websocket, code, reason): ...",
    "a keyword": "async def on_disconnect(self, websocket, code, *, reason): ...",
    "static": "@staticmethod\nasync def on_disconnect(websocket, code, reason): ...",
}


@pytest.mark.parametrize("code", UNCALLABLE.values(), ids=[*UNCALLABLE])
def test_hook_that_cannot_be_called_is_an_error(code: str) -> None:
    """Also where it is inherited from a class that is no endpoint."""
    indented = code.replace("\n", "\n    ")
    inherited = f"class Mixin:\n    {indented}\nclass Chat(Mixin, WebSocketEndpoint): ..."
    for each in (code, inherited):
        ((_, text),) = texts_of(each)
        assert text.endswith(
            "is called with websocket and close_code: declare it as `async def on_disconnect(self, "
            "websocket, close_code)`"
        )


DATACLASSES = {
    "with slots": "@dataclass(slots=True)\nclass Chat(WebSocketEndpoint):\n    name: str",
    "above": ("@dataclass\nclass Base(WebSocketEndpoint):\n    name: str\nclass Chat(Base): ..."),
}


@pytest.mark.parametrize("code", DATACLASSES.values(), ids=[*DATACLASSES])
def test_init_that_a_dataclass_made_is_told(code: str) -> None:
    """The user did not write it, so it can't be removed."""
    ((_, text),) = texts_of(code)
    assert text.startswith("Chat is a dataclass, whose __init__ does not take what an endpoint is")


def test_decorated_hook_is_called_as_its_wrapper_is() -> None:
    """`functools.wraps` does not hide which arguments the wrapper takes."""
    code = (
        "def with_db(function):\n"
        "    @functools.wraps(function)\n"
        "    async def wrapper(self, websocket): await function(self, websocket, 5)\n"
        "    return wrapper\n"
        "class Chat(WebSocketEndpoint):\n"
        "    @with_db\n"
        "    async def on_connect(self, websocket, db): ..."
    )
    assert texts_of(code) == []
