"""Time limits as the client sees them: how each closes the connection, and what is logged."""

import logging
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import as_asgi
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import Limits, WebSocket
from wsendpoints.testing import Client, HandshakeDenied, ServerName, connect

pytestmark = pytest.mark.anyio

BOUND: Final = 1000
LONG: Final = BOUND * 10
"""Seconds for which a client waits: longer than any limit."""


class Echo(Recording):
    """Says it again."""

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


class Sleeper(Recording):
    """Its handler does not end."""

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await anyio.sleep_forever()


def limited(base: type[Recording], **limits: Any) -> type[Recording]:
    """Return a subclass with these limits, and no other on the time of a connection."""

    class Limited(base):  # type: ignore[misc, valid-type]  # one of several classes
        pass

    none: dict[str, Any] = dict.fromkeys(("connect_timeout", "send_timeout", "grace"))
    Limited.limits = Limits(**{**none, **limits})
    return Limited


def is_bounded() -> bool:
    """Return whether a deadline is set for what runs now."""
    return anyio.current_effective_deadline() < math.inf


# The handshake.


async def test_f02_on_connect_that_hangs_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A client that is kept waiting for its answer is refused, and no other hook runs."""

    class Hanging(Recording):
        limits = Limits(connect_timeout=BOUND)

        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep_forever()

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(as_asgi(Hanging), timeout=LONG):
            pass
    assert denied.value.status == 403
    assert Hanging.log == []
    assert caplog.messages == [
        f"{Hanging.__qualname__}: connect_timeout: 1000 s: the client is refused"
    ]


@pytest.mark.parametrize("limit", [BOUND, None])
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

    async with connect(as_asgi(Waiting)) as client:
        assert Waiting.log == [limit is not None, False]
        await client.send_text("x")
        assert await client.receive_text() == "false"


# Messages.


async def test_f01_client_that_says_nothing_is_closed() -> None:
    """`first_message_timeout` closes with 1008."""
    endpoint = limited(Echo, first_message_timeout=BOUND)
    async with connect(as_asgi(endpoint), timeout=LONG) as client:
        await client.expect_close(1008, "first_message_timeout: 1000 s")
    assert endpoint.log == ["connect", 1008]


async def test_f01_first_message_is_enough() -> None:
    """After it, a client may be silent."""
    endpoint = limited(Echo, first_message_timeout=BOUND)
    async with connect(as_asgi(endpoint)) as client:
        for _ in range(3):
            await client.send_text("x")
            assert await client.receive_text() == "x"
            await anyio.sleep(BOUND * 2)
    assert endpoint.log == ["connect", 1000]


async def test_f04_idle_client_is_closed() -> None:
    """`idle_timeout` closes with 1001, so that the client may connect again."""
    endpoint = limited(Echo, idle_timeout=BOUND)
    async with connect(as_asgi(endpoint), timeout=LONG) as client:
        for _ in range(3):
            await client.send_text("x")
            assert await client.receive_text() == "x"
            await anyio.sleep(BOUND - 1)
        await client.expect_close(1001, "idle_timeout: 1000 s")
    assert endpoint.log == ["connect", 1001]


# Handlers.


async def test_f14_handler_has_a_time(caplog: pytest.LogCaptureFixture) -> None:
    """`handler_timeout` closes with 1011, and the warning names the endpoint."""
    endpoint = limited(Sleeper, handler_timeout=BOUND)
    async with connect(as_asgi(endpoint), timeout=LONG) as client:
        await client.send_text("x")
        await client.expect_close(1011, "handler_timeout: 1000 s")
    assert endpoint.log == ["connect", 1011]
    assert caplog.messages == [f"{endpoint.__qualname__}: handler_timeout: 1000 s"]


async def test_f15_grace_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A line at INFO tells of a handler that is cancelled after the disconnect."""
    endpoint = limited(Sleeper, grace=BOUND)
    caplog.set_level(logging.INFO, "wsendpoints")
    async with connect(as_asgi(endpoint), timeout=LONG) as client:
        await client.send_text("x")
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1006]
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", f"{endpoint.__qualname__}: grace: 1000 s")
    ]


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
async def test_f15_stream_behind_a_full_inbox_ends(
    server: ServerName, caplog: pytest.LogCaptureFixture
) -> None:
    """While nothing is read, no disconnect is noticed, so `inbox_timeout` bounds that."""

    class Ticker(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
            await anyio.sleep_forever()
            yield data

    endpoint = limited(Ticker, inbox=2, inbox_timeout=BOUND)
    async with connect(as_asgi(endpoint), server=server, timeout=LONG) as client:
        for _ in range(4):
            await client.send_text("x")
        client.vanish()
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1013]
    assert caplog.messages[1:] == [f"{endpoint.__qualname__}: inbox_timeout: 1000 s"]
    assert caplog.messages[0].startswith(f"{endpoint.__qualname__}.on_receive has been waiting")


