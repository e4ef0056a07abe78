"""Tests of the server that the test client plays, from the app's side."""

import contextlib
from typing import Final, get_args

import anyio
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import GENEROUS, REAL_TIME, VIRTUAL_ASYNCIO
from wsendpoints import InvalidStateError
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import (
    DIALECTS,
    AppStillRunningError,
    Closed,
    ConnectionEndedError,
    Dialect,
    HandshakeDenied,
    IllegalEventError,
    LeftoverTasksError,
    ServerName,
    UnexpectedEventError,
    connect,
)
from wsendpoints.testing.server import Server

from .apps import ACCEPT, CLOSE, Recorder, echo, sending, text

pytestmark = pytest.mark.anyio

FOR_EVER: Final = 0.3
"""Seconds of real time, after which an app is taken to go on for ever.

The handshake has no more: even on a machine that is very busy it takes less.
"""

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


@REAL_TIME
async def test_an_app_that_receives_for_ever_does_not_hang_the_test() -> None:
    """The loop has its turns even if the app never waits."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while True:
            await receive()

    with pytest.raises(AppStillRunningError):
        async with connect(app, timeout=FOR_EVER):
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


@REAL_TIME
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
        async with connect(app, timeout=FOR_EVER, swallow_sends=swallow_sends) as client:
            for _ in range(3000):
                await client.receive_text(timeout=GENEROUS)


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
    """A send that waits ends when the client disconnects."""
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


@VIRTUAL_ASYNCIO
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


async def test_a_raw_disconnect_is_the_last_event() -> None:
    """It reaches the app as it is, and ends the connection."""
    recorder = Recorder()
    event: Event = {"type": "websocket.disconnect", "code": 1001, "more": True}
    async with connect(recorder) as client:
        await client.send_event(event)
        with pytest.raises(ConnectionEndedError, match="the client disconnected by a raw event"):
            await client.send("x")
    assert recorder.events[-1] == event


async def test_a_denial_response_of_several_parts() -> None:
    """Its body is what the parts make together."""
    start: Event = {"type": "websocket.http.response.start", "status": 401}
    body: Event = {"type": "websocket.http.response.body", "body": b"no"}
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(sending(start, {**body, "more_body": True}, body)):
            pytest.fail("never entered")
    assert (denied.value.status, denied.value.body) == (401, b"nono")


async def test_an_app_that_is_cancelled() -> None:
    """The server that cancelled it is what ended the connection."""
    async with connect(echo) as client:
        client.cancel_app()
        with pytest.raises(UnexpectedEventError, match="the server cancelled the app"):
            await client.receive()


@VIRTUAL_ASYNCIO
async def test_what_the_app_leaves_running(anyio_backend: object) -> None:
    """Its tasks are cancelled, and fail the test."""
    import asyncio

    tasks: list[asyncio.Task[None]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tasks.append(asyncio.create_task(anyio.sleep_forever()))
        await echo(scope, receive, send)

    with pytest.raises(LeftoverTasksError):
        async with connect(app):
            pass
    assert tasks[0].cancelled()


# The servers, by name: each does what is known of it.


with_all_servers = pytest.mark.parametrize("server", get_args(ServerName))


async def disconnect_of(server: ServerName, *, code: int | None, reason: str = "") -> Event:
    """Return what the app is told when the client closes; or is lost, if there is no code."""
    recorder = Recorder()
    async with connect(recorder, server=server) as client:
        if code is None:
            client.vanish()
        else:
            await client.close(code, reason)
    return recorder.events[-1]


def that_shut_down_by(*ways: str) -> list[ServerName]:
    """Return the servers that shut down in one of these ways."""
    return [name for name in DIALECTS if DIALECTS[name].shutdown in ways]


@with_all_servers
async def test_a_conversation(server: ServerName) -> None:
    """Frames go both ways, whatever the shape of the event."""
    async with connect(echo, server=server) as client:
        for frame in ("x", b"x"):
            await client.send(frame)
            assert await client.receive() == frame


@with_all_servers
async def test_the_keys_of_a_receive_event(server: ServerName) -> None:
    """Some servers have both, one of them None."""
    recorder = Recorder()
    async with connect(recorder, server=server) as client:
        await client.send("x")
    event: Event = {"type": "websocket.receive", "text": "x"}
    has_both = DIALECTS[server].both_keys
    assert recorder.events[1] == ({**event, "bytes": None} if has_both else event)


@with_all_servers
async def test_what_the_app_is_told_of_a_close(server: ServerName) -> None:
    """It has the client's code and reason, where the server tells them."""
    dialect = DIALECTS[server]
    told = await disconnect_of(server, code=4001, reason="bye")
    assert told["code"] == (dialect.told_code or 4001)
    assert told.get("reason") == ("bye" if dialect.tells_reason else None)


