"""Tests of what a test can do with a client."""

import dataclasses
import math
from collections.abc import Awaitable
from typing import Any, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel, Field

from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.testing import (
    Closed,
    ConnectionEndedError,
    Dialect,
    UnexpectedEventError,
    connect,
)

from .apps import ACCEPT, CLOSE, Recorder, echo, sending, text

pytestmark = pytest.mark.anyio


class Said(BaseModel):
    """What an app says."""

    type: Literal["said"] = "said"
    text: str = Field(alias="TEXT")


@dataclasses.dataclass
class Point:
    """A value that is no model."""

    x: int


BINARY: Event = {"type": "websocket.send", "bytes": b"\x00"}
REFUSAL: Event = {**CLOSE, "code": 1008, "reason": "no"}

# What a test may await, and the words for it.
WAITS: list[Any] = [
    pytest.param("receive", (), "a frame", id="receive"),
    pytest.param("receive", (Said,), "Said", id="receive model"),
    pytest.param("receive_text", (), "a text frame", id="text"),
    pytest.param("receive_bytes", (), "a binary frame", id="bytes"),
    pytest.param("receive_json", (), "JSON", id="json"),
    pytest.param("expect_close", (), "a close", id="close"),
    pytest.param("__anext__", (), "a frame or a close", id="iteration"),
]


@pytest.mark.parametrize(
    ("message", "data"),
    [
        pytest.param("x", {"text": "x"}, id="str"),
        pytest.param(b"x", {"bytes": b"x"}, id="bytes"),
        pytest.param({"a": [1, None]}, {"text": '{"a":[1,null]}'}, id="plain value"),
        pytest.param(Said(TEXT="x"), {"text": '{"type":"said","TEXT":"x"}'}, id="model"),
        pytest.param(Point(1), {"text": '{"x":1}'}, id="dataclass"),
    ],
)
async def test_send(message: object, data: Event) -> None:
    """A str is sent as text, bytes as bytes, anything else as JSON."""
    recorder = Recorder()
    async with connect(recorder) as client:
        await client.send(message)
    assert recorder.events[1] == {"type": "websocket.receive", **data}


async def test_each_kind_of_sending() -> None:
    """Each way to send makes one event, in order; raw events arrive as they are."""
    recorder = Recorder()
    async with connect(recorder) as client:
        await client.send_text("x")
        await client.send_bytes(b"x")
        await client.send_json("x")
        await client.send_json("x", mode="binary")
        await client.send_event({"type": "websocket.foo"})
        await client.close(4000, "bye")
    assert recorder.events == [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "x"},
        {"type": "websocket.receive", "bytes": b"x"},
        {"type": "websocket.receive", "text": '"x"'},
        {"type": "websocket.receive", "bytes": b'"x"'},
        {"type": "websocket.foo"},
        {"type": "websocket.disconnect", "code": 4000, "reason": "bye"},
    ]


async def test_a_raw_disconnect_ends_the_connection() -> None:
    """A disconnect may be of any shape, and is the end all the same."""
    recorder = Recorder()
    async with connect(recorder) as client:
        await client.send_event({"type": "websocket.disconnect"})
        with pytest.raises(ConnectionEndedError) as caught:
            await client.send_event({"type": "websocket.foo"})
    assert recorder.events[1:] == [{"type": "websocket.disconnect"}]
    assert str(caught.value) == "cannot send an event: the client disconnected by a raw event"


async def test_both_keys() -> None:
    """Hypercorn's events have both keys."""
    recorder = Recorder()
    async with connect(recorder, server=Dialect(both_keys=True)) as client:
        await client.send("x")
        await client.send(b"x")
    assert recorder.events[1:3] == [
        {"type": "websocket.receive", "text": "x", "bytes": None},
        {"type": "websocket.receive", "text": None, "bytes": b"x"},
    ]


@pytest.mark.parametrize(
    ("method", "arguments", "event", "value"),
    [
        pytest.param("receive", (), text("x"), "x", id="receive text"),
        pytest.param("receive", (), BINARY, b"\x00", id="receive bytes"),
        pytest.param("receive", (str,), text("x"), "x", id="receive str"),
        pytest.param("receive", (bytes,), BINARY, b"\x00", id="receive as bytes"),
        pytest.param(
            "receive", (Said,), text('{"TEXT":"x"}'), Said(TEXT="x"), id="receive a model"
        ),
        pytest.param("receive", (int | Point,), text('{"x":"1"}'), Point(1), id="receive a union"),
        pytest.param("receive_text", (), text(""), "", id="text"),
        pytest.param("receive_bytes", (), BINARY, b"\x00", id="bytes"),
        pytest.param("receive_json", (), text('{"a":1}'), {"a": 1}, id="json"),
        pytest.param("receive_json", ("text",), text("null"), None, id="json text"),
        pytest.param(
            "receive_json",
            ("binary",),
            {"type": "websocket.send", "bytes": b"[1]"},
            [1],
            id="json bytes",
        ),
    ],
)
async def test_receive(
    method: str, arguments: tuple[Any, ...], event: Event, value: object
) -> None:
    """Each way to receive returns what it says."""
    async with connect(sending(ACCEPT, event)) as client:
        received = await getattr(client, method)(*arguments)
    assert received == value
    assert type(received) is type(value)


