"""What a message may hold, and what becomes of it: M01 to M23."""

import math
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import from_json

from tests.faults.playing import MARKER, Echo, Noting, play
from wsendpoints import (
    ConfigurationError,
    ConfigurationWarning,
    Limits,
    ServerProtocolError,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Client, Dialect

anyio_test = pytest.mark.anyio


class Say(BaseModel):
    """What a client says."""

    type: Literal["say"] = "say"
    text: str = ""
    numbers: list[int] = []


class Rename(BaseModel):
    """Another thing that it says."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["rename"] = "rename"
    name: str = ""


class TextEcho(Echo):
    """Takes text alone."""

    encoding = "text"


class BytesEcho(Echo):
    """Takes bytes alone."""

    encoding = "bytes"


class JsonEcho(Noting):
    """Takes any JSON."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return data


class Chat(Noting):
    """Takes two types of messages."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Say:
        """Repeat it."""
        return data

    @handles
    async def rename(self, websocket: WebSocket, data: Rename) -> Rename:
        """Repeat it."""
        return data


typed_and_not = pytest.mark.parametrize("endpoint", [JsonEcho, Chat], ids=["any", "models"])


async def close_for(
    endpoint: type[Noting], frame: str | bytes, code: int, *, level: str = "INFO"
) -> None:
    """Send a frame for which the connection is closed."""
    async with play(endpoint, log=[level]) as client:
        await client.send(frame)
        await client.expect_close(code)
        await client.wait_for_app()
    assert endpoint.log == ["connect", "invalid", code]
    assert endpoint.sent_types() == ["accept", "close"]


async def check_open(client: Client) -> None:
    """Check that a `Chat` answers still."""
    await client.send_json({"type": "say", "text": "still there?"})
    assert (await client.receive(Say)).text == "still there?"


async def error_for(endpoint: type[Noting], frame: str | bytes) -> dict[str, Any]:
    """Send a frame that is answered with an error message, and return that."""
    async with play(endpoint, debug="the message is not one") as client:
        await client.send(frame)
        text = await client.receive_text()
        assert MARKER not in text
        assert len(text.encode()) <= 4096
        await client.send_json({"type": "say", "text": "still there?"})
        await client.receive()
        await client.close(1000)
    assert endpoint.log == ["connect", "invalid", 1000]
    assert len([line for line in endpoint.lines("DEBUG") if "the message is not one" in line]) == 1
    error: dict[str, Any] = from_json(text)
    assert (error["type"], error["code"]) == ("error", "invalid_message")
    assert all(set(detail) == {"loc", "type", "msg"} for detail in error["errors"])
    return error


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame"),
    [
        pytest.param(TextEcho, MARKER.encode(), id="bytes for text"),
        pytest.param(BytesEcho, MARKER, id="text for bytes"),
    ],
)
async def test_m01_frame_of_the_other_kind_closes_with_1003(
    endpoint: type[Echo], frame: str | bytes
) -> None:
    """A client that sends text for bytes, or the reverse, is told so."""
    await close_for(endpoint, frame, 1003)


@anyio_test
@pytest.mark.parametrize(
    ("event", "frame"),
    [
        pytest.param({"text": None, "bytes": b"x"}, b"x", id="bytes"),
        pytest.param({"text": "x", "bytes": None}, "x", id="text"),
    ],
)
async def test_m02_event_with_both_keys_is_normal(event: Event, frame: str | bytes) -> None:
    """That is how hypercorn gives them: one of the two is `None`."""

    class Both(Echo):
        pass

    async with play(Both) as client:
        await client.send_event({"type": "websocket.receive", **event})
        assert await client.receive() == frame
        await client.close(1000)
    assert Both.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="neither"),
        pytest.param({"text": None, "bytes": None}, id="both None"),
        pytest.param({"text": MARKER, "bytes": b"x"}, id="both"),
        pytest.param({"text": "", "bytes": b""}, id="both empty"),
        pytest.param({"text": b"x"}, id="text of bytes"),
        pytest.param({"bytes": MARKER}, id="bytes of str"),
        pytest.param({"bytes": bytearray(b"x")}, id="bytes of bytearray"),
        pytest.param({"bytes": memoryview(b"x")}, id="bytes of memoryview"),
        pytest.param({"text": 1}, id="text of int"),
    ],
)
async def test_m03_event_without_one_frame_is_the_servers_fault(event: Event) -> None:
    """It closes with 1011, and the server gets the exception."""

    class Told(Echo):
        pass

    async with play(Told, raises=ServerProtocolError) as client:
        await client.send_event({"type": "websocket.receive", **event})
        await client.expect_close(1011, "")
    assert Told.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame"),
    [
        pytest.param(TextEcho, "", id="text"),
        pytest.param(BytesEcho, b"", id="bytes"),
        pytest.param(Echo, "", id="either, text"),
        pytest.param(Echo, b"", id="either, bytes"),
    ],
)
async def test_m04_empty_message_is_a_message(endpoint: type[Echo], frame: str | bytes) -> None:
    """An empty frame is handled as any other."""
    async with play(endpoint) as client:
        await client.send(frame)
        assert await client.receive() == frame
        await client.close(1000)
    assert endpoint.log == ["connect", 1000]


@anyio_test
@typed_and_not
@pytest.mark.parametrize("frame", ["", b""], ids=["text", "bytes"])
async def test_m04_empty_message_is_no_json(endpoint: type[Noting], frame: str | bytes) -> None:
    """An empty frame is not JSON, which has no empty text."""
    await close_for(endpoint, frame, 1007)


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
    """No other encoding is guessed, and nothing is repaired."""
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
    """What is not JSON by RFC 8259 is not taken for it."""
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
    """A model that takes them gets them; one that does not is answered with an error."""

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
    """As a model."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> Loose:
        return data


class EchoesDataclass(EchoesFloat):
    """As a dataclass."""

    async def on_receive(self, websocket: WebSocket, data: Measured) -> Measured:
        return data


class EchoesUnion(EchoesFloat):
    """As a member of a union."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> float | str:
        return data.value


class EchoesDict(EchoesFloat):
    """As a part of a plain value."""

    async def on_receive(self, websocket: WebSocket, data: Loose) -> dict[str, float]:
        return {"value": data.value}


class EchoesWithoutType(EchoesFloat):
    """As what it is."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        return data


class EchoesByHand(EchoesFloat):
    """By `send_json`."""

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_json(data)


class EchoesByPush(EchoesFloat):
    """By `push`."""

    sends = Loose

    async def on_receive(self, websocket: WebSocket, data: Loose) -> None:
        await self.push(data)


class EchoesStream(EchoesFloat):
    """In a stream."""

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
    """Infinity is sent as `null`, as `JSON.stringify` does."""
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
    """It neither exhausts the stack nor takes long: the parser stops at 200 levels."""
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
    """Python would take quadratic time for it."""
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
    """As in JavaScript and in Python."""
    async with play(endpoint) as client:
        await client.send_text(frame)
        assert await client.receive_json() == reply
        await client.close(1000)
    assert endpoint.log == ["connect", 1000]


@cache
def million_keys() -> str:
    """Return an object of a million keys."""
    return "{" + ",".join(f'"{number:07}":1' for number in range(1_000_000)) + "}"


@anyio_test
@typed_and_not
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m11_million_keys_are_too_big(endpoint: type[Noting], kind: type) -> None:
    """The size is looked at before anything is parsed."""
    frame = million_keys()
    await close_for(endpoint, frame if kind is str else frame.encode(), 1009)


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
    """It could not be sent back."""
    if kind is bytes:
        await close_for(endpoint, frame.encode(errors="surrogatepass"), 1007)
    else:
        await close_for(endpoint, frame, 1007)


@anyio_test
@pytest.mark.parametrize("character", ["x", "é", "€", "😀"], ids=["1", "2", "3", "4"])
@pytest.mark.parametrize("over", [-1, 0, 1], ids=["below", "at", "over"])
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
async def test_m13_bytes_of_utf_8_are_counted(character: str, over: int, kind: type) -> None:
    """A message over the limit closes with 1009, one at it is handled."""

    class Limited(Echo):
        limits = Limits(max_message_size=1200)

    size = 1200 // len(character.encode())
    text = character * size + ("+" if over > 0 else "")
    text = text[1:] if over < 0 else text
    frame = text if kind is str else text.encode()
    if over > 0:
        await close_for(Limited, frame, 1009)
    else:
        async with play(Limited) as client:
            await client.send(frame)
            assert await client.receive() == frame
            await client.close(1000)
        assert Limited.log == ["connect", 1000]


TAGS = ["[]", "{}", "1", "null", "true", "1.5", '""', '"SAY"', f'"{MARKER}"', '["say"]']


@anyio_test
@pytest.mark.parametrize("tag", TAGS)
async def test_m14_odd_tag_is_answered(tag: str) -> None:
    """The client is told which tags there are, and stays."""
    error = await error_for(Chat, f'{{"type":{tag},"text":"{MARKER}"}}')
    assert error["errors"] == [
        {
            "loc": [],
            "type": "union_tag_invalid",
            "msg": "The value of 'type' is none of those expected: 'say', 'rename'",
        }
    ]


@anyio_test
@pytest.mark.parametrize("frame", ["{}", f'{{"text":"{MARKER}"}}'])
async def test_m14_missing_tag_is_answered(frame: str) -> None:
    """The client is told which field is missing, and stays."""
    error = await error_for(Chat, frame)
    assert [detail["type"] for detail in error["errors"]] == ["union_tag_not_found"]


class Extras(BaseModel):
    """What the three have in common."""

    type: Literal["say"] = "say"
    text: str = ""


class Forbids(Extras):
    """Takes its own fields alone."""

    model_config = ConfigDict(extra="forbid")


class Ignores(Extras):
    """Takes no notice of other fields."""

    model_config = ConfigDict(extra="ignore")


class Allows(Extras):
    """Keeps other fields."""

    model_config = ConfigDict(extra="allow")


class TakesForbids(Noting):
    """Takes the first."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Forbids) -> Forbids:
        return data


class TakesIgnores(Noting):
    """Takes the second."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Ignores) -> Ignores:
        return data


class TakesAllows(Noting):
    """Takes the third."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Allows) -> Allows:
        return data


@anyio_test
async def test_m15_extra_fields_may_be_forbidden() -> None:
    """They are answered with an error then."""
    error = await error_for(TakesForbids, f'{{"type":"say","more":"{MARKER}"}}')
    assert error["errors"] == [
        {"loc": ["more"], "type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
    ]


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "extra"), [(TakesIgnores, {}), (TakesAllows, {"more": MARKER})]
)
async def test_m15_extra_fields_are_taken_as_the_schema_says(
    endpoint: type[Noting], extra: dict[str, str]
) -> None:
    """They are ignored, which is pydantic's default, or kept."""
    async with play(endpoint) as client:
        await client.send_json({"type": "say", "text": "x", "more": MARKER})
        assert await client.receive_json() == {"type": "say", "text": "x", **extra}
        await client.close(1000)
    assert endpoint.log == ["connect", 1000]


@anyio_test
@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param('"x"', id="short"),
        pytest.param(f'"{MARKER}"', id="of the peer's"),
        pytest.param('{"%s":1}', id="objects"),
    ],
)
async def test_m16_error_message_is_small(numbers: str) -> None:
    """Of a hundred thousand errors ten are told, and how many more there are."""
    count = 100_000 if len(numbers) < 10 else 50_000
    items = ",".join([numbers] * count)
    error = await error_for(Chat, f'{{"type":"say","numbers":[{items}]}}')
    assert [detail["loc"] for detail in error["errors"]] == [["numbers", i] for i in range(10)]
    assert error["more"] == count - 10


