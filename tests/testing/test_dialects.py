"""Tests of the servers that are played by name: each does what was measured of it."""

import contextlib
from dataclasses import replace
from typing import Any, get_args

import anyio
import pytest
from anyio.lowlevel import checkpoint

from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import (
    DIALECTS,
    Closed,
    ConnectionEndedError,
    Dialect,
    HandshakeDenied,
    ServerName,
    UnexpectedEventError,
    connect,
)

from .apps import ACCEPT, CLOSE, Recorder, echo, sending, text

pytestmark = pytest.mark.anyio

SERVERS: tuple[ServerName, ...] = get_args(ServerName)

HYPERCORNS: set[ServerName] = {"hypercorn", "hypercorn-trio"}
UVICORNS: set[ServerName] = {"uvicorn", "uvicorn-wsproto", "uvicorn-legacy"}

with_all_servers = pytest.mark.parametrize("server", SERVERS)


async def disconnect_of(server: ServerName, *, code: int | None, reason: str = "") -> Event:
    """Return what the app is told when the client closes; or is lost, if there is no code."""
    recorder = Recorder()
    async with connect(recorder, server=server) as client:
        if code is None:
            client.vanish()
        else:
            await client.close(code, reason)
    return recorder.events[-1]


def test_every_server_has_a_dialect() -> None:
    """Each name stands for a dialect of that name."""
    assert [DIALECTS[name].name for name in SERVERS] == list(DIALECTS) == list(SERVERS)


async def test_a_server_that_nobody_measured() -> None:
    """A wrong name is told, with those that there are."""
    wrong: Any = "nginx"
    with pytest.raises(ValueError, match=r"^server='nginx': use a Dialect, or one of 'uvicorn', "):
        async with connect(echo, server=wrong):
            pytest.fail("never entered")


@with_all_servers
async def test_a_conversation(server: ServerName) -> None:
    """Frames go both ways, whatever the shape of the event."""
    async with connect(echo, server=server) as client:
        for frame in ("x", b"x"):
            await client.send(frame)
            assert await client.receive() == frame


@with_all_servers
async def test_the_keys_of_a_receive_event(server: ServerName) -> None:
    """Hypercorn has both, one of them None."""
    recorder = Recorder()
    async with connect(recorder, server=server) as client:
        await client.send("x")
    event: Event = {"type": "websocket.receive", "text": "x"}
    assert recorder.events[1] == ({**event, "bytes": None} if server in HYPERCORNS else event)


@with_all_servers
async def test_what_the_app_is_told_of_a_close(server: ServerName) -> None:
    """The code is the client's, but on hypercorn; the reason is told by uvicorn alone."""
    told = await disconnect_of(server, code=4001, reason="bye")
    assert told["code"] == (1006 if server in HYPERCORNS else 4001)
    assert told.get("reason") == ("bye" if server in UVICORNS else None)


@pytest.mark.parametrize(
    ("server", "no_code", "reset"),
    [
        ("uvicorn", 1005, 1005),
        ("uvicorn-wsproto", 1005, 1005),
        ("uvicorn-legacy", 1005, 1006),
        ("hypercorn", 1006, 1006),
        ("hypercorn-trio", 1006, 1006),
        ("granian", 1005, 1005),
        ("daphne", None, 1006),
        ("gunicorn", 1005, 1006),
    ],
)
async def test_what_the_app_is_told_without_a_code(
    server: ServerName, no_code: int | None, reset: int
) -> None:
    """A close without a code, and a connection that is lost, are told in many ways."""
    assert (await disconnect_of(server, code=1005))["code"] == no_code
    assert (await disconnect_of(server, code=None))["code"] == reset


async def test_a_test_may_say_what_the_app_is_told() -> None:
    """The code of `vanish` wins over the server's."""
    recorder = Recorder()
    async with connect(recorder, server="uvicorn") as client:
        client.vanish(1011)
    assert recorder.events[-1]["code"] == 1011


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("uvicorn", {"code": 4000, "reason": "bye"}),
        ("uvicorn-wsproto", {"code": 4000, "reason": "bye"}),
        ("uvicorn-legacy", {"code": 1005, "reason": "bye"}),
        ("hypercorn", {"code": 1000}),
        ("hypercorn-trio", {"code": 1000}),
        ("granian", {"code": 1005}),
        ("daphne", {"code": 4000}),
        ("gunicorn", {"code": 4000}),
    ],
)
async def test_the_apps_own_close(server: ServerName, told: Event) -> None:
    """The client gets its code, and its reason but on daphne; what the app is told differs."""
    events: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4000, "reason": "bye"})
        events.append(await receive())

    async with connect(app, server=server) as client:
        await client.expect_close(4000, "" if server == "daphne" else "bye")
    assert events == [{"type": "websocket.disconnect", **told}]