@pytest.mark.parametrize(
    ("method", "arguments", "event", "error"),
    [
        pytest.param(
            "receive_text",
            (),
            BINARY,
            r"awaited a text frame, but a binary frame came: b'\x00'",
            id="bytes for text",
        ),
        pytest.param(
            "receive_bytes",
            (),
            text("x"),
            "awaited a binary frame, but a text frame came: 'x'",
            id="text for bytes",
        ),
        pytest.param(
            "receive_json",
            (),
            text("x" * 300),
            "awaited JSON, but a text frame came: '" + "x" * 199 + "...",
            id="no JSON",
        ),
        pytest.param(
            "receive_json",
            ("binary",),
            text("1"),
            "awaited JSON in a binary frame, but a text frame came: '1'",
            id="JSON text for binary",
        ),
        pytest.param(
            "receive_json",
            ("text",),
            {"type": "websocket.send", "bytes": b"1"},
            "awaited JSON in a text frame, but a binary frame came: b'1'",
            id="JSON binary for text",
        ),
        pytest.param(
            "receive",
            (Said,),
            text('{"type":"sung"}'),
            'awaited Said, but a text frame came: \'{"type":"sung"}\' '
            "(type: Input should be 'said'; TEXT: Field required)",
            id="no such model",
        ),
        pytest.param(
            "receive",
            (list[int],),
            text("1"),
            "awaited list[int], but a text frame came: '1' "
            "(message: Input should be a valid array)",
            id="no list",
        ),
        pytest.param(
            "expect_close",
            (),
            text("x"),
            "awaited a close, but a text frame came: 'x'",
            id="text for close",
        ),
        pytest.param(
            "expect_close",
            (1000,),
            REFUSAL,
            "awaited a close with 1000 (normal closure), "
            "but the app closed with 1008 (policy violation) and the reason 'no'",
            id="other code",
        ),
        pytest.param(
            "expect_close",
            (1008, "yes"),
            REFUSAL,
            "awaited a close with 1008 (policy violation) and the reason 'yes', "
            "but the app closed with 1008 (policy violation) and the reason 'no'",
            id="other reason",
        ),
        pytest.param(
            "expect_close",
            (None, ""),
            REFUSAL,
            "awaited a close with the reason '', "
            "but the app closed with 1008 (policy violation) and the reason 'no'",
            id="no reason",
        ),
        pytest.param(
            "receive_nothing",
            (),
            text("x"),
            "awaited nothing, but a text frame came: 'x'",
            id="text for nothing",
        ),
        pytest.param(
            "receive_nothing",
            (),
            CLOSE,
            "awaited nothing, but the app closed with 1000 (normal closure)",
            id="close for nothing",
        ),
    ],
)
async def test_something_else_comes(
    method: str, arguments: tuple[Any, ...], event: Event, error: str
) -> None:
    """A wait that gets something else tells both."""
    async with connect(sending(ACCEPT, event)) as client:
        with pytest.raises(UnexpectedEventError) as caught:
            await getattr(client, method)(*arguments)
    assert str(caught.value) == error


@pytest.mark.parametrize(("method", "arguments", "words"), WAITS)
async def test_nothing_comes(method: str, arguments: tuple[Any, ...], words: str) -> None:
    """A wait is limited by the connection's timeout."""
    async with connect(echo, timeout=0.01) as client:
        with pytest.raises(UnexpectedEventError) as caught:
            await getattr(client, method)(*arguments)
        assert str(caught.value) == f"awaited {words}, but nothing came within 0.01 s"


async def test_the_limit_of_one_wait() -> None:
    """A wait may have a limit of its own."""
    async with connect(echo, timeout=math.inf) as client:
        with pytest.raises(UnexpectedEventError, match="within 0 s"):
            await client.receive_text(timeout=0)
        await client.send("x")
        assert await client.receive() == "x"


