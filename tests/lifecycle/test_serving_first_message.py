"""An endpoint without an `on_connect` of its own, before and at its first message."""

from typing import Any, ClassVar

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, FakeServer, make_scope
from wsendpoints import Limits, ServerProtocolError, WebSocket, WebSocketEndpoint
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Quiet(WebSocketEndpoint):
    """Has no `on_connect`, so that nothing of it runs before the first message."""

    log: ClassVar[list[Any]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a log of its own."""
        super().__init_subclass__(**kwargs)
        cls.log = []

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        self.log.append(data)
        return data

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.log.append(close_code)


async def test_first_message_is_handled_as_the_others() -> None:
    """The first message is not lost, and the order is kept."""

    class Echo(Quiet):
        pass

    async with connect(Echo.as_asgi()) as client:
        for text in ("one", "two", "three"):
            await client.send_text(text)
        assert [await client.receive_text() for _ in range(3)] == ["one", "two", "three"]
    assert Echo.log == ["one", "two", "three", 1000]


async def test_first_message_that_is_bad_is_refused() -> None:
    """The first message is checked as the others are."""

    class Strict(Quiet):
        encoding = "text"

    async with connect(Strict.as_asgi()) as client:
        await client.send_bytes(b"x")
        await client.expect_close(1003)
    assert Strict.log == [1003]


@pytest.mark.parametrize(
    ("leave", "code"),
    [("close", 1001), ("vanish", 1006), ("shut down", 1012), ("cancel", 1012)],
)
async def test_silent_client_ends_in_any_way(leave: str, code: int) -> None:
    """Any end of the connection is noticed, and `on_disconnect` called."""

    class Silent(Quiet):
        pass

    async with connect(Silent.as_asgi()) as client:
        match leave:
            case "close":
                await client.close(1001)
            case "vanish":
                client.vanish()
            case "shut down":
                client.shutdown()
            case _:
                client.cancel_app()
                await client.expect_close(1012)
        await client.wait_for_app()
    assert Silent.log == [code]


async def test_silent_client_that_did_not_wait_for_the_answer() -> None:
    """F05: an accept that fails is a disconnect."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT)
    server.failure = OSError("gone")
    await Silent(make_scope(), server.receive, server.send)
    assert Silent.log == [1006]


@pytest.mark.parametrize(
    "event", [{"type": "websocket.foo"}, {}, {"type": "websocket.connect"}], ids=str
)
async def test_server_that_breaks_the_rules_before_the_first_message(event: Event) -> None:
    """H18: an event that may not come closes with 1011, and is raised to the server."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT, event)
    with pytest.raises(ServerProtocolError):
        await Silent(make_scope(), server.receive, server.send)
    assert [sent.get("code") for sent in server.sent] == [None, 1011]
    assert Silent.log == [1011]


async def test_server_whose_receive_fails_before_the_first_message() -> None:
    """An exception of the server's `receive` is raised to it again."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT)

    async def receive() -> Event:
        if server.receives:
            raise ValueError("server")
        return await server.receive()

    with pytest.raises(ValueError, match="server"):
        await Silent(make_scope(), receive, server.send)
    assert Silent.log == [1011]


async def test_endpoint_that_is_given_up_ends_at_once() -> None:
    """A coroutine that is closed, as by an event loop that ends, awaits nothing more."""

    class Silent(Quiet):
        pass

    server = FakeServer(CONNECT)

    async def receive() -> Event:
        if server.receives:
            await anyio.sleep_forever()
        server.receives += 1
        return CONNECT

    async def send(event: Event) -> None:
        server.offers.append(event)

    steps = Silent(make_scope(), receive, send).__await__()
    next(steps)
    steps.close()
    assert [event["type"] for event in server.offers] == ["websocket.accept"]
    assert Silent.log == []


async def test_sending_before_the_first_message() -> None:
    """Another task may send on the connection and close it before the first message."""
    found: list[Quiet] = []

    class Telling(Quiet):
        registry: list[Quiet]

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "registry":
                value.append(self)

    async with connect(Telling.as_asgi(registry=found)) as client:
        await found[0].push("news")
        assert await client.receive_text() == "news"
        await found[0].websocket.close(4000)
        await client.expect_close(4000)
    assert Telling.log == [4000]


async def test_tasks_of_a_class_with_an_init_start_before_the_first_message() -> None:
    """A class with an `__init__` may start tasks before the first message."""
    found: list[Quiet] = []

    class Known(Quiet):
        def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
            super().__init__(scope, receive, send)
            found.append(self)

    async with connect(Known.as_asgi()) as client:
        found[0].start_soon(found[0].push, "news")
        assert await client.receive_text() == "news"


@pytest.mark.parametrize(
    "limits", [Limits(first_message_timeout=0.01), Limits(idle_timeout=0.01)], ids=["first", "idle"]
)
async def test_silent_client_is_closed_where_it_has_a_time(limits: Limits) -> None:
    """F01 and F04 hold for a class without `on_connect` too."""

    class Silent(Quiet):
        pass

    Silent.limits = limits
    async with connect(as_asgi(Silent)) as client:
        closed = await client.expect_close()
    assert Silent.log == [closed.code]
    assert closed.code in {1001, 1008}


async def test_accept_that_the_server_holds_up_too_long_closes_the_connection() -> None:
    """The limit that passed is in the reason, and `on_disconnect` is called with its code."""

    class Held(Quiet):
        limits = Limits(connect_timeout=None, send_timeout=5)

    server = FakeServer(CONNECT)
    closes: list[Event] = []

    async def send(event: Event) -> None:
        if event["type"] == "websocket.accept":
            await anyio.sleep_forever()
        closes.append(event)

    await Held(make_scope(), server.receive, send)
    assert closes == [{"type": "websocket.close", "code": 1013, "reason": "send_timeout: 5 s"}]
    assert Held.log == [1013]