class Quoting(BaseModel):
    """Its validators put the value into their texts."""

    type: Literal["quoting"] = "quoting"
    value: str = ""
    other: int = 0
    asserted: str = ""
    nested: Say | None = None

    @field_validator("value")
    @classmethod
    def check_value(cls, value: str) -> str:
        """Quote it."""
        if value:
            raise ValueError(f"{value} is not known")
        return value

    @field_validator("asserted")
    @classmethod
    def check_asserted(cls, value: str, info: ValidationInfo) -> str:
        """Quote it."""
        if value:
            raise AssertionError(f"{info.field_name} is {value!r}")
        return value


class TakesQuoting(Chat):
    """Takes them besides."""

    @handles
    async def quoting(self, websocket: WebSocket, data: Quoting) -> None:
        """Take no notice."""


@anyio_test
@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        pytest.param('"value":"%s"', ["value"], id="ValueError"),
        pytest.param('"asserted":"%s"', ["asserted"], id="AssertionError"),
        pytest.param('"other":"%s"', ["other"], id="type"),
        pytest.param('"other":1e99,"x":"%s"', ["other"], id="number"),
        pytest.param('"nested":["%s"]', ["nested"], id="class"),
        pytest.param('"nested":{"type":"%s"}', ["nested", "type"], id="literal"),
        pytest.param('"nested":{"text":["%s"]}', ["nested", "text"], id="deep"),
    ],
)
async def test_m17_error_holds_place_kind_and_text_alone(fields: str, loc: list[str]) -> None:
    """No input, no URL, no context, and no class of the application's."""
    error = await error_for(TakesQuoting, f'{{"type":"quoting",{fields % MARKER}}}')
    (detail,) = error["errors"]
    assert detail["loc"] == loc
    assert "http" not in detail["msg"]
    assert not re.search("Say|Quoting|Chat", detail["msg"])


