"""Names in a class body that the library does not read, or reads as something else."""

from typing import Any

import pytest

from tests.mistakes.making import check, make, texts_of
from tests.mistakes.table import NAMES, Row
from wsendpoints import ConfigurationError, ConfigurationWarning, WebSocketEndpoint


@pytest.mark.parametrize("row", NAMES, ids=str)
def test_name_gives_the_text_of_the_table(row: Row) -> None:
    """A name that means nothing is an error, or a warning, that says what to write."""
    check(row)


HOOKS = {
    "on_connect": ["connected", "Connect", "accept", "open", "handshake"],
    "on_receive": ["recieve", "recv", "received", "data", "json", "msg", "text", "receive_json"],
    "on_disconnect": ["disconect", "disconnected", "Disconnect", "close", "closed", "end"],
    "on_invalid": ["invlaid", "validation_error", "invalid_"],
    "on_error": ["errror", "exception", "failure", "Error"],
}


@pytest.mark.parametrize(
    ("name", "hook"), [(f"on_{name}", hook) for hook, names in HOOKS.items() for name in names]
)
@pytest.mark.parametrize("written", ["async def {}(self): ...", "def {}(self): ..."])
def test_hook_that_is_meant_is_told(name: str, hook: str, written: str) -> None:
    """It is the nearest one, or what other libraries call by that name."""
    ((kind, text),) = texts_of(written.format(name))
    assert kind is ConfigurationError
    assert f"Chat.{name} is no hook, and nothing calls it: did you mean {hook}?" in text


@pytest.mark.parametrize("name", ["onopen", "onOpen", "on_open", "onConnect", "onconnect"])
def test_hook_is_told_in_any_case(name: str) -> None:
    """JavaScript has no underscore there."""
    ((_, text),) = texts_of(f"async def {name}(self): ...")
    assert "did you mean on_connect?" in text


@pytest.mark.parametrize("event", ["connect", "receive", "disconnect"])
@pytest.mark.parametrize("written", ["{}", "websocket_{}"])
def test_hook_of_channels_is_a_warning(event: str, written: str) -> None:
    """It could be a method of the user's own, that is called from elsewhere."""
    name = written.format(event)
    text = f"Chat.{name} is no hook, and nothing in the class calls it: did you mean on_{event}?"
    assert texts_of(f"async def {name}(self, it): ...") == [(ConfigurationWarning, text)]


MEANT = {
    "a handler called like a hook of Channels": (
        "@handles\nasync def connect(self, websocket, data: Say): ..."
    ),
    "a provider": "@provides\nasync def on_message(self): ...",
    "marked": "@handles\nasync def on_message(self, websocket, data: Say): ...",
    "called": (
        "async def on_message(self, data): ...\n"
        "async def on_receive(self, websocket, data): await self.on_message(data)"
    ),
    "called by a function within": (
        "async def on_message(self, data): ...\n"
        "async def on_receive(self, websocket, data): return [self.on_message(it) for it in data]"
    ),
    "called by a name that is put together": (
        "async def on_message(self, data): ...\n"
        "async def on_receive(self, websocket, data): await getattr(self, f'on_{data}')(data)"
    ),
    "called by a name that is a string": (
        "async def on_message(self, data): ...\n"
        "async def on_receive(self, websocket, data): await getattr(self, 'on_message')(data)"
    ),
    "called by another name": "async def on_message(self, websocket, d): ...\n"
    "on_receive = on_message",
    "of a class above": (
        "class Base:\n    def on_message(self): ...\n"
        "class Chat(Base, WebSocketEndpoint):\n    def on_message(self): ..."
    ),
    "no method": "on_close = None",
    "a property": "@property\ndef on_close(self): ...",
    "a class": "class on_close: ...",
    "private": "def _on_close(self): ...",
    "another word": "def only(self): ...\ndef once(self): ...",
    "limits for later": (
        "strict = Limits()\nasync def on_connect(self, websocket): self.limits = self.strict"
    ),
    "limits beside limits": "limits = Limits()\nstrict = Limits()",
    "limits of the class": "limits = Limits()",
    "near an attribute, and read": "limit = 5\nasync def on_receive(self, w, d): return self.limit",
    "near an attribute, and a method": "def limit(self): ...",
    "near an attribute, and a property": "@property\ndef limit(self): ...",
    "near an attribute, and a class": "class limit: ...",
    "push with the same arguments": "async def push(self, message): await super().push(message)",
    "start_soon with the same arguments": "def start_soon(self, func, *args): ...",
    "scope as a property": "@property\ndef scope(self): return {}",
    "a name of one's own": "_own = 5",
    "a class that is made anew": (
        "def anew(cls): return type(cls)(cls.__name__, cls.__bases__, dict(vars(cls)))\n"
        "@anew\n"
        "class Chat(WebSocketEndpoint):\n"
        "    async def on_receive(self, websocket, data): ..."
    ),
    "near an attribute that is no setting": "scopes = ('read',)",
}


@pytest.mark.parametrize("code", MEANT.values(), ids=[*MEANT])
def test_name_that_is_meant_gives_no_text(code: str) -> None:
    """Nothing is said of what is called, read, inherited, or called like nothing of ours."""
    assert texts_of(code) == []


@pytest.mark.parametrize(
    "name", ["push", "start_soon", "serve", "as_asgi", "scope", "websocket", "encoding", "limits"]
)
def test_name_of_the_library_is_no_name_of_a_handler(name: str) -> None:
    """It would never be called as what it replaces."""
    with pytest.raises(ConfigurationError, match=rf"^Chat\.{name}\b.*give the method another name"):
        make(f"@handles\nasync def {name}(self, websocket, data: Say): ...")


@pytest.mark.parametrize("name", ["on_connect", "on_receive", "push", "serve"])
def test_name_of_the_library_is_no_name_of_a_provider(name: str) -> None:
    """Nor is it one of a handler."""
    text = (
        rf"^Chat\.{name} is marked with @provides, and takes the place of WebSocketEndpoint.{name}"
    )
    with pytest.raises(ConfigurationError, match=text):
        make(f"@provides\nasync def {name}(self, *args): ...")


ALL_NAMES = {*vars(WebSocketEndpoint), *WebSocketEndpoint.__annotations__}
PRIVATE = sorted(name for name in ALL_NAMES if name[0] == "_" != name[1] and name != "_abc_impl")


@pytest.mark.parametrize("name", PRIVATE)
@pytest.mark.parametrize("value", [None, make], ids=["value", "method"])
def test_private_name_of_the_library_is_taken(name: str, value: Any) -> None:
    """Its own attributes are not replaced by accident."""
    with pytest.raises(ConfigurationError, match=f"{name} replaces what WebSocketEndpoint itself"):
        type("Chat", (WebSocketEndpoint,), {name: value})