# Sending.


class Pushing(Recording):
    """Sends as many messages as it is asked for."""

    async def on_receive(self, websocket: WebSocket, data: str) -> AsyncIterator[str]:
        for _ in range(int(data)):
            yield "1"


@pytest.mark.parametrize("base", [Echo, Pushing], ids=["reply", "stream"])
async def test_f10_client_that_does_not_read_is_closed(
    base: type[Recording], caplog: pytest.LogCaptureFixture
) -> None:
    """A send that is held up for `send_timeout` closes with 1013."""
    endpoint = limited(base, send_timeout=BOUND)
    async with connect(as_asgi(endpoint), timeout=LONG) as client:
        client.pause_reading()
        await client.send_text("1")
        await client.wait_for_app()
    assert endpoint.log == ["connect", 1013]
    assert caplog.messages == [f"{endpoint.__qualname__}: send_timeout: 1000 s"]


@pytest.mark.parametrize("base", [Echo, Pushing], ids=["reply", "stream"])
async def test_f10_client_that_reads_again_in_time_stays(base: type[Recording]) -> None:
    """Each send has the whole time."""
    endpoint = limited(base, send_timeout=BOUND)
    async with connect(as_asgi(endpoint)) as client:
        for _ in range(3):
            client.pause_reading()
            await client.send_text("1")
            await anyio.sleep(BOUND - 1)
            client.resume_reading()
            await all_tasks_blocked()
            assert await client.receive_text() == "1"
    assert endpoint.log == ["connect", 1000]


@pytest.mark.parametrize("base", [Echo, Pushing], ids=["reply", "stream"])
async def test_sends_without_a_limit_may_take_their_time(base: type[Recording]) -> None:
    """`None` is no limit."""
    endpoint = limited(base)
    async with connect(as_asgi(endpoint)) as client:
        client.pause_reading()
        await client.send_text("1")
        await anyio.sleep(LONG)
        client.resume_reading()
        assert await client.receive_text() == "1"
    assert endpoint.log == ["connect", 1000]


# Expiry.


class Expiring(Recording):
    """Expires when it is told to: at first in an hour."""

    async def on_connect(self, websocket: WebSocket) -> None:
        websocket.expires_at = datetime.now(UTC) + timedelta(hours=1)
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: str) -> list[bool]:
        before = is_bounded()
        websocket.expires_at = float(data) if data else None
        return [before, is_bounded()]


async def expire(client: Client, moment: float | None) -> list[bool]:
    """Have a connection expire at a moment; return whether it was bounded before, and after."""
    await client.send_text("" if moment is None else str(moment))
    bounded: list[bool] = await client.receive_json()
    return bounded


@pytest.mark.parametrize("seconds", [0, -5, BOUND], ids=["now", "past", "later"])
async def test_connection_is_closed_when_it_expires(seconds: float) -> None:
    """`expires_at` closes with 4401 at that moment, at once if it is past."""
    endpoint = limited(Expiring)
    async with connect(as_asgi(endpoint), timeout=LONG) as client:
        await expire(client, time() + seconds)
        closed = await client.expect_close(4401)
        assert closed.reason.startswith("expires_at: ")
    assert endpoint.log == [4401]


async def test_expiry_may_be_put_off() -> None:
    """A client that shows another token stays."""
    endpoint = limited(Expiring)
    async with connect(as_asgi(endpoint)) as client:
        for _ in range(3):
            assert await expire(client, time() + BOUND) == [True, True]
            await anyio.sleep(BOUND / 2)
        assert await expire(client, None) == [True, False]
        await anyio.sleep(LONG)
        assert await expire(client, time() + BOUND) == [False, True]
    assert endpoint.log == [1000]


async def test_on_connect_may_go_on_once_it_accepted() -> None:
    """Its time counts until the accept alone."""

    class Greets(Recording):
        limits = Limits(connect_timeout=1)

        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            await anyio.sleep(100)
            await websocket.send_text("hello")

    async with connect(Greets.as_asgi(), timeout=1000) as client:
        assert await client.receive_text() == "hello"
    assert Greets.log == ["connect", 1000]