@anyio_test
@pytest.mark.parametrize("size", [1, 10_000])
async def test_m17_tag_of_the_client_is_not_sent_back(size: int) -> None:
    """Pydantic quotes the whole tag in its text."""
    error = await error_for(TakesQuoting, f'{{"type":"{MARKER * size}"}}')
    assert len(error["errors"][0]["msg"]) < 201


@anyio_test
async def test_m18_ten_invalid_messages_in_a_row_close() -> None:
    """Each is answered, then: 1008."""
    async with play(Chat, log=["WARNING"], debug="the message is not one") as client:
        for _ in range(10):
            await client.send_text(f'{{"type":"{MARKER}"}}')
            assert (await client.receive_json())["code"] == "invalid_message"
        await client.expect_close(1008, "max_invalid: 10 invalid messages in a row")
        await client.wait_for_app()
    assert Chat.log == ["connect", *["invalid"] * 10, 1008]


@anyio_test
async def test_m18_valid_message_begins_the_count_anew() -> None:
    """Nine, a valid one, and nine more are no ten in a row."""
    async with play(Chat) as client:
        for _ in range(3):
            for _ in range(9):
                await client.send_text("{}")
                assert (await client.receive_json())["code"] == "invalid_message"
            await check_open(client)
        await client.close(1000)
    assert Chat.log == ["connect", *["invalid"] * 27, 1000]


