"""Text and bytes that may or may not be JSON: M05 to M10 and M12."""

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, Field

from tests.faults.message_endpoints import Chat, JsonEcho, close_for, typed_and_not
from tests.faults.playing import MARKER, Noting, play
from wsendpoints import WebSocket

anyio_test = pytest.mark.anyio

QUOTED = f'{{"type":"say","text":"{MARKER}%s"}}'


@anyio_test
@typed_and_not
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param((QUOTED % "?").encode().replace(b"?", b"\xff"), id="no UTF-8"),
        pytest.param((QUOTED % "?").encode().replace(b"?", b"\xc0\xaf"), id="overlong"),
        pytest.param(
            (QUOTED % "?").encode().replace(b"?", b"\xed\xa0\xbd\xed\xb8\x80"), id="CESU-8"
        ),
        pytest.param((QUOTED % "?").encode().replace(b"?", b"\xe2\x82"), id="cut"),
        pytest.param((QUOTED % "").encode("utf-16"), id="UTF-16 with BOM"),
        pytest.param((QUOTED % "").encode("utf-16-le"), id="UTF-16"),
        pytest.param((QUOTED % "").encode("utf-32"), id="UTF-32"),
        pytest.param((QUOTED % "").encode("utf-8-sig"), id="UTF-8 with BOM"),
    ],
)
async def test_m05_json_in_bytes_must_be_utf_8(endpoint: type[Noting], frame: bytes) -> None:
    """No other encoding is guessed, and no bad byte is replaced."""
    await close_for(endpoint, frame, 1007)


@anyio_test
@typed_and_not
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param((QUOTED % "")[:-1], id="truncated"),
        pytest.param((QUOTED % "")[:-3], id="truncated in a string"),
        pytest.param(QUOTED % "" + "{}", id="trailing data"),
        pytest.param(QUOTED % "" + ",", id="trailing comma"),
        pytest.param(QUOTED % "" + "// comment", id="comment after"),
        pytest.param("/* comment */" + QUOTED % "", id="comment before"),
        pytest.param((QUOTED % "").replace('"', "'"), id="single quotes"),
        pytest.param("\ufeff" + QUOTED % "", id="BOM"),
        pytest.param(QUOTED % "\0", id="NUL in a string"),
        pytest.param(QUOTED % "" + "\0", id="NUL after"),
        pytest.param(QUOTED % "\n", id="line end in a string"),
        pytest.param(MARKER, id="a word"),
    ],
)
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m06_malformed_json_closes_with_1007(
    endpoint: type[Noting], frame: str, kind: type
) -> None:
    """Only JSON by RFC 8259 is accepted."""
    await close_for(endpoint, frame if kind is str else frame.encode(), 1007)


NOT_NUMBERS = ["NaN", "Infinity", "-Infinity"]


@anyio_test
@pytest.mark.parametrize("number", NOT_NUMBERS)
@pytest.mark.parametrize("shape", ["%s", "[%s]", '{"a":{"b":%s}}'], ids=["alone", "array", "deep"])
async def test_m07_what_is_no_number_is_no_json(number: str, shape: str) -> None:
    """RFC 8259, section 6: "Numeric values that cannot be represented" are "not permitted"."""
    await close_for(JsonEcho, shape % number, 1007)


class Loose(BaseModel):
    """Takes any float."""

    value: float


class Finite(BaseModel):
    """Takes finite floats."""

    value: float = Field(allow_inf_nan=False)


@anyio_test
@pytest.mark.parametrize("number", [*NOT_NUMBERS, "1e400", "-1e400"])
async def test_m07_model_takes_them_as_its_schema_says(number: str) -> None:
    """A model that allows NaN and infinities gets them, another is answered with an error."""

    class TakesAny(Noting):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Loose) -> bool:
            return math.isfinite(data.value)

    class TakesFinite(Noting):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Finite) -> None:
            self.log.append("received")

    frame = f'{{"value":{number}}}'
    async with play(TakesAny) as client:
        await client.send_text(frame)
        assert await client.receive_json() is False
    async with play(TakesFinite, debug="the message is not one") as client:
        await client.send_text(frame)
        assert (await client.receive_json())["errors"][0]["type"] == "finite_number"
    assert TakesFinite.log == ["connect", "invalid", 1000]


@dataclass
class Measured:
    """Holds a float."""

    value: float


class EchoesFloat(Noting):
    """Sends numbers back."""

    encoding = "json"


