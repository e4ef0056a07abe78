"""What is read from a document."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud
from wsendpoints import Cookie, Credential, Header, WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract.asyncapi import asyncapi
from wsendpoints.contract.reading import read_document
from wsendpoints.dialects import JsonRpc
from wsendpoints.protocol.exceptions import ConfigurationError


class Odd(JsonRpc):
    """A dialect that does not tell how a call is written."""

    def write_call(self, method: str, params: Any, id: Any) -> Any:
        raise NotImplementedError


class Unknown(WebSocketEndpoint):
    encoding = "json"
    dialect = Odd()

    @handles("add")
    async def add(self, websocket: WebSocket, left: int) -> int:
        return left


def test_channels_are_read() -> None:
    """All that is compared of an endpoint is there."""
    routes: Any = {"/chat/{room}": Chat, "/assistant": Assistant, "/loud": Loud, "/add": Calculator}
    document = asyncapi(routes, title="A", version="1")
    chat, assistant, loud, calculator = read_document(document, "it")
    assert (chat.name, chat.address, chat.place) == ("Chat", "/chat/{room}", "/chat/{}")
    assert {it.name for it in chat.received} == {"Say", "Leave", "Binary"}
    assert {it.name for it in chat.sent} == {"Said", "Leave", "Error"}
    assert [*chat.encodings] == ["chat.v2", "chat.v1"]
    assert chat.path == {"room": {"type": "string"}}
    assert [*chat.asked] == [("query", "since"), ("query", "tag")]
    assert chat.required == []
    assert [it["type"] for it in chat.security] == ["http", "httpApiKey"]
    assert chat.codes[1009] == ["max_message_size"]
    assert chat.limits["max_message_size"] == 1024 * 1024
    assert "Say" in chat.components
    (run, ask, push) = assistant.served
    assert [it.name for it in run.messages] == ["Run"]
    assert run.messages[0].correlation == "$message.payload#/id"
    assert run.marks == {"x-stream": True, "x-concurrent": True, "x-overlap": "refuse"}
    assert (ask.is_sent, [it.name for it in ask.replies]) == (True, ["Approval"])
    assert (push.is_sent, push.replies) == (True, [])
    assert assistant.received[-1].name == "Approval"
    assert loud.received[0].content == "text"
    assert calculator.is_open
    assert calculator.received[0].is_known


def test_headers_and_cookies_are_read() -> None:
    """Apart from those that are told elsewhere."""

    class Params(BaseModel):
        tenant: Annotated[str, Header("X-Tenant")]
        theme: Annotated[str, Cookie()]
        font: Annotated[str, Cookie()] = ""

    class Room(WebSocketEndpoint):
        params: Params
        subprotocols = ("a",)
        require_subprotocol = True
        security = (Credential("bearer"),)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            """Take a text."""

    (channel,) = read_document(asyncapi({"/": Room}, title="A", version="1"), "it")
    assert channel.asked == {
        ("header", "x-tenant"): {"type": "string"},
        ("cookie", "theme"): {"type": "string"},
        ("cookie", "font"): {"type": "string", "default": ""},
    }
    assert channel.required == [("header", "x-tenant"), ("cookie", "theme")]


def test_content_is_a_value_or_a_frame() -> None:
    """Bytes in an endpoint of JSON are a frame."""

    class Mixed(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def data(self, websocket: WebSocket, data: bytes) -> None:
            """Take a frame."""

    (channel,) = read_document(asyncapi({"/": Mixed}, title="A", version="1"), "it")
    assert channel.received[0].content == "binary"


def test_unknown_record_is_told_by_its_name() -> None:
    """Where a dialect does not tell how it is written, what is in it is compared."""
    (channel,) = read_document(asyncapi({"/": Unknown}, title="A", version="1"), "it")
    (message,) = channel.received
    assert not message.is_known
    assert message.schema["properties"]["record"] == {"const": "add"}
    assert message.schema["required"] == ["record", "payload"]


@pytest.mark.parametrize(
    "document", [None, 5, [], {}, {"channels": {"a": 1}, "operations": {}}, {"channels": 5}]
)
def test_other_documents_are_refused(document: Any) -> None:
    """Only documents of ours are read."""
    with pytest.raises(ConfigurationError, match=r"old.json is no document that"):
        read_document(document, "old.json")