class One(BaseModel):
    """Has no field that tells it from the other."""

    a: int = 0


class Other(BaseModel):
    """Has none either."""

    b: int = 0


def test_m19_union_that_nothing_tells_apart_is_warned_of() -> None:
    """Each message is tried against all of its members."""
    with pytest.warns(ConfigurationWarning, match="nothing tells One, Other apart") as warned:

        class Slow(WebSocketEndpoint):  # pyright: ignore[reportUnusedClass]  # made
            encoding = "json"

            async def on_receive(self, websocket: WebSocket, data: One | Other) -> None:
                pass

    assert len(warned) == 1
    assert warned[0].filename == __file__


@anyio_test
@pytest.mark.parametrize(
    "tag",
    ["_private", ".x", "__init__", "on_disconnect", "on_connect", "__class__", "say.__call__"],
)
async def test_m20_tag_that_names_a_part_of_the_class_is_unknown(tag: str) -> None:
    """A tag is looked up in the table of messages, never on the class."""
    error = await error_for(Chat, f'{{"type":"{tag}","text":"{MARKER}"}}')
    assert [detail["type"] for detail in error["errors"]] == ["union_tag_invalid"]


class Matching(BaseModel):
    """Has a pattern that takes exponential time where an engine backtracks."""

    type: Literal["say"] = "say"
    text: str = Field(default="", pattern=r"^(a+)+$")


