"""Tests of the server that the test client plays, from the app's side."""

import anyio
import pytest

from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import (
    AppStillRunningError,
    Dialect,
    IllegalEventError,
    UnexpectedEventError,
    connect,
)

from .apps import ACCEPT, CLOSE, text

pytestmark = pytest.mark.anyio

DISCONNECT: Event = {"type": "websocket.disconnect", "code": 1006, "reason": ""}


async def receive_twice(scope: Scope, receive: Receive, send: Send) -> None:
    """Go on receiving after the disconnect."""
    await receive()
    await send(ACCEPT)
    first = await receive()
    second = await receive()
    assert first == second == DISCONNECT
    assert first is not second


async def test_a_second_receive_returns_the_disconnect_again() -> None:
    """So it is on uvicorn and granian."""
    async with connect(receive_twice) as client:
        client.vanish()


async def test_a_second_receive_blocks() -> None:
    """So it is on hypercorn, daphne and gunicorn."""
    dialect = Dialect(second_receive="blocks")
    with pytest.raises(AppStillRunningError):
        async with connect(receive_twice, server=dialect, timeout=0.01) as client:
            client.vanish()


async def test_an_app_that_receives_for_ever_does_not_hang_the_test() -> None:
    """The loop has its turns even if the app never waits."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while True:
            await receive()

    with pytest.raises(AppStillRunningError):
        async with connect(app, timeout=0.01):
            pass


async def test_the_app_gets_a_disconnect_after_its_own_close() -> None:
    """The disconnect has the code and the reason of the close."""
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4000, "reason": "done"})
        events.append(await receive())

    async with connect(app) as client:
        await client.expect_close(4000, "done")
    assert events == [{"type": "websocket.disconnect", "code": 4000, "reason": "done"}]


def sends_after(event: Event, outcomes: list[str]) -> ASGIApp:
    """Return an app that sends `event` after its first event, and notes how it went."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        try:
            await send(event)
        except OSError as exc:
            outcomes.append(str(exc))
        else:
            outcomes.append("silence")

    return app


@pytest.mark.parametrize("event", [text("x"), CLOSE], ids=["send", "close"])
async def test_send_after_the_client_left(event: Event) -> None:
    """ASGI spec, WebSocket, "Send": an OSError on a closed connection; or silence."""
    outcomes: list[str] = []
    app = sends_after(event, outcomes)
    async with connect(app) as client:
        client.vanish()
    async with connect(app, swallow_sends=True) as client:
        client.vanish()
    async with connect(app, server=Dialect(send_after_disconnect="silent")) as client:
        await client.close()
        with pytest.raises(UnexpectedEventError):
            await client.receive()
    assert outcomes == [
        "the client vanished with 1006 (abnormal closure)",
        "silence",
        "silence",
    ]


async def test_an_illegal_event_is_illegal_after_the_client_left() -> None:
    """The order of the app's events is judged as if the client were still there."""
    app = sends_after(ACCEPT, [])
    with pytest.raises(IllegalEventError):
        async with connect(app, swallow_sends=True):
            pass


@pytest.mark.parametrize("swallow_sends", [False, True])
async def test_an_app_that_sends_for_ever_does_not_hang_the_test(swallow_sends: bool) -> None:
    """The loop has its turns even if the app never waits."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while True:
            try:
                await send(text("x"))
            except OSError:
                continue

    with pytest.raises(AppStillRunningError):
        async with connect(app, timeout=0.01, swallow_sends=swallow_sends) as client:
            for _ in range(3000):
                await client.receive_text(timeout=5)


async def test_send_waits_while_too_much_is_unread() -> None:
    """A flood stops at 1024 unread frames, and goes on as they are read."""
    count = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal count
        await send(ACCEPT)
        for count in range(1, 1031):
            await send(text(f"{count}"))
        await send(CLOSE)

    async with connect(app) as client:
        await anyio.wait_all_tasks_blocked()
        assert count == 1025
        assert await client.receive() == "1"
        await anyio.wait_all_tasks_blocked()
        assert count == 1026
        assert len([frame async for frame in client]) == 1029


async def test_a_slow_reader_holds_up_the_apps_sends() -> None:
    """While the client does not read, `send` of a frame waits."""
    sent: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        for data in ("a", "b"):
            await receive()
            await send(text(data))
            sent.append(data)

    async with connect(app) as client:
        client.pause_reading()
        await client.send("")
        await client.send("")
        await anyio.wait_all_tasks_blocked()
        assert sent == []
        client.resume_reading()
        assert await client.receive() == "a"
        assert await client.receive() == "b"
        await client.wait_for_app()
        assert sent == ["a", "b"]


@pytest.mark.parametrize("swallow_sends", [False, True])
async def test_a_slow_reader_leaves(swallow_sends: bool) -> None:
    """A send that waits ends when the client leaves."""
    outcomes: list[str] = []
    app = sends_after(text("x"), outcomes)
    async with connect(app, swallow_sends=swallow_sends) as client:
        client.pause_reading()
        await client.send("")
        await anyio.wait_all_tasks_blocked()
        assert outcomes == []
        client.vanish()
        await client.wait_for_app()
    assert outcomes == [
        "silence" if swallow_sends else "the client vanished with 1006 (abnormal closure)"
    ]


async def test_a_close_does_not_wait_for_a_slow_reader() -> None:
    """The app's close ends a send that waits, behind the frame."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)

        async def send_one() -> None:
            await send(text("x"))

        await receive()
        async with anyio.create_task_group() as group:
            group.start_soon(send_one)
            await receive()
            await send(CLOSE)

    async with connect(app) as client:
        client.pause_reading()
        await client.send("")
        await client.wait_for_app()
        client.resume_reading()
        assert await client.receive() == "x"
        await client.expect_close(1000)


async def test_a_send_after_the_app_returned_is_illegal() -> None:
    """What another task still sends on a connection whose app has ended fails the test."""
    sends: list[Send] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sends.append(send)
        await send(ACCEPT)

    with pytest.raises(IllegalEventError) as caught:
        async with connect(app) as client:
            await client.wait_for_app()
            with pytest.raises(IllegalEventError):
                await sends[0](text("x"))
    assert caught.value.problem == ("'websocket.send' after it returned, where nothing may be sent")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_app_whose_task_is_cancelled_from_outside(anyio_backend: object) -> None:
    """A native cancellation that nobody of this package asked for fails the test."""
    import asyncio

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await anyio.sleep_forever()

    async with connect(app) as client:
        with pytest.raises(UnexpectedEventError) as caught:
            await client.receive()
    assert str(caught.value) == ("awaited the app's end, but its task was cancelled from outside")
