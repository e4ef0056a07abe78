"""The messages of a channel."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, computed_field

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud, Quiet
from tests.contract.hostile import Unreadable
from tests.contract.test_envelopes import Pairs
from tests.some_messages import Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract import Description, describe
from wsendpoints.contract.payloads import Payloads
from wsendpoints.contract.schemas import schemas_of


def payloads(cls: Any) -> tuple[Description, Payloads]:
    """Return a description, and what makes its messages."""
    description = describe(cls)
    schemas = schemas_of([description])
    return description, Payloads(description, schemas, schemas.names)


def test_message_is_there_once() -> None:
    """A message that is taken and sent is one, if it is the same in both directions."""
    chat, found = payloads(Chat)
    say, leave, frame = chat.received
    assert [found.received(it) for it in (say, leave, frame)] == ["Say", "Leave", "Binary"]
    assert found.sent(leave) == found.received(leave) == "Leave"
    assert found.objects["Say"] == {
        "name": "Say",
        "title": "Say",
        "summary": "A message.",
        "contentType": "application/msgpack",
        "payload": {"$ref": "#/components/schemas/Say"},
        "examples": [{"payload": {"type": "say", "text": "text"}}],
    }
    assert "examples" not in found.objects["Binary"]
    assert [*found.objects] == ["Say", "Leave", "Binary"]


class Area(BaseModel):
    """An area.

    Of some width.
    """

    type: Literal["area"] = "area"
    width: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic has it
    @property
    def area(self) -> int:
        return self.width**2


class Areas(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Area) -> Area:
        return data


def test_message_that_is_written_otherwise_is_another() -> None:
    """What clients get has other fields than what they send."""
    areas, found = payloads(Areas)
    assert found.received(areas.received[0]) == "Area"
    assert found.sent(areas.sent[0]) == "Area2"
    assert found.objects["Area2"]["name"] == "Area"
    assert found.objects["Area2"]["description"] == "Of some width."
    assert found.objects["Area2"]["payload"] == {"$ref": "#/components/schemas/AreaOutput"}


class Odd(BaseModel):
    field: str | None = Field(None, alias="a/b~c")


def test_message_says_where_its_id_is() -> None:
    """The field is told as a JSON pointer, for messages that have it."""
    assistant, found = payloads(Assistant)
    for message in assistant.sent:
        found.sent(message)
    ids = {key: it.get("correlationId") for key, it in found.objects.items()}
    location = {"location": "$message.payload#/id"}
    assert ids == {"Token": location, "Done": location, "Approve": location, "Progress": None}
    error = found.error()
    assert error is not None
    assert found.objects[error]["correlationId"] == location

    class Named(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "a/b~c"

        async def on_receive(self, websocket: WebSocket, data: Odd) -> list[int]: ...  # type: ignore[empty-body]  # not called

    named, found = payloads(Named)
    key = found.received(named.received[0])
    assert found.objects[key]["correlationId"] == {"location": "$message.payload#/a~1b~0c"}
    assert "correlationId" not in found.objects[found.sent(named.sent[0])]


def test_errors_are_a_message() -> None:
    """All of a class's errors are one message, with its codes."""
    _, found = payloads(Assistant)
    assert found.error() == found.error() == "Error"
    assert [*found.components] == ["AssistantError"]
    error = found.objects["Error"]
    assert error["payload"] == {"$ref": "#/components/schemas/AssistantError"}
    assert error["x-error-codes"]["refused"] == "The user did not approve."
    assert error["examples"][0]["payload"]["code"] == "invalid_message"
    assert payloads(Loud)[1].error() is None
    assert payloads(Quiet)[1].error() is None