class TakesMatching(Noting):
    """Takes it."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Matching) -> None:
        self.log.append("received")


@anyio_test
async def test_m21_pattern_takes_linear_time() -> None:
    """This would take longer than the universe is old where an engine backtracks."""
    async with play(TakesMatching, debug="the message is not one") as client:
        await client.send_json({"type": "say", "text": "a" * 100_000 + "!"})
        error = await client.receive_json()
        assert error["errors"][0]["type"] == "string_pattern_mismatch"


SURROGATE = "\ud800"


class Unprintable:
    """What no JSON is made of."""


async def give(endpoint: Noting, how: str, value: Any) -> Any:
    """Send a value in one of the ways there are."""
    websocket = endpoint.websocket
    match how:
        case "reply":
            return value
        case "push":
            await endpoint.push(value)
        case "text":
            await websocket.send_text(value)
        case "bytes":
            await websocket.send_bytes(value)
        case "json":
            await websocket.send_json(value)
        case _:
            await websocket.send({"type": "websocket.send", **value})
    return None


@anyio_test
@pytest.mark.parametrize(
    ("how", "value", "error"),
    [
        pytest.param("reply", SURROGATE, ValueError, id="surrogate, reply"),
        pytest.param("reply", [SURROGATE], ValueError, id="surrogate, nested"),
        pytest.param(
            "reply", Say.model_construct(text=SURROGATE), ValueError, id="surrogate, model"
        ),
        pytest.param("push", SURROGATE, ValueError, id="surrogate, push"),
        pytest.param("text", SURROGATE, ValueError, id="surrogate, text"),
        pytest.param("json", SURROGATE, ValueError, id="surrogate, json"),
        pytest.param("event", {"text": SURROGATE}, ValueError, id="surrogate, event"),
        pytest.param("reply", Unprintable(), ValueError, id="object, reply"),
        pytest.param("reply", {"a": [Unprintable()]}, ValueError, id="object, nested"),
        pytest.param("push", Unprintable(), ValueError, id="object, push"),
        pytest.param("json", Unprintable(), ValueError, id="object, json"),
        pytest.param("text", b"x", TypeError, id="bytes, text"),
        pytest.param("text", 1, TypeError, id="int, text"),
        pytest.param("text", None, TypeError, id="None, text"),
        pytest.param("bytes", "x", TypeError, id="str, bytes"),
        pytest.param("bytes", 1, TypeError, id="int, bytes"),
        pytest.param("bytes", None, TypeError, id="None, bytes"),
        pytest.param("event", {"bytes": "x"}, TypeError, id="str, event"),
        pytest.param("event", {"text": b"x"}, TypeError, id="bytes, event"),
        pytest.param("event", {}, ValueError, id="no frame, event"),
        pytest.param("event", {"text": "x", "bytes": b"x"}, ValueError, id="two frames, event"),
    ],
)
async def test_m22_what_cannot_be_sent_never_reaches_the_server(
    how: str, value: Any, error: type[Exception]
) -> None:
    """Some servers would send an empty message, some would end the connection."""

    class Sends(Noting):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            return await give(self, how, value)

    async with play(Sends, raises=error) as client:
        await client.send_json(MARKER)
        await client.expect_close(1011, "")
    assert Sends.sent_types() == ["accept", "close"]
    assert Sends.log == ["connect", 1011]


@anyio_test
@pytest.mark.parametrize(
    ("base", "value"),
    [
        pytest.param(TextEcho, b"x", id="bytes for text"),
        pytest.param(TextEcho, bytearray(b"x"), id="bytearray for text"),
        pytest.param(TextEcho, SURROGATE, id="surrogate"),
        pytest.param(BytesEcho, "x", id="str for bytes"),
    ],
)
async def test_m22_reply_of_the_wrong_kind_never_reaches_the_server(
    base: type[Echo], value: Any
) -> None:
    """A reply is as the encoding says."""

    class Sends(base):  # type: ignore[valid-type, misc]  # either
        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            return value

    endpoint: type[Noting] = Sends
    error = ValueError if value is SURROGATE else ConfigurationError
    async with play(endpoint, raises=error) as client:
        await client.send(b"x" if base is BytesEcho else "x")
        await client.expect_close(1011, "")
    assert endpoint.sent_types() == ["accept", "close"]


@anyio_test
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("how", ["reply", "push", "bytes", "event"])
async def test_m22_what_is_like_bytes_is_sent_as_bytes(
    kind: Callable[[bytes], Any], how: str
) -> None:
    """Servers take bytes alone."""

    class Sends(BytesEcho):
        async def on_receive(self, websocket: WebSocket, data: Any) -> Any:
            value = kind(data)
            return await give(self, how, {"bytes": value} if how == "event" else value)

    async with play(Sends) as client:
        await client.send_bytes(b"\x00\xff")
        assert await client.receive_bytes() == b"\x00\xff"
    assert type(Sends.sent[1]["bytes"]) is bytes


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "frame", "event"),
    [
        pytest.param(TextEcho, "", {"type": "websocket.send", "text": ""}, id="text"),
        pytest.param(BytesEcho, b"", {"type": "websocket.send", "bytes": b""}, id="bytes"),
    ],
)
async def test_m23_empty_message_is_given_to_the_server(
    endpoint: type[Echo], frame: str | bytes, event: Event
) -> None:
    """An empty message is delivered as any other; but daphne drops it, which is documented."""
    async with play(endpoint, server=Dialect()) as client:
        await client.send(frame)
        assert await client.receive() == frame
    assert endpoint.sent[1] == event
