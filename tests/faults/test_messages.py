"""JSON that is not one of the messages expected: M14 to M21."""

import re
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from tests.faults.message_endpoints import Chat, check_open, error_for
from tests.faults.playing import MARKER, Noting, play
from tests.some_messages import Say
from wsendpoints import ConfigurationWarning, WebSocket, WebSocketEndpoint, handles

anyio_test = pytest.mark.anyio

TAGS = ["[]", "{}", "1", "null", "true", "1.5", '""', '"SAY"', f'"{MARKER}"', '["say"]']


@anyio_test
@pytest.mark.parametrize("tag", TAGS)
async def test_m14_odd_tag_is_answered(tag: str) -> None:
    """The client is told which tags there are, and the connection stays open."""
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
    """The client is told which field is missing, and the connection stays open."""
    error = await error_for(Chat, frame)
    assert [detail["type"] for detail in error["errors"]] == ["union_tag_not_found"]


class Extras(BaseModel):
    """The fields of the three below."""

    type: Literal["say"] = "say"
    text: str = ""


class Forbids(Extras):
    """Forbids extra fields."""

    model_config = ConfigDict(extra="forbid")


class Ignores(Extras):
    """Ignores extra fields."""

    model_config = ConfigDict(extra="ignore")


class Allows(Extras):
    """Keeps extra fields."""

    model_config = ConfigDict(extra="allow")


class TakesForbids(Noting):
    """Takes `Forbids`."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Forbids) -> Forbids:
        return data


class TakesIgnores(Noting):
    """Takes `Ignores`."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Ignores) -> Ignores:
        return data


class TakesAllows(Noting):
    """Takes `Allows`."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Allows) -> Allows:
        return data


@anyio_test
async def test_m15_extra_fields_may_be_forbidden() -> None:
    """A model that forbids extra fields answers them with an error."""
    error = await error_for(TakesForbids, f'{{"type":"say","more":"{MARKER}"}}')
    assert error["errors"] == [
        {"loc": [], "type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
    ]


@anyio_test
@pytest.mark.parametrize(
    ("endpoint", "extra"), [(TakesIgnores, {}), (TakesAllows, {"more": MARKER})]
)
async def test_m15_extra_fields_are_taken_as_the_schema_says(
    endpoint: type[Noting], extra: dict[str, str]
) -> None:
    """Extra fields are ignored, which is pydantic's default, or kept."""
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
    """Of a hundred thousand errors the first is told: a list ends there."""
    count = 100_000 if len(numbers) < 10 else 50_000
    items = ",".join(["1", *[numbers] * count])
    error = await error_for(Chat, f'{{"type":"say","numbers":[{items}]}}')
    assert [detail["loc"] for detail in error["errors"]] == [["numbers", 1]]
    assert "more" not in error


class Wide(BaseModel):
    """A message of many fields."""

    type: Literal["wide"]
    a: int
    b: int
    c: int
    d: int
    e: int
    f: int
    g: int
    h: int
    i: int
    j: int
    k: int
    m: int


class TakesWide(Chat):
    """Takes it, too."""

    @handles
    async def wide(self, websocket: WebSocket, data: Wide) -> None:
        """Take no notice."""


@anyio_test
async def test_m16_at_most_ten_errors_are_told() -> None:
    """And how many more there are."""
    error = await error_for(TakesWide, '{"type":"wide"}')
    assert [detail["loc"] for detail in error["errors"]] == [[name] for name in "abcdefghij"]
    assert error["more"] == 2


class Quoting(BaseModel):
    """A message whose validators quote the value in their errors."""

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
    """Takes `Quoting` too."""

    @handles
    async def quoting(self, websocket: WebSocket, data: Quoting) -> None:
        """Ignore it."""


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
    """An error holds no input, no URL, no context, and no name of a class."""
    error = await error_for(TakesQuoting, f'{{"type":"quoting",{fields % MARKER}}}')
    (detail,) = error["errors"]
    assert detail["loc"] == loc
    assert "http" not in detail["msg"]
    assert not re.search("Say|Quoting|Chat", detail["msg"])


@anyio_test
@pytest.mark.parametrize("size", [1, 10_000])
async def test_m17_tag_of_the_client_is_not_sent_back(size: int) -> None:
    """An unknown tag is not quoted, though pydantic quotes all of it."""
    error = await error_for(TakesQuoting, f'{{"type":"{MARKER * size}"}}')
    assert len(error["errors"][0]["msg"]) < 201


@anyio_test
async def test_m18_ten_invalid_messages_in_a_row_close() -> None:
    """Each of the ten is answered with an error, and the last one closes with 1008."""
    async with play(Chat, log=["WARNING"], debug="the message is not one") as client:
        for _ in range(10):
            await client.send_text(f'{{"type":"{MARKER}"}}')
            assert (await client.receive_json())["code"] == "invalid_message"
        await client.expect_close(1008, "max_invalid: 10 invalid messages in a row")
        await client.wait_for_app()
    assert Chat.log == ["connect", *["invalid"] * 10, 1008]


@anyio_test
async def test_m18_valid_message_begins_the_count_anew() -> None:
    """A valid message resets the count of invalid ones."""
    async with play(Chat) as client:
        for _ in range(3):
            for _ in range(9):
                await client.send_text("{}")
                assert (await client.receive_json())["code"] == "invalid_message"
            await check_open(client)
        await client.close(1000)
    assert Chat.log == ["connect", *["invalid"] * 27, 1000]


class One(BaseModel):
    """Has no field to tell it from `Other`."""

    a: int = 0


class Other(BaseModel):
    """Has no field to tell it from `One`."""

    b: int = 0


def test_m19_union_that_nothing_tells_apart_is_warned_of() -> None:
    """A union without a discriminator is warned of: each message is tried against all members."""
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
    """Has a pattern that takes exponential time in an engine that backtracks."""

    type: Literal["say"] = "say"
    text: str = Field(default="", pattern=r"^(a+)+$")


class TakesMatching(Noting):
    """Takes `Matching`."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Matching) -> None:
        self.log.append("received")


@anyio_test
async def test_m21_pattern_takes_linear_time() -> None:
    """A pattern that is exponential in an engine that backtracks takes linear time."""
    async with play(TakesMatching, debug="the message is not one") as client:
        await client.send_json({"type": "say", "text": "a" * 100_000 + "!"})
        error = await client.receive_json()
        assert error["errors"][0]["type"] == "string_pattern_mismatch"