def test_calls_are_messages() -> None:
    """With a dialect, a message is a record, with the params or the result in it."""
    calculator, found = payloads(Calculator)
    add, say, fail = calculator.operations
    assert [found.called(it) for it in (add, say, fail)] == ["add", "say", "fail"]
    assert [found.answered(it) for it in (add, say, fail)] == [["add_result"], ["say_result"], []]
    called = found.objects["add"]
    assert called["summary"] == "Add two numbers."
    assert called["payload"]["properties"]["params"] == {"$ref": "#/components/schemas/add_params"}
    assert called["examples"] == [
        {
            "payload": {
                "jsonrpc": "2.0",
                "method": "add",
                "params": {"left": 1, "right": 1},
                "id": "1",
            }
        }
    ]
    result = found.objects["add_result"]
    assert (result["name"], result["title"]) == ("add result", "The result of add")
    assert result["payload"]["properties"]["result"] == {
        "anyOf": [{"type": "integer"}, {"type": "null"}]
    }
    assert found.error() == "Error"
    error = found.components["CalculatorError"]
    assert -32001 in error["properties"]["error"]["properties"]["code"]["enum"]


class Streaming(WebSocketEndpoint):
    encoding = "json"
    dialect = Pairs()

    @handles("count")
    async def count(self, websocket: WebSocket, to: int) -> AsyncIterator[int]:
        yield to


class Endless(Pairs):
    def write_end(self, id: Any) -> Any:
        return None


class Silent(Endless):
    def write_item(self, id: Any, item: Any) -> Any:
        return None


class EndlesslyStreaming(Streaming):
    dialect = Endless()


class SilentlyStreaming(Streaming):
    dialect = Silent()


def test_streams_have_items_and_an_end() -> None:
    """A call that is answered by a stream has a message for each."""
    streaming, found = payloads(Streaming)
    assert found.answered(streaming.operations[0]) == ["count_item", "count_end"]
    assert found.objects["count_end"]["payload"]["items"][1:] == [{"const": None}, {"const": False}]
    streaming, found = payloads(EndlesslyStreaming)
    assert found.answered(streaming.operations[0]) == ["count_item"]
    streaming, found = payloads(SilentlyStreaming)
    assert found.answered(streaming.operations[0]) == []


def test_records_that_can_not_be_told() -> None:
    """Of a dialect that writes no calls no more is told than what is in its records."""
    unreadable, found = payloads(Unreadable)
    (operation,) = unreadable.operations
    key = found.called(operation)
    assert found.objects[key]["payload"] == {
        "description": "A record of the protocol, with the params in it.",
        "x-params": {"$ref": "#/components/schemas/Tree"},
    }
    (answer,) = found.answered(operation)
    assert found.objects[answer]["payload"]["x-result"] == {"$ref": "#/components/schemas/Tree"}
    assert "examples" not in found.objects[answer]
    assert found.error() is None


@pytest.mark.parametrize(
    ("encoding", "annotation", "content_type"),
    [
        ("json", Say, "application/json"),
        ("json", bytes, "application/octet-stream"),
        ("json", str, "application/json"),
        ("msgpack", bytes, "application/msgpack"),
        ("text", str, "text/plain"),
        ("text", Annotated[str, Field(min_length=1)], "text/plain"),
        ("text", Any, "text/plain"),
        ("bytes", bytes, "application/octet-stream"),
        (None, str, "text/plain"),
        (None, bytes, "application/octet-stream"),
        (None, Any, "application/octet-stream"),
    ],
)
def test_message_has_a_media_type(encoding: Any, annotation: Any, content_type: str) -> None:
    """It is that of the encoding, or that of the frame that a message is."""

    async def on_receive(self: Any, websocket: WebSocket, data: Any) -> None: ...

    on_receive.__annotations__["data"] = annotation
    body = {"encoding": encoding, "on_receive": on_receive}
    description, found = payloads(type("Speaking", (WebSocketEndpoint,), body))
    key = found.received(description.received[0])
    assert found.objects[key]["contentType"] == content_type


def test_value_in_a_text_is_json() -> None:
    """Where messages are texts, one of another type is sent as JSON."""

    class Sending(WebSocketEndpoint):
        encoding = "text"
        sends = Said

    description, found = payloads(Sending)
    assert found.objects[found.sent(description.sent[0])]["contentType"] == "application/json"
