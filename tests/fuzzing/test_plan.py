"""Which messages are sent."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tests.contract.endpoints import Calculator
from tests.contract.test_reading import Unknown
from tests.fuzzing.endpoints import Honest, Say, document_of
from tests.packing import unpack
from wsendpoints import Cookie, Header, WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract.reading import read_document
from wsendpoints.fuzzing.plan import ROUND, Plan, Sent


def sent(cls: Any, number: int = 200, seed: int = 1) -> list[Sent]:
    """Return messages for a class."""
    plan = Plan(read_document(document_of(cls), "it"), seed)
    return [plan.message(it) for it in range(number)]


def test_messages_are_of_each_kind() -> None:
    """Valid ones are valid, and answered."""
    found = sent(Honest)
    assert {it.kind for it in found} == {"valid", "nearly valid", "hostile"}
    for it in found:
        assert it.is_answered is (it.kind == "valid")
        if it.kind == "valid":
            Say.model_validate_json(it.frame)
    assert [it.number for it in found] == [*range(200)]


def test_same_seed_sends_the_same() -> None:
    """Each message depends on its number and the seed alone."""
    assert sent(Honest, 50) == sent(Honest, 50)
    assert sent(Honest, 50) != sent(Honest, 50, seed=2)


def test_endpoints_take_turns() -> None:
    """Each gets some messages in a row."""
    document = document_of(Honest)
    document["channels"]["Second"] = {**document["channels"]["Honest"], "address": "/second"}
    plan = Plan(read_document(document, "it"), 1)
    paths = [plan.handshake(it).path for it in (0, ROUND - 1, ROUND, 2 * ROUND)]
    assert paths == ["/", "/", "/second", "/"]


class Params(BaseModel):
    room: str
    colour: Literal["red & green"]
    size: int = 0
    odd: Annotated[str, Field(pattern="^no sample has this: [0-9]{17}$")] = ""


class Placed(WebSocketEndpoint):
    encoding = "text"
    params: Params
    subprotocols = ("a", "b")

    async def on_receive(self, websocket: WebSocket, data: str) -> str | None:
        """Take a text."""


def test_handshakes_have_parameters() -> None:
    """Required ones each time, others at times."""
    plan = Plan(read_document(document_of(Placed, "/rooms/{room}"), "it"), 1)
    found = [plan.handshake(it * ROUND) for it in range(40)]
    assert all(it.path.startswith("/rooms/") and "colour=red+%26+green" in it.path for it in found)
    assert 0 < sum("size=" in it.path for it in found) < 40
    assert any(it.path.endswith("odd=") for it in found)
    assert {it.subprotocol for it in found} == {None, "a", "b"}
    assert {it.encoding for it in found} == {"text"}


class Asked(BaseModel):
    tenant: Annotated[int, Header("X-Tenant")]
    languages: Annotated[list[str], Header("Accept-Language")] = []
    theme: Annotated[Literal["light", "dark; or"], Cookie()]
    font: Annotated[str, Cookie()] = ""


class Behind(WebSocketEndpoint):
    encoding = "text"
    params: Asked

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Take a text."""


def test_handshakes_have_headers_and_cookies() -> None:
    """Without what neither can have."""
    plan = Plan(read_document(document_of(Behind), "it"), 1)
    found = [plan.handshake(it * ROUND).headers for it in range(40)]
    assert all(it["x-tenant"].lstrip("-").isdigit() for it in found)
    assert {it["cookie"].split("; ")[0] for it in found} == {"theme=light", "theme=darkor"}
    assert 0 < sum("; font=" in it["cookie"] for it in found) < 40
    languages = [it["accept-language"] for it in found if "accept-language" in it]
    assert 0 < len(languages) < 40
    assert all(it.isascii() and it.isprintable() for it in languages)


def test_optional_answers_are_not_awaited() -> None:
    """Nor are those of a stream."""
    assert not any(it.is_answered for it in sent(Placed, 50))


class Packed(WebSocketEndpoint):
    encoding = "msgpack"

    async def on_receive(self, websocket: WebSocket, data: Say) -> None:
        """Take it."""


def test_values_are_written_in_the_encoding() -> None:
    """MessagePack has no integer beyond 64 bits."""
    found = sent(Packed, 2000)
    for it in found:
        if it.kind == "valid":
            assert isinstance(it.frame, bytes)
            Say.model_validate(unpack(it.frame))
    assert any(it.kind == "nearly valid" and it.frame == b"\xc1" for it in found)


class Frames(WebSocketEndpoint):
    @handles
    async def text(self, websocket: WebSocket, data: str) -> None:
        """Take a text."""

    @handles
    async def binary(self, websocket: WebSocket, data: bytes) -> None:
        """Take bytes."""


def test_frames_are_sent_as_they_are() -> None:
    """Texts and bytes are no JSON."""
    kinds = {type(it.frame) for it in sent(Frames) if it.kind == "valid"}
    assert kinds == {str, bytes}
    assert {"null", b"null"} <= {it.frame for it in sent(Frames, 2000) if it.kind == "nearly valid"}


def test_calls_are_valid_records() -> None:
    """With a dialect messages are its records."""
    records = [json.loads(it.frame) for it in sent(Calculator) if it.kind == "valid"]
    assert {it["method"] for it in records} == {"add", "say", "fail"}
    assert {it.kind for it in sent(Unknown)} == {"hostile"}


class Unmade(BaseModel):
    type: Literal["unmade"]
    text: Annotated[str, Field(pattern="^no sample has this: [0-9]{17}$")]


class Strange(WebSocketEndpoint):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Unmade) -> None:
        """Take it."""


def test_message_of_which_there_is_no_value() -> None:
    """Something else is sent in its place."""
    assert {it.kind for it in sent(Strange)} == {"hostile"}
