"""The model of the default answer: it reads what an endpoint sends, and writes the same."""

from typing import Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from tests.some_messages import Say
from wsendpoints import ErrorDetails, ErrorMessage, ErrorReply, WebSocket, WebSocketEndpoint
from wsendpoints.messages.codec import encode_json
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    InvalidMessageError,
)
from wsendpoints.testing import connect

ERRORS = [
    ErrorDetails(loc=["items", 3, "name"], type="missing", msg="Field required"),
    ErrorDetails(loc=[], type="dict_type", msg="Input should be an object"),
]


class KindOfError(ErrorMessage):
    """That of an endpoint whose tag is `kind`."""

    type: Literal["error"] = Field("error", alias="kind")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(InvalidMessageError(ERRORS), id="errors"),
        pytest.param(InvalidMessageError(ERRORS, 7), id="more"),
    ],
)
@pytest.mark.parametrize(("model", "tag"), [(ErrorMessage, "type"), (KindOfError, "kind")])
def test_model_is_that_of_the_answer(
    error: ClientMessageError, model: type[ErrorMessage], tag: str
) -> None:
    """The JSON of the answer is read into the model, which is written as the same JSON."""
    answer = encode_json(ErrorWriter(tag, None).invalid(error, None))
    message = model.model_validate_json(answer)
    assert encode_json(message) == answer
    if isinstance(error, InvalidMessageError):
        assert (message.errors, message.more) == (error.errors, error.more)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ErrorReply("full"), id="code"),
        pytest.param(ErrorReply(4001, "no place"), id="number and message"),
        pytest.param(ErrorReply("full", "no place", {"places": 3}), id="details"),
    ],
)
@pytest.mark.parametrize(("model", "tag"), [(ErrorMessage, "type"), (KindOfError, "kind")])
def test_model_is_that_of_an_error_reply(
    error: ErrorReply, model: type[ErrorMessage], tag: str
) -> None:
    """What an application answers has its code, its message and its details alone."""
    answer = encode_json(ErrorWriter(tag, None).reply(error, None))
    message = model.model_validate_json(answer)
    assert encode_json(message) == answer
    assert (message.code, message.message, message.details) == error.args


@pytest.mark.parametrize(
    ("tag", "correlation_id", "told"),
    [
        ("type", "id", {"type": "error", "code": "full", "message": "no", "id": 7}),
        ("code", "id", {"code": "error", "code_": "full", "message": "no", "id": 7}),
        ("type", "code", {"type": "error", "code_": "full", "message": "no", "code": 7}),
        ("id", "id", {"id": "error", "code": "full", "message": "no"}),
        ("type", None, {"type": "error", "code": "full", "message": "no"}),
    ],
)
def test_no_field_of_the_endpoint_is_overwritten(
    tag: str, correlation_id: str | None, told: dict[str, Any]
) -> None:
    """Neither the tag nor the correlation id."""
    assert ErrorWriter(tag, correlation_id).reply(ErrorReply("full", "no"), 7) == told


def test_error_without_details_is_told_as_one() -> None:
    """A frame that is no message at all has no list of errors; it may have an id."""
    writer = ErrorWriter("type", "id")
    told = {"type": "error", "code": "invalid_message", "errors": ()}
    assert writer.invalid(ClientMessageError("bad"), None) == told
    assert writer.invalid(ClientMessageError("bad"), "5") == {**told, "id": "5"}


@pytest.mark.parametrize("bad", [{"loc": [1.5]}, {"type": 1}, {"msg": None}], ids=repr)
def test_details_are_validated(bad: dict[str, Any]) -> None:
    """An error is not just any dict."""
    with pytest.raises(ValidationError):
        TypeAdapter(ErrorMessage).validate_python({"errors": [{**ERRORS[0], **bad}]})


class Telling(WebSocketEndpoint):
    """Answers with the model itself, which it declares."""

    encoding = "json"
    sends = ErrorMessage

    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        """Take a message."""

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Tell of the first error alone."""
        assert isinstance(error, InvalidMessageError)
        await self.push(ErrorMessage(errors=error.errors[:1], more=len(error.errors) - 1))


@pytest.mark.anyio
async def test_model_can_be_declared_and_sent() -> None:
    """It is a message as any other: an endpoint sends it, and a test receives it."""
    async with connect(Telling.as_asgi()) as client:
        await client.send({"type": "say", "text": 5})
        message = await client.receive(ErrorMessage)
    assert [detail["loc"] for detail in message.errors] == [["text"]]
    assert message.more == 0