@with_all_servers
async def test_what_the_app_is_told_without_a_code(server: ServerName) -> None:
    """A close without a code, and a connection that is lost, are told in many ways."""
    assert (await disconnect_of(server, code=1005))["code"] == DIALECTS[server].told_no_code
    assert (await disconnect_of(server, code=None))["code"] == DIALECTS[server].told_reset


async def test_a_test_may_say_what_the_app_is_told() -> None:
    """The code of `vanish` wins over the server's."""
    recorder = Recorder()
    async with connect(recorder, server="uvicorn") as client:
        client.vanish(1011)
    assert recorder.events[-1]["code"] == 1011


@with_all_servers
async def test_the_apps_own_close(server: ServerName) -> None:
    """The client gets its code and its reason, and the app a disconnect, as the server has it."""
    dialect = DIALECTS[server]
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4000, "reason": "bye"})
        events.append(await receive())

    async with connect(app, server=server) as client:
        await client.expect_close(4000, "bye" if dialect.close_reasons else "")
    told = {"type": "websocket.disconnect", "code": dialect.told_own_code or 4000}
    assert events == [{**told, "reason": "bye"} if dialect.tells_reason else told]


@with_all_servers
async def test_sends_after_the_client_left_each_server(server: ServerName) -> None:
    """They differ, and on some servers they do so once the disconnect was received."""
    before = DIALECTS[server].send_after_disconnect
    after = DIALECTS[server].send_once_received
    outcomes: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def try_to_send() -> None:
            try:
                await send(text("x"))
            except (OSError, RuntimeError) as exc:
                outcomes.append({OSError: "oserror", RuntimeError: "runtime_error"}[type(exc)])
            else:
                outcomes.append("silent")

        await receive()
        await send(ACCEPT)
        await receive()
        await try_to_send()
        await receive()
        await try_to_send()

    async with connect(app, server=server) as client:
        await client.send("go")
        client.vanish()
    assert outcomes == [before, before if after == "same" else after]


@with_all_servers
async def test_a_second_receive_on_each_server(server: ServerName) -> None:
    """It waits for ever on some of the servers."""
    blocked: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        with anyio.move_on_after(0.01) as scope_:
            await receive()
        blocked.append(scope_.cancelled_caught)

    async with connect(app, server=server):
        pass
    assert blocked == [DIALECTS[server].second_receive == "blocks"]


@with_all_servers
async def test_accept_headers(server: ServerName) -> None:
    """Some servers drop them."""
    app = sending({**ACCEPT, "headers": [(b"x-a", b"1")]})
    async with connect(app, server=server) as client:
        assert client.headers == ([(b"x-a", b"1")] if DIALECTS[server].accept_headers else [])


@with_all_servers
async def test_empty_messages(server: ServerName) -> None:
    """Some servers drop them."""
    app = sending(ACCEPT, text(""), {"type": "websocket.send", "bytes": b""}, text("x"))
    async with connect(app, server=server) as client:
        for frame in ("", b"") if DIALECTS[server].empty_messages else ():
            assert await client.receive() == frame
        assert await client.receive() == "x"


