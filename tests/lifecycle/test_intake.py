"""What a message has to pass before it is decoded: its size, its rate, and the time until it."""

import sys
from typing import Any

import pytest

from tests.connection.connections import S, connection_in
from tests.fake_server import FakeServer
from tests.recording import Recording
from wsendpoints import ClientMessageError, Limits, Rate, WebSocket
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.intake import Intake
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.exceptions import MessageTooBigError, RateLimitedError
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class StoppedClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def intake_of(clock: StoppedClock | None = None, **limits: Any) -> Intake:
    """Return the intake of a connection, with no other limits on a message than these."""
    clock = clock or StoppedClock()
    none: dict[str, Any] = {"max_message_size": None}
    chosen = Limits(**{**none, **limits})
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    return Intake(chosen, Deadlines(chosen, tasks, clock), clock)


# Alone.


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        pytest.param({}, sys.maxsize, id="no limit"),
        pytest.param({"max_message_size": 4000}, 1000, id="size"),
        pytest.param({"max_message_size": 4003}, 1000, id="size, rounded down"),
        pytest.param({"max_message_size": 3}, 0, id="small size"),
        pytest.param({"rate": Rate(5)}, -1, id="rate"),
        pytest.param({"first_message_timeout": 5}, -1, id="first_message_timeout"),
        pytest.param({"idle_timeout": 5}, -1, id="idle_timeout"),
        pytest.param({"max_message_size": 4000, "rate": Rate(5)}, -1, id="size and rate"),
        pytest.param({"handler_timeout": 5}, sys.maxsize, id="a limit on something else"),
    ],
)
async def test_short_frame_needs_no_check(limits: dict[str, Any], length: int) -> None:
    """A frame of so many characters has at most four times as many bytes."""
    assert (await intake_of(**limits)).surely_passes == length


@pytest.mark.parametrize(
    ("frame", "limit"),
    [
        pytest.param("12345", 5, id="text"),
        pytest.param("äöü", 6, id="two bytes a character"),
        pytest.param(b"12345", 5, id="bytes"),
    ],
)
async def test_m13_message_of_the_greatest_size_passes(frame: str | bytes, limit: int) -> None:
    """The bytes of UTF-8 count, and one more is too much."""
    (await intake_of(max_message_size=limit)).check(frame)
    with pytest.raises(MessageTooBigError) as caught:
        (await intake_of(max_message_size=limit - 1)).check(frame)
    assert str(caught.value) == f"max_message_size: a message may have {limit - 1} bytes"
    assert (caught.value.limit, caught.value.close_code) == ("max_message_size", 1009)


async def test_f12_message_over_the_rate_is_refused() -> None:
    """The error tells the rate; a token that has flowed in lets another message pass."""
    clock = StoppedClock()
    intake = await intake_of(clock, rate=Rate(4, per=2.5, burst=2))
    intake.check("x")
    intake.check("x")
    with pytest.raises(RateLimitedError) as caught:
        intake.check("x")
    assert str(caught.value) == "rate: 4 messages in 2.5 s"
    assert (caught.value.limit, caught.value.close_code) == ("rate", 1008)
    clock.now += 0.625
    intake.check("x")


async def test_f12_message_that_is_too_big_takes_its_token() -> None:
    """The rate counts every message that comes."""
    intake = await intake_of(rate=Rate(1), max_message_size=1)
    errors: list[type[ClientMessageError]] = []
    for _ in range(2):
        with pytest.raises(ClientMessageError) as caught:
            intake.check("too big")
        errors.append(type(caught.value))
    assert errors == [MessageTooBigError, RateLimitedError]


# In a conversation.


@pytest.mark.parametrize("frame", ["1234567890", "äöüßé", b"1234567890"], ids=["a", "ä", "b"])
@pytest.mark.parametrize(("limit", "fits"), [(10, True), (9, False)], ids=["at", "over"])
async def test_messages_have_a_greatest_size(frame: str | bytes, limit: int, fits: bool) -> None:
    """M13: the bytes of UTF-8 count, and over the limit it closes with 1009."""

    class Echo(Recording):
        limits = Limits(max_message_size=limit)

        async def on_receive(self, websocket: WebSocket, data: str | bytes) -> str | bytes:
            return data

    async with connect(Echo.as_asgi()) as client:
        await client.send(frame)
        if fits:
            assert await client.receive() == frame
        else:
            await client.expect_close(1009, f"max_message_size: a message may have {limit} bytes")
    assert Echo.log[-1] == (1000 if fits else 1009)


async def test_messages_without_a_limit_may_be_large() -> None:
    """`None` is no limit."""

    class Count(Recording):
        limits = Limits(max_message_size=None)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return str(len(data))

    async with connect(Count.as_asgi()) as client:
        await client.send_text("x" * 3_000_000)
        assert await client.receive_text() == "3000000"


async def test_f12_messages_have_a_greatest_rate(caplog: pytest.LogCaptureFixture) -> None:
    """One more than the burst closes with 1008, before it is decoded."""

    class Counting(Recording):
        encoding = "json"
        limits = Limits(rate=Rate(messages=1, per=3600, burst=3))

        async def on_receive(self, websocket: WebSocket, data: int) -> int:
            return data

    async with connect(Counting.as_asgi()) as client:
        for number in range(3):
            await client.send_json(number)
            assert await client.receive_json() == number
        await client.send_text("{")
        await client.expect_close(1008, "rate: 1 messages in 3600 s")
    assert Counting.log == ["connect", "invalid", 1008]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