@pytest.mark.parametrize(("method", "arguments", "words"), WAITS)
async def test_the_app_returned(method: str, arguments: tuple[Any, ...], words: str) -> None:
    """A wait does not go on when the app has ended."""
    async with connect(sending(ACCEPT, waits=False), timeout=math.inf) as client:
        with pytest.raises(UnexpectedEventError) as caught:
            await getattr(client, method)(*arguments)
    assert str(caught.value) == (
        f"awaited {words}, but the app returned without closing the connection"
    )


@pytest.mark.parametrize(("method", "arguments", "words"), WAITS)
async def test_the_app_raised(method: str, arguments: tuple[Any, ...], words: str) -> None:
    """A wait raises what the app raised; the next one tells it."""
    error = ValueError("boom")
    async with connect(sending(ACCEPT, error), timeout=math.inf) as client:
        with pytest.raises(ValueError, match="boom") as raised:
            await getattr(client, method)(*arguments)
        assert raised.value is error
        with pytest.raises(UnexpectedEventError) as caught:
            await getattr(client, method)(*arguments)
    assert str(caught.value) == f"awaited {words}, but the app raised ValueError('boom')"


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [wait for wait in WAITS if wait.id not in ("close", "iteration")],
)
async def test_the_app_closed(method: str, arguments: tuple[Any, ...], words: str) -> None:
    """A wait for a frame tells how the app closed, also when asked again."""
    async with connect(sending(ACCEPT, REFUSAL)) as client:
        for _ in range(2):
            with pytest.raises(UnexpectedEventError) as caught:
                await getattr(client, method)(*arguments)
            assert str(caught.value) == (
                f"awaited {words}, "
                "but the app closed with 1008 (policy violation) and the reason 'no'"
            )


@pytest.mark.parametrize(
    "arguments",
    [(), (1008,), (1008, "no"), (None, "no")],
)
async def test_expect_close(arguments: tuple[Any, ...]) -> None:
    """The app's close is returned."""
    async with connect(sending(ACCEPT, REFUSAL)) as client:
        assert await client.expect_close(*arguments) == Closed(1008, "no")


async def test_iteration_ends_at_the_close() -> None:
    """Iterating gives each frame up to the close."""
    async with connect(sending(ACCEPT, text("x"), BINARY, CLOSE)) as client:
        assert [frame async for frame in client] == ["x", b"\x00"]


async def test_a_cancelled_wait_loses_nothing() -> None:
    """A frame that comes after a cancelled wait is there for the next one."""
    async with connect(echo) as client:
        with anyio.move_on_after(0):
            await client.receive()
        await client.send("x")
        assert await client.receive() == "x"


async def test_receive_nothing() -> None:
    """Nothing came once every task waits."""
    async with connect(echo) as client:
        await client.receive_nothing()
        await client.send("x")
        with pytest.raises(UnexpectedEventError):
            await client.receive_nothing()
        assert await client.receive() == "x"


@REAL_TIME
async def test_receive_nothing_from_a_busy_app() -> None:
    """A task that never waits does not hold up the test for longer than the limit."""
    is_over = False

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while not is_over:
            await checkpoint()

    async with connect(app, timeout=GENEROUS) as client:
        await client.receive_nothing(timeout=0.05)
        is_over = True


async def test_receive_nothing_from_an_app_that_fails() -> None:
    """An app that raises does something."""
    async with connect(sending(ACCEPT, ValueError("boom"))) as client:
        with pytest.raises(ValueError, match="boom"):
            await client.receive_nothing()


@pytest.mark.parametrize(
    ("app", "ending"),
    [
        pytest.param(
            sending(ACCEPT, REFUSAL),
            "the app closed with 1008 (policy violation) and the reason 'no'",
            id="closed",
        ),
        pytest.param(
            sending(ACCEPT, waits=False),
            "the app returned without closing the connection",
            id="returned",
        ),
    ],
)
async def test_the_connection_is_over(app: ASGIApp, ending: str) -> None:
    """Whatever needs a connection tells what ended it."""
    async with connect(app) as client:
        with pytest.raises(UnexpectedEventError):
            await client.receive()
        waits: list[tuple[Awaitable[None], str]] = [
            (client.send("x"), "send a text frame"),
            (client.send_bytes(b"x"), "send a binary frame"),
            (client.send_event({}), "send an event"),
            (client.close(), "close the connection"),
        ]
        for wait, words in waits:
            with pytest.raises(ConnectionEndedError) as caught:
                await wait
            assert str(caught.value) == f"cannot {words}: {ending}"
        for leave, words in (
            (client.vanish, "vanish"),
            (client.shutdown, "shut the server down"),
            (client.cancel_app, "cancel the app"),
        ):
            with pytest.raises(ConnectionEndedError) as caught:
                leave()
            assert str(caught.value) == f"cannot {words}: {ending}"


