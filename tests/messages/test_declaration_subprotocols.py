"""Encodings of subprotocols: compiled with the class, whose mistakes show then."""

from typing import Any, Final

import pytest
from pydantic import BaseModel

from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.messages.declaration import Declaration

BOTH: Final[Subprotocols] = {"v2": "msgpack", "v1": "json"}


class Say(BaseModel):
    """A message."""

    text: str = ""


class Chat(WebSocketEndpoint):
    """An endpoint with several encodings."""

    encoding = "json"
    correlation_id = "text"
    subprotocols = BOTH

    async def on_receive(self, websocket: WebSocket, data: Say) -> Say:
        """Echo."""
        return data


class Fewer(Chat):
    """A subclass that has names alone."""

    subprotocols = ("v1",)


def declared(cls: type) -> Declaration:
    """Return what a class declares."""
    declaration: Declaration = vars(cls)["_declaration"]
    return declaration


def test_each_encoding_is_compiled() -> None:
    """All that depends on it; the rest is shared."""
    declaration = declared(Chat)
    assert {*declaration.by_subprotocol} == {None, "v1", "v2"}
    spoken = declaration.speaking("v2")
    assert spoken.codec is CODECS["msgpack"]
    assert spoken.handlers is declaration.handlers
    assert spoken.encode(Say(text="x"))["bytes"] == b"\x81\xa4text\xa1x"
    assert spoken.inbound.decode_binary(b"\x81\xa4text\xa1x") == Say(text="x")
    assert spoken.encode is spoken.outbound.encode
    assert spoken.correlation is not declaration.correlation
    for name in (None, "other"):
        assert declaration.speaking(name) is declaration
        assert spoken.speaking(name) is declaration
    assert spoken.speaking("v1").codec is CODECS["json"]


def test_names_alone_have_no_encoding() -> None:
    """Nothing is compiled for them."""
    declaration = declared(Fewer)
    assert declaration.by_subprotocol == {}
    assert declaration.speaking("v1") is declaration


@pytest.mark.parametrize(
    ("subprotocols", "error"),
    [
        pytest.param(
            {"v1": "jsn"},
            'Chat.subprotocols[\'v1\'] is \'jsn\': use "text", "bytes", "json", "msgpack" or '
            "None, or an instance of a Codec",
            id="no such encoding",
        ),
        pytest.param(
            {"v1": "text"},
            "Chat: Say is read from JSON, but encoding is 'text': set encoding = \"json\"",
            id="not for these messages",
        ),
        pytest.param(
            {"a b": "json"},
            "Chat.subprotocols is {'a b': 'json'}: use a list of names, made of letters, digits, "
            "and some punctuation (RFC 9110, section 5.6.2, token)",
            id="no name",
        ),
    ],
)
def test_mistakes_are_errors_of_the_class(subprotocols: Any, error: str) -> None:
    """They name the subprotocol, or the message."""
    with pytest.raises(ConfigurationError) as caught:
        type(
            "Chat",
            (WebSocketEndpoint,),
            {
                "encoding": "json",
                "subprotocols": subprotocols,
                "on_receive": Chat.on_receive,
            },
        )
    assert str(caught.value) == error


def test_encodings_are_not_given_where_the_class_is_mounted() -> None:
    """Names are."""
    with pytest.raises(ConfigurationError) as caught:
        Chat.as_asgi(subprotocols={"v1": "msgpack"})
    assert str(caught.value) == (
        "Chat.subprotocols is compiled with the class: set it in a subclass"
    )
    assert Chat.as_asgi(subprotocols=["v2"])