@pytest.mark.parametrize("code", [1001, 1008, 1011, 1012, 1014])
async def test_daphne_refuses_codes(code: int) -> None:
    """`send` raises, and the connection stays open for another attempt."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        with pytest.raises(Exception, match=f"^this server does not close with {code}"):
            await send({**CLOSE, "code": code})
        await send(text("still there"))
        await send({**CLOSE, "code": code + 3000})

    async with connect(app, server="daphne") as client:
        assert await client.receive() == "still there"
        await client.expect_close(code + 3000)
        await client.wait_for_app()


async def test_daphne_takes_any_code_for_a_refusal() -> None:
    """Before the accept, a close is a 403, and its code goes nowhere."""
    with pytest.raises(HandshakeDenied, match="403"):
        async with connect(sending({**CLOSE, "code": 1008}), server="daphne"):
            pytest.fail("never entered")


async def test_granian_takes_a_denial_response_with_one_body_only() -> None:
    """An event that announces more is refused, and the one without is the whole body."""
    start: Event = {"type": "websocket.http.response.start", "status": 401}
    body: Event = {"type": "websocket.http.response.body", "body": b"no"}
    errors: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start)
        with pytest.raises(RuntimeError) as caught:
            await send({**body, "more_body": True})
        errors.append(str(caught.value))
        await send(body)

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, server="granian"):
            pytest.fail("never entered")
    assert (denied.value.status, denied.value.body) == (401, b"no")
    assert errors == ["this server takes one body event of a denial response"]


@pytest.mark.parametrize("ends", ["cancelled", "received"])
async def test_a_server_that_holds_a_close_back(ends: str) -> None:
    """It goes out once no `receive` is pending: that was cancelled, or has its event."""
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        receiving = anyio.CancelScope()

        async def receive_one() -> None:
            with receiving:
                await receive()

        async def close() -> None:
            await send(CLOSE)
            order.append("closed")

        async with anyio.create_task_group() as group:
            group.start_soon(receive_one)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(close)
            await anyio.wait_all_tasks_blocked()
            order.append("held back")
            if ends == "cancelled":
                receiving.cancel()
            else:
                go.set()

    go = anyio.Event()
    async with connect(app, server=Dialect(close_awaits_receive=True)) as client:
        if ends == "received":
            await go.wait()
            await client.send("x")
        await client.expect_close(1000)
    assert order == ["held back", "closed"]


@pytest.mark.parametrize("server", that_shut_down_by("disconnects"))
async def test_a_shutdown_that_disconnects(server: ServerName) -> None:
    """The app is told 1012."""
    recorder = Recorder()
    async with connect(recorder, server=server) as client:
        client.shutdown()
    assert recorder.events[-1]["code"] == 1012


@pytest.mark.parametrize("server", that_shut_down_by("cancels", "kills"))
async def test_a_shutdown_that_cancels(server: ServerName) -> None:
    """Some servers let the app close before they end; for the others it is too late."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        try:
            await receive()
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint()
                with contextlib.suppress(OSError, RuntimeError):
                    await send({**CLOSE, "code": 4012})

    async with connect(app, server=server) as client:
        client.shutdown()
        if DIALECTS[server].shutdown == "cancels":
            await client.expect_close(4012)
        else:
            with pytest.raises(UnexpectedEventError, match="the server was killed"):
                await client.expect_close()
        with pytest.raises(ConnectionEndedError):
            client.shutdown()


@with_all_servers
async def test_an_app_that_ends_without_a_close(server: ServerName) -> None:
    """What the client sees; nothing at all where the connection stays open."""
    returned, raised = DIALECTS[server].return_code, DIALECTS[server].failure_code
    async with connect(sending(ACCEPT, waits=False), server=server) as client:
        if returned is None:
            await client.wait_for_app()
            await client.receive_nothing()
            await client.send("to nobody")
        else:
            assert await client.expect_close() == Closed(returned)
    async with connect(sending(ACCEPT, ValueError("boom")), server=server) as client:
        with pytest.raises(ValueError, match="boom"):
            await client.expect_close()
        assert (await client.expect_close()).code == raised


async def test_another_event_loop_is_refused() -> None:
    """Nothing that it tells the app would wake that."""

    def check(server: Server) -> None:
        with pytest.raises(InvalidStateError, match="another event loop than `connect` was"):
            server.check_loop()

    server = Server(echo, {"type": "websocket"}, Dialect())
    server.check_loop()
    await anyio.to_thread.run_sync(check, server)