async def test_sending_to_an_app_that_failed() -> None:
    """Sending raises what the app raised, once."""
    async with connect(sending(ACCEPT, ValueError("boom"))) as client:
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(ValueError, match="boom"):
            await client.send("x")
        with pytest.raises(ConnectionEndedError, match=r"the app raised ValueError\('boom'\)$"):
            await client.send("x")


@pytest.mark.parametrize(
    ("method", "arguments", "code", "ending"),
    [
        pytest.param(
            "vanish", (), 1006, "the client vanished with 1006 (abnormal closure)", id="vanish"
        ),
        pytest.param(
            "vanish", (1005,), 1005, "the client vanished with 1005 (no status received)", id="1005"
        ),
        pytest.param(
            "shutdown", (), 1012, "the server shut down with 1012 (service restart)", id="shutdown"
        ),
    ],
)
async def test_leaving(method: str, arguments: tuple[Any, ...], code: int, ending: str) -> None:
    """The app is told the code, after what was sent before."""
    recorder = Recorder()
    async with connect(recorder) as client:
        await client.send("x")
        getattr(client, method)(*arguments)
        with pytest.raises(ConnectionEndedError) as caught:
            await client.send("y")
        await client.wait_for_app()
        assert client.is_app_done
        with pytest.raises(UnexpectedEventError) as missed:
            await client.receive()
    # Only of what a client did uvicorn tells a reason.
    reason = {} if method == "shutdown" else {"reason": ""}
    assert recorder.events[1:] == [
        {"type": "websocket.receive", "text": "x"},
        {"type": "websocket.disconnect", "code": code, **reason},
    ]
    assert str(caught.value) == f"cannot send a text frame: {ending}"
    assert str(missed.value) == f"awaited a frame, but {ending}"


async def test_close_waits_for_the_app() -> None:
    """After the client's close the app has ended, and what it had sent is there."""
    async with connect(sending(ACCEPT, text("x"))) as client:
        assert not client.is_app_done
        await client.close()
        assert client.is_app_done
        assert await client.receive() == "x"


async def test_waiting_for_an_app_that_goes_on() -> None:
    """The wait for the app's end is limited."""
    async with connect(echo) as client:
        with pytest.raises(UnexpectedEventError) as caught:
            await client.wait_for_app(timeout=0)
    assert str(caught.value) == "awaited the app's end, but it still ran after 0 s"


async def test_waiting_for_an_app_that_fails() -> None:
    """The wait for the app's end raises what the app raised."""
    async with connect(sending(ACCEPT, ValueError("boom"))) as client:
        with pytest.raises(ValueError, match="boom"):
            await client.wait_for_app()
        await client.wait_for_app()


async def test_cancel_app() -> None:
    """A server may end an app by cancelling it."""
    cancelled: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(True)
            raise

    async with connect(app) as client:
        client.cancel_app()
        await client.wait_for_app()
        with pytest.raises(ConnectionEndedError, match=r": the server cancelled the app$"):
            await client.send("x")
    assert cancelled == [True]


@pytest.mark.parametrize(
    ("dialect", "ending"),
    [
        pytest.param(Dialect(shutdown="cancels"), "the server cancelled the app", id="cancels"),
        pytest.param(Dialect(shutdown="kills"), "the server was killed", id="kills"),
    ],
)
async def test_a_shutdown_that_cancels_the_app(dialect: Dialect, ending: str) -> None:
    """Where the server does, the app ends, and the test is told how."""
    async with connect(echo, server=dialect) as client:
        client.shutdown()
        await client.wait_for_app()
        with pytest.raises(ConnectionEndedError, match=f": {ending}$"):
            client.shutdown()


async def test_what_the_client_sees_of_an_app_that_returned() -> None:
    """Where a server closes in the app's place, that is the close that is awaited."""
    async with connect(sending(ACCEPT, waits=False), server=Dialect(return_code=1011)) as client:
        assert await client.expect_close() == Closed(1011)


@pytest.mark.parametrize(
    "method", ["receive", "receive_text", "receive_nothing", "expect_close", "__anext__"]
)
async def test_a_client_that_paused_reading_does_not_receive(method: str) -> None:
    """To await something while not reading is a mistake in the test."""
    async with connect(echo) as client:
        client.pause_reading()
        with pytest.raises(InvalidStateError) as caught:
            await getattr(client, method)()
        client.resume_reading()
    assert str(caught.value) == "the client has paused reading: call resume_reading() first"