class EchoesModel(EchoesFloat):
    """Sends a model."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> Loose:
        return data


class EchoesDataclass(EchoesFloat):
    """Sends a dataclass."""

    async def on_receive(self, websocket: WebSocket, data: Measured) -> Measured:
        return data


class EchoesUnion(EchoesFloat):
    """Sends a member of a union."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> float | str:
        return data.value


class EchoesDict(EchoesFloat):
    """Sends a plain value with a float in it."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> dict[str, float]:
        return {"value": data.value}


class EchoesWithoutType(EchoesFloat):
    """Sends any value."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return data


class EchoesByHand(EchoesFloat):
    """Sends with `send_json`."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_json(data)


class EchoesByPush(EchoesFloat):
    """Sends with `push`."""

    sends = Loose

    async def on_receive(self, websocket: WebSocket, data: Loose) -> None:
        await self.push(data)


class EchoesStream(EchoesFloat):
    """Sends a stream."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> AsyncIterator[Loose]:
        yield data


@anyio_test
@pytest.mark.parametrize(
    "endpoint",
    [
        EchoesModel,
        EchoesDataclass,
        EchoesUnion,
        EchoesDict,
        EchoesWithoutType,
        EchoesByHand,
        EchoesByPush,
        EchoesStream,
    ],
    ids=lambda endpoint: endpoint.__name__,
)
@pytest.mark.parametrize("number", ["1e400", "-1e400"])
async def test_m07_no_client_makes_an_echo_fail(endpoint: type[Noting], number: str) -> None:
    """An infinity is sent as `null`, as by `JSON.stringify`."""
    async with play(endpoint) as client:
        await client.send_text(f'{{"value":{number}}}')
        assert await client.receive_text() in {'{"value":null}', "null"}


@anyio_test
@typed_and_not
@pytest.mark.parametrize("depth", [10_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"type":"say","text":'], ids=["[", "{"])
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m08_deep_nesting_closes_with_1007(
    endpoint: type[Noting], depth: int, opening: str, kind: type
) -> None:
    """The parser stops at 200 levels, so it neither exhausts the stack nor takes long."""
    depth = min(depth, 1_000_000 // len(opening))
    frame = opening * depth
    await close_for(endpoint, frame if kind is str else frame.encode(), 1007)


@anyio_test
@typed_and_not
@pytest.mark.parametrize("digits", [4_301, 1_000_000])
@pytest.mark.parametrize(
    "shape", ["%s", "-%s", '{"type":"say","numbers":[%s]}'], ids=["alone", "negative", "in a field"]
)
async def test_m09_long_integer_closes_with_1007(
    endpoint: type[Noting], digits: int, shape: str
) -> None:
    """It is refused, since Python would take quadratic time for it."""
    await close_for(endpoint, shape % ("7" * digits), 1007)


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame", "reply"),
    [
        pytest.param(JsonEcho, '{"a":1,"a":2}', {"a": 2}, id="any"),
        pytest.param(
            Chat,
            '{"type":"say","text":"first","text":"last"}',
            {"type": "say", "text": "last", "numbers": []},
            id="model",
        ),
        pytest.param(
            Chat,
            '{"type":"say","type":"rename","name":"x"}',
            {"type": "rename", "name": "x"},
            id="tag",
        ),
    ],
)
async def test_m10_last_of_duplicate_keys_wins(
    endpoint: type[Noting], frame: str, reply: Any
) -> None:
    """The last of duplicate keys counts, as in JavaScript and in Python."""
    async with play(endpoint) as client:
        await client.send_text(frame)
        assert await client.receive_json() == reply
        await client.close(1000)
    assert endpoint.log == ["connect", 1000]


@anyio_test
@typed_and_not
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(QUOTED % r"\ud800", id="high"),
        pytest.param(QUOTED % r"\udc00", id="low"),
        pytest.param(QUOTED % r"\udc00\ud800", id="reversed"),
        pytest.param(r'{"type":"say","\ud800":1}', id="key"),
        pytest.param(r'"\ud800"', id="alone"),
        pytest.param(QUOTED % "\ud800", id="unescaped"),
    ],
)
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m12_lone_surrogate_closes_with_1007(
    endpoint: type[Noting], frame: str, kind: type
) -> None:
    """It is refused, since it could not be sent back."""
    if kind is bytes:
        await close_for(endpoint, frame.encode(errors="surrogatepass"), 1007)
    else:
        await close_for(endpoint, frame, 1007)
