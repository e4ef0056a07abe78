"""The limits of a connection in time and number: what ends it, and what the client is told."""

import logging
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import time

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ConfigurationError, Limits, Rate, WebSocket
from wsendpoints.protocol.limits import RateLimiter
from wsendpoints.testing import Dialect, HandshakeDenied, ServerName, connect

pytestmark = pytest.mark.anyio

SOON = 0.01
NEVER = 3600


class Echo(Recording):
    """Says it again."""

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


def is_bounded() -> bool:
    """Return whether a deadline is set for what runs now."""
    return anyio.current_effective_deadline() < math.inf


def with_limits(limits: Limits) -> type[Echo]:
    """Return an echo with these limits."""

    class Limited(Echo):
        pass

    Limited.limits = limits
    return Limited


# The handshake.


async def test_f02_on_connect_that_hangs_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A client that is kept waiting for its answer is refused, and no other hook runs."""

    class Hanging(Recording):
        limits = Limits(connect_timeout=SOON)

        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep_forever()

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(Hanging.as_asgi()):
            pass
    assert denied.value.status == 403
    assert Hanging.log == []
    assert caplog.messages[0].endswith("connect_timeout: 0.01 s: the client is refused")


@pytest.mark.parametrize("limit", [NEVER, None])
async def test_connect_timeout_ends_with_the_accept(limit: float | None) -> None:
    """What `on_connect` does once it accepted may take its time, and so may the handlers."""

    class Waiting(Recording):
        limits = Limits(connect_timeout=limit)

        async def on_connect(self, websocket: WebSocket) -> None:
            await checkpoint()
            self.log.append(is_bounded())
            await websocket.accept()
            self.log.append(is_bounded())

        async def on_receive(self, websocket: WebSocket, data: str) -> bool:
            return is_bounded()

    async with connect(Waiting.as_asgi()) as client:
        assert Waiting.log == [limit is not None, False]
        await client.send_text("x")
        assert await client.receive_text() == "false"


@pytest.mark.parametrize(
    ("extension", "status"), [pytest.param(True, 503, id="503"), pytest.param(False, 403, id="403")]
)
async def test_f13_connections_have_a_greatest_number(extension: bool, status: int) -> None:
    """One more is refused before any hook runs, and there is room again once one ends."""
    app = with_limits(Limits(max_connections=2)).as_asgi()
    server = Dialect(denial_response=extension)
    async with connect(app, server=server):
        async with connect(app, server=server) as second:
            with pytest.raises(HandshakeDenied) as denied:
                async with connect(app, server=server):
                    pass
            assert denied.value.status == status
            await second.close()
        async with connect(app, server=server) as third:
            await third.send_text("x")
            assert await third.receive_text() == "x"


async def test_f13_every_ending_makes_room() -> None:
    """A refusal and a failure free the slot as a close does."""

    class Moody(Recording):
        limits = Limits(max_connections=1)

        async def on_connect(self, websocket: WebSocket) -> None:
            mood = websocket.query_params.get("mood")
            if mood == "refuse":
                await websocket.close()
            elif mood == "fail":
                raise ValueError(mood)
            else:
                await websocket.accept()

    app = Moody.as_asgi()
    for mood, error in (("refuse", HandshakeDenied), ("fail", ValueError)):
        with pytest.raises(error):
            async with connect(app, f"/?mood={mood}"):
                pass
    async with connect(app) as client:
        client.vanish()
        await client.wait_for_app()
    async with connect(app):
        pass


# Messages.


async def test_f01_client_that_says_nothing_is_closed() -> None:
    """`first_message_timeout` closes with 1008."""
    app = with_limits(Limits(first_message_timeout=SOON))
    async with connect(app.as_asgi()) as client:
        await client.expect_close(1008, "first_message_timeout: 0.01 s")
    assert app.log == ["connect", 1008]


async def test_f01_first_message_is_enough() -> None:
    """After it, a client may be silent."""

    class Greeting(Recording):
        limits = Limits(first_message_timeout=NEVER)

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.log.append(is_bounded())

        async def on_receive(self, websocket: WebSocket, data: str) -> bool:
            return is_bounded()

    async with connect(Greeting.as_asgi()) as client:
        assert Greeting.log == [True]
        await client.send_text("x")
        assert await client.receive_text() == "false"


async def test_f12_messages_have_a_greatest_rate(caplog: pytest.LogCaptureFixture) -> None:
    """One more than the burst closes with 1008, before it is decoded."""

    class Counting(Recording):
        encoding = "json"
        limits = Limits(rate=Rate(messages=1, per=NEVER, burst=3))

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


@pytest.mark.parametrize(
    ("rate", "moments", "allowed"),
    [
        pytest.param(Rate(2), [0, 0, 0], [True, True, False], id="burst is the rate"),
        pytest.param(Rate(2, burst=1), [0, 0, 0.4, 0.5], [True, False, False, True], id="flows in"),
        pytest.param(
            Rate(1, per=10, burst=2), [0, 0, 9.9, 10], [True] * 2 + [False, True], id="per"
        ),
        pytest.param(Rate(1, burst=2), [0, 100, 100, 100], [True] * 3 + [False], id="full"),
    ],
)
def test_rate_limiter_is_a_token_bucket(
    rate: Rate, moments: list[float], allowed: list[bool]
) -> None:
    """Tokens flow in at the rate, up to the burst, and each message takes one."""
    now = iter([0.0, *moments])
    limiter = RateLimiter(rate, lambda: next(now))
    assert [limiter.allows_one() for _ in moments] == allowed


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Rate(0), id="messages"),
        pytest.param(lambda: Rate(1, per=0), id="per"),
        pytest.param(lambda: Rate(1, burst=0), id="burst"),
    ],
)
def test_rate_must_be_above_zero(make: object) -> None:
    """A rate that lets nothing through is a mistake."""
    assert callable(make)
    with pytest.raises(ConfigurationError, match=r"Rate\(\w+=0\): use a number above 0"):
        make()


def test_rate_of_limits_is_a_rate() -> None:
    """A bare number does not say in which time."""
    with pytest.raises(ConfigurationError) as raised:
        Limits(rate=5)  # type: ignore[arg-type]  # that is the test
    assert str(raised.value) == "Limits(rate=5): use a Rate(...), or None for no limit"


# Handlers.


async def test_f14_handler_has_a_time(caplog: pytest.LogCaptureFixture) -> None:
    """`handler_timeout` closes with 1011, and names the endpoint."""

    class Hanging(Recording):
        limits = Limits(handler_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    async with connect(Hanging.as_asgi()) as client:
        await client.send_text("x")
        await client.expect_close(1011, "handler_timeout: 0.01 s")
    assert Hanging.log == ["connect", 1011]
    assert caplog.messages[0].endswith("Hanging: handler_timeout: 0.01 s")


async def test_f15_grace_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that is cancelled since the client left leaves a line."""

    class Sleeper(Recording):
        limits = Limits(grace=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    with caplog.at_level(logging.INFO):
        async with connect(Sleeper.as_asgi()) as client:
            await client.send_text("x")
            client.vanish()
            await client.wait_for_app()
    assert Sleeper.log == ["connect", 1006]
    assert caplog.messages[-1].endswith("Sleeper: grace: 0.01 s")


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
async def test_f15_stream_behind_a_full_inbox_ends(
    server: ServerName, caplog: pytest.LogCaptureFixture
) -> None:
    """While nobody reads, nobody sees that the client left, so `inbox_timeout` bounds that."""

    class Ticker(Recording):
        limits = Limits(inbox=2, inbox_timeout=SOON, handler_timeout=None)

        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            await anyio.sleep_forever()
            yield data

    async with connect(Ticker.as_asgi(), server=server) as client:
        for _ in range(4):
            await client.send_text("x")
        client.vanish()
        await client.wait_for_app()
    assert Ticker.log == ["connect", 1013]
    assert caplog.messages == [f"{Ticker.__qualname__}: inbox_timeout: 0.01 s"]


@pytest.mark.parametrize("grace", [30, None])
async def test_f23_handler_does_not_hold_up_a_shutdown(
    grace: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that shuts down waits for no sleeping handler."""
    monkeypatch.setattr("wsendpoints.lifecycle.deadlines._GRACE_AT_SHUTDOWN", SOON)

    class Sleeper(Recording):
        limits = Limits(grace=grace)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await anyio.sleep_forever()

    async with connect(Sleeper.as_asgi()) as client:
        await client.send_text("x")
        client.shutdown()
        await client.wait_for_app()
    assert Sleeper.log == ["connect", 1012]


# Sending.


class Pushing(Recording):
    """Sends what it is asked for."""

    limits = Limits(send_timeout=SOON)

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        for _ in range(int(data)):
            yield "x"


async def test_f10_client_that_does_not_read_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    """A send that is held up for `send_timeout` closes with 1013."""

    class Slow(Pushing):
        pass

    async with connect(Slow.as_asgi()) as client:
        client.pause_reading()
        await client.send_text("1")
        await client.wait_for_app()
    assert Slow.log == ["connect", 1013]
    assert caplog.messages[0].endswith("Slow: send_timeout: 0.01 s")


async def test_f10_reply_is_held_up_as_a_push_is() -> None:
    """A reply by return value is bounded too."""

    class Replying(Recording):
        limits = Limits(send_timeout=SOON)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(Replying.as_asgi()) as client:
        client.pause_reading()
        await client.send_text("1")
        await client.wait_for_app()
    assert Replying.log == ["connect", 1013]


async def test_f10_client_that_reads_again_in_time_stays() -> None:
    """Each send has the whole time."""

    class Patient(Pushing):
        limits = Limits(send_timeout=NEVER)

    async with connect(Patient.as_asgi()) as client:
        client.pause_reading()
        await client.send_text("2")
        await all_tasks_blocked()
        client.resume_reading()
        assert await client.receive_text() == "x"
        assert await client.receive_text() == "x"


async def test_sends_without_a_limit_may_take_their_time() -> None:
    """`None` is no limit."""

    class Patient(Pushing):
        limits = Limits(send_timeout=None)

    async with connect(Patient.as_asgi()) as client:
        client.pause_reading()
        await client.send_text("1")
        await all_tasks_blocked()
        client.resume_reading()
        assert await client.receive_text() == "x"


# Expiry.


class Expiring(Recording):
    """Expires when it is told to."""

    async def on_connect(self, websocket: WebSocket) -> None:
        websocket.expires_at = datetime.now(UTC) + timedelta(seconds=NEVER)
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        websocket.expires_at = float(data) if data else None
        return str(websocket.expires_at)


@pytest.mark.parametrize("seconds", [0, -5, SOON], ids=["now", "past", "soon"])
async def test_connection_is_closed_when_it_expires(seconds: float) -> None:
    """`expires_at` closes with 4401 at that moment, at once if it is past."""

    class Short(Expiring):
        pass

    async with connect(Short.as_asgi()) as client:
        await client.send_text(str(time() + seconds))
        await client.receive_text()
        closed = await client.expect_close(4401)
        assert closed.reason.startswith("expires_at")
    assert Short.log == [4401]


async def test_expiry_may_be_put_off() -> None:
    """A client that shows another token stays."""

    class Renewing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            websocket.expires_at = time() + NEVER
            await websocket.accept()

        async def on_receive(self, websocket: WebSocket, data: str) -> list[bool]:
            before = is_bounded()
            websocket.expires_at = float(data) if data else None
            return [before, is_bounded()]

    async with connect(Renewing.as_asgi()) as client:
        for text, bounded in (("", [True, False]), (str(time() + NEVER), [False, True])):
            await client.send_text(text)
            assert await client.receive_json() == bounded


async def test_expiry_needs_a_time_zone() -> None:
    """A naive datetime does not say when."""
    websocket = WebSocket({"type": "websocket"})
    assert websocket.expires_at is None
    with pytest.raises(ValueError, match="use a datetime with a time zone"):
        websocket.expires_at = datetime.now()
    websocket.expires_at = datetime(2030, 1, 1, tzinfo=UTC)
    assert websocket.expires_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_times_may_be_infinite() -> None:
    """An infinite time is a limit that is never over."""
    assert Limits(idle_timeout=math.inf).idle_timeout == math.inf
