"""What a message has to pass before it is decoded: its size, its rate, and the time until it."""

import sys
from typing import Any

import pytest

from tests.connection.connections import S, connection_in
from tests.fake_server import FakeServer, binary, text
from tests.recording import Recording
from wsendpoints import ClientMessageError, Limits, Rate, WebSocket
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.intake import Intake
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.asgi import Event
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


def event_of(frame: str | bytes) -> Event:
    """Return the event that delivers a frame."""
    return text(frame) if isinstance(frame, str) else binary(frame)


def check(intake: Intake, frame: str | bytes) -> None:
    """Check a frame that is handled as it comes."""
    intake.check(frame, event_of(frame))


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
    check(await intake_of(max_message_size=limit), frame)
    with pytest.raises(MessageTooBigError) as caught:
        check(await intake_of(max_message_size=limit - 1), frame)
    assert str(caught.value) == f"max_message_size: a message may have {limit - 1} bytes"
    assert (caught.value.limit, caught.value.close_code) == ("max_message_size", 1009)


async def test_f12_message_over_the_rate_is_refused() -> None:
    """The error tells the rate; a token that has flowed in lets another message pass."""
    clock = StoppedClock()
    intake = await intake_of(clock, rate=Rate(4, per=2.5, burst=2))
    check(intake, "x")
    check(intake, "x")
    with pytest.raises(RateLimitedError) as caught:
        check(intake, "x")
    assert str(caught.value) == "rate: 4 messages in 2.5 s"
    assert (caught.value.limit, caught.value.close_code) == ("rate", 1008)
    clock.now += 0.625
    check(intake, "x")


async def test_f12_message_that_is_too_big_takes_its_token() -> None:
    """The rate counts every message that comes."""
    intake = await intake_of(rate=Rate(1), max_message_size=1)
    errors: list[type[ClientMessageError]] = []
    for _ in range(2):
        with pytest.raises(ClientMessageError) as caught:
            check(intake, "too big")
        errors.append(type(caught.value))
    assert errors == [MessageTooBigError, RateLimitedError]


# A message that waits for its turn.


async def test_message_that_waits_is_counted_when_it_comes() -> None:
    """What was within the rate when it came is within it, however late it is handled."""
    clock = StoppedClock()
    intake = await intake_of(clock, rate=Rate(1, per=1, burst=1))
    events = [text("x") for _ in range(3)]
    for event in events:
        intake.arrived(event)
        clock.now += 1
    for event in events:
        intake.check("x", event)
    intake.arrived(late := text("x"))
    intake.arrived(too_soon := text("x"))
    clock.now += 1000
    intake.check("x", late)
    with pytest.raises(RateLimitedError):
        intake.check("x", too_soon)


@pytest.mark.parametrize("frame", ["", "12345", b"", b"12345"], ids=repr)
async def test_message_that_waits_is_counted_once(frame: str | bytes) -> None:
    """An empty one as well; if the application takes it itself, it is the same."""
    intake = await intake_of(rate=Rate(1, burst=2), max_message_size=4)
    events = [event_of(frame), event_of(frame), event_of(frame)]
    for event in events:
        intake.arrived(event)
    refused = [type(caught) for event in events if (caught := refusal(intake, event))]
    assert refused == [*[MessageTooBigError] * (2 if frame else 0), RateLimitedError]


def refusal(intake: Intake, event: Event) -> Exception | None:
    """Return what a message that is taken is refused with."""
    try:
        intake.taken(event)
    except ClientMessageError as exc:
        return exc
    return None


@pytest.mark.parametrize(
    "event",
    [{}, {"text": None, "bytes": None}, {"text": 5}, {"bytes": "x"[:0], "text": None}],
    ids=repr,
)
async def test_event_without_a_frame_is_somebody_elses(event: Event) -> None:
    """It is the server's mistake, which shows where its frame is read."""
    intake = await intake_of(max_message_size=1)
    intake.arrived(event)
    intake.taken(event)


async def test_short_message_leaves_nothing_behind() -> None:
    """One that is surely within the limits is not looked at."""
    intake = await intake_of(max_message_size=100)
    event = text("short")
    intake.arrived(event)
    intake.taken(event)
    # One with the same id is counted as itself.
    event["text"] = "x" * 101
    with pytest.raises(MessageTooBigError):
        intake.taken(event)


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


async def test_intake_with_other_limits_takes_its_place() -> None:
    """What waits already is counted by it, when it is taken."""
    clock = StoppedClock()
    intake = await intake_of(clock, max_message_size=4)
    assert not intake.has_arrived
    event = event_of("12345")
    intake.arrived(event)
    assert intake.has_arrived
    wider = intake.limited_by(Limits(max_message_size=5, rate=Rate(1, per=1e9)))
    assert wider.has_arrived
    wider.check("12345", event)
    with pytest.raises(RateLimitedError):
        check(wider, "1")


async def test_message_that_passes_others_is_forgotten() -> None:
    """It exceeds no limit, and was counted; nobody else takes it."""
    intake = await intake_of(rate=Rate(2, per=1, burst=2))
    passing, last, refused = (text("x") for _ in range(3))
    for event in (passing, last, refused):
        intake.arrived(event)
    assert [intake.passes(event) for event in (passing, last, refused)] == [True, True, False]
    intake.forget(passing)
    intake.forget(passing)
    # Its place in memory may be that of another one.
    assert intake.passes(passing)
    intake.check("x", last)
    with pytest.raises(RateLimitedError):
        intake.check("x", refused)
