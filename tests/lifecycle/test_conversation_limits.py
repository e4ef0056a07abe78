"""Limits that `on_connect` assigns hold from then on; later there is no assigning them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import FakeServer, make_scope
from tests.waiting import all_tasks_blocked
from wsendpoints import InvalidStateError, Limits, Rate, WebSocket, WebSocketEndpoint
from wsendpoints.testing import Client, HandshakeDenied, connect

pytestmark = pytest.mark.anyio

BOUND: Final = 1000.0
LONG: Final = BOUND * 10

NONE: Final = Limits(
    max_message_size=None,
    max_invalid=None,
    connect_timeout=None,
    send_timeout=None,
    close_timeout=None,
    disconnect_timeout=None,
    grace=None,
    inbox=None,
    inbox_bytes=None,
    inbox_timeout=None,
)

LATE: Final = (
    "limits are assigned in __init__ or on_connect, which may receive the first messages itself: "
    "from the end of on_connect on they stay as they are"
)


class Limited(WebSocketEndpoint):
    """Has no limits until it assigns some, after the accept or before."""

    encoding = "json"
    limits = NONE
    chosen: Limits = NONE
    is_accepted_first: bool = True
    receives: bool = False

    async def on_connect(self, websocket: WebSocket) -> None:
        if self.is_accepted_first:
            await websocket.accept()
        if self.receives:
            await websocket.receive_json()
        self.limits = self.chosen
        if not self.is_accepted_first:
            await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: int) -> None:
        if data:
            await anyio.sleep(data)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await anyio.sleep(LONG)


async def too_big(client: Client) -> None:
    """Exceed the size."""
    await client.send_text("1" * 100)
    await client.expect_close(1009, "max_message_size: a message may have 10 bytes")


async def invalid(client: Client) -> None:
    """Send what is not declared."""
    await client.send_json("x")
    await client.receive_json()
    await client.expect_close(1008, "max_invalid: 1 invalid messages in a row")


async def too_fast(client: Client) -> None:
    """Exceed the rate."""
    await client.send_json(0)
    await client.send_json(0)
    await client.expect_close(4429, "rate: 1 messages in 1e+09 s")


async def silent(client: Client) -> None:
    """Say nothing."""
    await client.expect_close(1008, "first_message_timeout: 1000 s", timeout=LONG)


async def idle(client: Client) -> None:
    """Say no more."""
    await client.expect_close(1001, "idle_timeout: 1000 s", timeout=LONG)


async def long(client: Client) -> None:
    """Have the handler take long."""
    await client.send_json(int(LONG))
    await client.expect_close(1011, "handler_timeout: 1000 s", timeout=LONG)


async def early(client: Client) -> None:
    """Disconnect while a handler runs, which has its grace."""
    began = anyio.current_time()
    await client.send_json(int(LONG))
    await all_tasks_blocked()
    await client.close()
    await client.wait_for_app(timeout=LONG)
    assert anyio.current_time() - began == pytest.approx(BOUND + 1, abs=0.1)


async def gone(client: Client) -> None:
    """Disconnect, and wait for the clean-up."""
    began = anyio.current_time()
    await client.close()
    await client.wait_for_app(timeout=LONG)
    assert anyio.current_time() - began == pytest.approx(BOUND, abs=0.1)


Exceed = Callable[[Client], Awaitable[None]]

CASES: list[Any] = [
    pytest.param({"max_message_size": 10}, too_big, id="max_message_size"),
    pytest.param({"max_invalid": 1}, invalid, id="max_invalid"),
    pytest.param(
        {"rate": Rate(1, per=1e9), "close_codes": {"rate": 4429}}, too_fast, id="rate and its code"
    ),
    pytest.param({"first_message_timeout": BOUND}, silent, id="first_message_timeout"),
    pytest.param({"idle_timeout": BOUND}, idle, id="idle_timeout"),
    pytest.param({"handler_timeout": BOUND}, long, id="handler_timeout"),
    pytest.param({"grace": BOUND, "disconnect_timeout": 1}, early, id="grace"),
    pytest.param({"disconnect_timeout": BOUND}, gone, id="disconnect_timeout"),
]


@pytest.mark.parametrize("is_accepted_first", [True, False], ids=["after", "before the accept"])
@pytest.mark.parametrize(("limits", "exceed"), CASES)
async def test_limits_of_on_connect_hold(
    limits: dict[str, Any], exceed: Exceed, is_accepted_first: bool
) -> None:
    """All of them, from then on."""

    class Own(Limited):
        chosen = replace(NONE, **({"disconnect_timeout": 1} | limits))

    Own.is_accepted_first = is_accepted_first
    async with connect(as_asgi(Own), timeout=LONG) as client:
        await exceed(client)


async def test_limits_that_are_lifted_hold_no_more() -> None:
    """Those of the class do not either, once `on_connect` has assigned others."""

    class Lifted(Limited):
        limits = Limits(max_message_size=1, first_message_timeout=BOUND, idle_timeout=BOUND)
        chosen = replace(NONE, disconnect_timeout=1)

    async with connect(as_asgi(Lifted), timeout=LONG) as client:
        await client.receive_nothing(timeout=BOUND * 2)
        await client.send_json("xxxxxxxxxx")
        assert (await client.receive_json())["code"] == "invalid_message"


def assign(endpoint: WebSocketEndpoint, limits: Limits) -> None:
    """Assign them from outside of the class."""
    endpoint.limits = limits


async def test_limits_that_a_function_assigns_hold_once_on_connect_is_done() -> None:
    """Its class does not show it, and so does not look at what is assigned."""

    class Outside(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            assign(self, Limits(max_message_size=10))

    assert Outside.__setattr__ is object.__setattr__
    async with connect(as_asgi(Outside)) as client:
        await too_big(client)


async def test_first_message_that_on_connect_receives_is_the_first() -> None:
    """No other is waited for."""

    class Login(Limited):
        receives = True
        chosen = replace(NONE, first_message_timeout=BOUND, disconnect_timeout=1)

    async with connect(as_asgi(Login), timeout=LONG) as client:
        await client.send_json({"token": "x"})
        await client.receive_nothing(timeout=BOUND * 2)


@pytest.mark.parametrize(
    "before", [NONE, replace(NONE, connect_timeout=BOUND / 10)], ids=["none", "another"]
)
async def test_handshake_has_the_time_that_is_assigned(before: Limits) -> None:
    """It is counted from then on."""

    class Slow(WebSocketEndpoint):
        limits = before

        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep(BOUND / 20)
            self.limits = replace(NONE, connect_timeout=BOUND)
            await anyio.sleep_forever()

    began = anyio.current_time()
    with pytest.raises(HandshakeDenied):
        async with connect(as_asgi(Slow), timeout=LONG):
            pass
    assert anyio.current_time() - began == pytest.approx(BOUND * 1.05, abs=0.1)


async def test_messages_that_wait_already_are_held_to_them() -> None:
    """What came while `on_connect` ran is looked at in its turn."""

    class Later(Limited):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await anyio.sleep(1)
            self.limits = replace(NONE, max_message_size=10, disconnect_timeout=1)

    async with connect(as_asgi(Later), timeout=LONG) as client:
        await too_big(client)


@pytest.mark.parametrize("beside", [False, True], ids=["handler", "task"])
async def test_limits_assigned_later_are_an_error(beside: bool) -> None:
    """Once messages are handled, all that is decided once is decided."""
    errors: list[str] = []

    class Late(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            if beside:
                self.start_soon(self.change)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await self.change()

        async def change(self) -> None:
            await anyio.sleep(1)
            with pytest.raises(InvalidStateError) as caught:
                self.limits = NONE
            errors.append(str(caught.value))

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await self.change()

    async with connect(as_asgi(Late), timeout=LONG) as client:
        if not beside:
            await client.send_text("x")
        await anyio.sleep(2)
    assert errors == [LATE, LATE]


async def test_limits_may_be_assigned_before_it_is_served() -> None:
    """In `__init__`, or by the one that makes the endpoint."""

    class Early(WebSocketEndpoint):
        def __init__(self, *args: Any) -> None:
            self.limits = replace(self.limits, grace=1)
            super().__init__(*args)

    endpoint = Early(make_scope(), FakeServer().receive, FakeServer().send)
    assert endpoint.limits.grace == 1
    async with connect(Early.as_asgi(limits=Limits(max_message_size=5))) as client:
        await client.send_text("xxxxxxxxxxx")
        await client.expect_close(1009)


@pytest.mark.parametrize("is_set_first", [False, True], ids=["after the accept", "before it"])
async def test_connection_expires_from_its_accept_on(is_set_first: bool) -> None:
    """Whenever it is told to: a moment that is past closes it as soon as it is open."""

    class Expired(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            if is_set_first:
                websocket.expires_at = 0.0
            await websocket.accept()
            if not is_set_first:
                websocket.expires_at = 0.0

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            pass

    async with connect(as_asgi(Expired), timeout=LONG) as client:
        await client.expect_close(4401, "expires_at: 0 s")


async def test_connection_ages_from_its_accept_on() -> None:
    """Also where the conversation begins before that."""

    class Aging(WebSocketEndpoint):
        limits = Limits(max_age=10, connect_timeout=60)

        async def on_connect(self, websocket: WebSocket) -> None:
            await anyio.sleep(20)
            await websocket.accept()

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async with connect(as_asgi(Aging), timeout=LONG) as client:
        await client.send_text("x")
        assert await client.receive_text() == "x"
        await client.expect_close(1012, "max_age: 10 s")
