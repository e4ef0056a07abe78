"""The schema of error messages."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from tests.contract.endpoints import Assistant, Chat
from tests.some_messages import Said, Say
from wsendpoints import ErrorMessage, ErrorReply, WebSocket, WebSocketEndpoint
from wsendpoints.contract import ErrorMessages, describe
from wsendpoints.contract.errors import error_example, error_schema
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Coded(BaseModel):
    text: str = ""
    id: int


class Codes(WebSocketEndpoint):
    """It declares codes of both kinds."""

    encoding = "json"
    correlation_id = "id"
    error_codes: ClassVar[Any] = (7, 8)

    async def on_receive(self, websocket: WebSocket, data: Coded) -> None:
        raise ErrorReply(7, "seven", {"a": 1})


def errors_of(cls: Any) -> tuple[Mapping[str, Any], Mapping[str, Any], ErrorMessages]:
    """Return the schema of a class's error messages, an example, and the messages."""
    description = describe(cls)
    assert description.errors is not None
    errors = description.errors
    return error_schema(description, errors), error_example(errors), errors


def test_any_code_may_come_where_none_are_declared() -> None:
    """A class that declares no codes may have any."""
    schema, example, _ = errors_of(Chat)
    assert [*schema["properties"]] == ["type", "code", "errors", "more", "message", "details"]
    assert schema["required"] == ["type", "code"]
    assert schema["properties"]["type"] == {"const": "error", "type": "string"}
    assert schema["properties"]["code"] == {
        "description": "What kind of error it is.",
        "type": ["string", "integer"],
    }
    assert ErrorMessage.model_validate(example).errors[0]["msg"] == "Field required"


def test_declared_codes_are_listed() -> None:
    """With the library's own, and with the field that ties an error to its message."""
    schema, _, _ = errors_of(Assistant)
    assert schema["properties"]["code"] == {
        "description": "What kind of error it is.",
        "type": "string",
        "enum": ["invalid_message", "busy", "refused"],
    }
    assert schema["properties"]["id"]["type"] == ["string", "integer"]


def test_codes_of_both_kinds() -> None:
    """A code is a text or a number."""
    schema, example, _ = errors_of(Codes)
    assert schema["properties"]["code"]["type"] == ["integer", "string"]
    assert schema["properties"]["code"]["enum"] == ["invalid_message", 7, 8]
    assert example["code"] == "invalid_message"


@pytest.mark.parametrize(
    ("codes", "example"),
    [
        ({}, {"kind": "error", "code": "refused"}),
        ({"full": "No place."}, {"kind": "error", "code": "full", "text": "No place."}),
        ({7: ""}, {"kind": "error", "code": 7}),
    ],
)
def test_example_has_the_first_code(codes: Any, example: Any) -> None:
    """It has what the code stands for, if that is declared."""
    names = {"code": "code", "message": "text", "errors": "errors"}
    assert error_example(ErrorMessages(codes, False, "kind", names)) == example


async def test_messages_that_are_sent_are_of_the_schema() -> None:
    """What a class answers with has the fields that are described."""
    schema, _, _ = errors_of(Codes)
    async with connect(Codes) as client:
        for sent in ({"id": 5}, {"id": "x"}):
            await client.send_json(sent)
            answer = await client.receive_json()
            assert {*schema["required"]} <= {*answer} <= {*schema["properties"]}
            assert answer["code"] in schema["properties"]["code"]["enum"]


def test_class_with_an_id_for_a_tag_has_it_once() -> None:
    """The field that tells messages apart is the tag, whatever else it is."""

    class Odd(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "type"

        async def on_receive(self, websocket: WebSocket, data: Say) -> Said: ...  # type: ignore[empty-body]  # not called

    schema, _, _ = errors_of(Odd)
    assert schema["properties"]["type"] == {"const": "error", "type": "string"}