@pytest.mark.parametrize(
    ("server", "before", "after"),
    [
        ("uvicorn", "OSError", "OSError"),
        ("uvicorn-wsproto", "OSError", "OSError"),
        ("uvicorn-legacy", "OSError", "RuntimeError"),
        ("hypercorn", "silence", "silence"),
        ("hypercorn-trio", "silence", "silence"),
        ("granian", "silence", "silence"),
        ("daphne", "RuntimeError", "silence"),
        ("gunicorn", "OSError", "OSError"),
    ],
)
async def test_sends_after_the_client_left(server: ServerName, before: str, after: str) -> None:
    """They differ, and on two servers they do so once the disconnect was received."""
    outcomes: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def try_to_send() -> None:
            try:
                await send(text("x"))
            except (OSError, RuntimeError) as exc:
                outcomes.append(type(exc).__name__)
            else:
                outcomes.append("silence")

        await receive()
        await send(ACCEPT)
        await receive()
        await try_to_send()
        await receive()
        await try_to_send()

    async with connect(app, server=server) as client:
        await client.send("go")
        client.vanish()
    assert outcomes == [before, after]


@with_all_servers
async def test_a_second_receive(server: ServerName) -> None:
    """It waits for ever on four of the servers."""
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
    assert blocked == [server in HYPERCORNS | {"daphne", "gunicorn"}]


@with_all_servers
async def test_accept_headers(server: ServerName) -> None:
    """Granian and daphne drop them."""
    app = sending({**ACCEPT, "headers": [(b"x-a", b"1")]})
    async with connect(app, server=server) as client:
        assert client.headers == ([] if server in {"granian", "daphne"} else [(b"x-a", b"1")])


@with_all_servers
async def test_empty_messages(server: ServerName) -> None:
    """Daphne drops them."""
    app = sending(ACCEPT, text(""), {"type": "websocket.send", "bytes": b""}, text("x"))
    async with connect(app, server=server) as client:
        for frame in ("", b"") if server != "daphne" else ():
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


# How it ends.


@pytest.mark.parametrize("server", [*sorted(UVICORNS)])
async def test_a_shutdown_that_disconnects(server: ServerName) -> None:
    """The app is told 1012."""
    recorder = Recorder()
    async with connect(recorder, server=server) as client:
        client.shutdown()
    assert recorder.events[-1]["code"] == 1012


@pytest.mark.parametrize("server", [*sorted(HYPERCORNS), "granian", "daphne", "gunicorn"])
async def test_a_shutdown_that_cancels(server: ServerName) -> None:
    """Hypercorn lets the app close before it ends; the others are gone already."""

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
        if server in HYPERCORNS:
            await client.expect_close(4012)
        else:
            with pytest.raises(UnexpectedEventError, match="the server was killed"):
                await client.expect_close()
        with pytest.raises(ConnectionEndedError):
            client.shutdown()


@pytest.mark.parametrize(
    ("server", "returned", "raised"),
    [
        ("uvicorn", 1006, 1006),
        ("uvicorn-wsproto", 1006, 1006),
        ("uvicorn-legacy", 1006, 1006),
        ("hypercorn", 1011, 1011),
        ("hypercorn-trio", 1011, 1011),
        ("granian", 1005, 1005),
        ("daphne", None, 1011),
        ("gunicorn", 1011, 1011),
    ],
)
async def test_an_app_that_ends_without_a_close(
    server: ServerName, returned: int | None, raised: int
) -> None:
    """What the client sees; on daphne, nothing at all if the app returned."""
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
        assert await client.expect_close(raised) == Closed(raised)


@pytest.mark.parametrize("server", [None, *SERVERS])
async def test_an_app_that_ends_without_an_answer(server: ServerName | None) -> None:
    """The client gets a status; on daphne it waits."""
    status = {"granian": 403, "gunicorn": 403}.get(server or "", 500)
    error = UnexpectedEventError if server == "daphne" else HandshakeDenied
    with pytest.raises(error) as caught:
        async with connect(sending(waits=False), server=server or Dialect()):
            pytest.fail("never entered")
    assert str(caught.value) == (
        "awaited the app's answer to the handshake, but it returned without one, and daphne leaves "
        "the client waiting"
        if server == "daphne"
        else f"the app denied the handshake with status {status}"
    )


async def test_a_server_of_ones_own() -> None:
    """A dialect that was measured can be changed in one respect."""
    dialect = replace(DIALECTS["daphne"], name=None)
    with pytest.raises(UnexpectedEventError, match="and the server leaves the client waiting"):
        async with connect(sending(waits=False), server=dialect):
            pytest.fail("never entered")
