"""The class that users subclass: attributes, mounting, and what its defaults do."""

import gc
import weakref
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import field
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar
from unittest.mock import patch

import pytest
from starlette.applications import Starlette
from starlette.exceptions import WebSocketException
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocket as StarletteWebSocket

from tests.some_messages import Said, Say
from wsendpoints import (
    ClientMessageError,
    ConfigurationError,
    Given,
    InvalidDataError,
    InvalidMessageError,
    InvalidStateError,
    Limits,
    MessageTooBigError,
    Rate,
    RateLimitedError,
    UnsupportedDataError,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Echo(WebSocketEndpoint):
    """Sends the text back."""

    encoding = "json"
    greeting: str

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said(text=f"{getattr(self, 'greeting', '')}{data.text}")


async def no_receive() -> Event:
    """Never called."""
    raise AssertionError


async def no_send(event: Event) -> None:
    """Never called."""
    raise AssertionError


T = TypeVar("T")


class Base(WebSocketEndpoint, Generic[T]):
    """Leaves the type of its messages to subclasses."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: T) -> Said:
        return Said(text=type(data).__name__)


# What can be served.


async def test_base_class_is_abstract() -> None:
    """`WebSocketEndpoint` itself is never served."""
    scope: Scope = {"type": "websocket"}
    text = "WebSocketEndpoint is abstract: serve a subclass of it"
    with pytest.raises(ConfigurationError, match=text):
        WebSocketEndpoint(scope, no_receive, no_send)
    with pytest.raises(ConfigurationError, match=text):
        WebSocketEndpoint.as_asgi()
    with pytest.raises(ConfigurationError, match=text):
        await WebSocketEndpoint.serve(WebSocket(scope, no_receive, no_send))


async def test_generic_base_is_not_served() -> None:
    """A generic class is served through a subclass that fixes its type variables."""
    with pytest.raises(ConfigurationError) as raised:
        Base.as_asgi()
    assert str(raised.value) == (
        "Base leaves the type variable T open: serve a subclass of Base[...]"
    )

    class Chat(Base[Say]):
        pass

    async with connect(Chat.as_asgi()) as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said) == Said(text="Say")


async def test_limits_must_be_limits() -> None:
    """Limits of another type are refused when the class is made."""
    with pytest.raises(ConfigurationError, match=r"Wrong\.limits is \{'grace': 1\}: use Limits"):
        type("Wrong", (WebSocketEndpoint,), {"limits": {"grace": 1}})
    with pytest.raises(ConfigurationError, match=r"Echo\.limits is 5: use Limits"):
        Echo.as_asgi(limits=5)


@pytest.mark.parametrize("kind", ["http", "lifespan", "nonsense"])
async def test_class_serves_websockets_alone(kind: str) -> None:
    """H16: any other scope is an error that names its type."""
    with pytest.raises(ValueError, match=f"not '{kind}'"):
        Echo({"type": kind}, no_receive, no_send)


# Attributes.


async def test_attributes_get_in() -> None:
    """The attributes given to `as_asgi` are set on the endpoint of each connection."""
    async with connect(Echo.as_asgi(greeting="Hi, ", limits=Limits(max_invalid=1))) as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said) == Said(text="Hi, x")
        await client.send_json({"text": 1})
        assert (await client.receive_json())["type"] == "error"
        await client.expect_close(1008)
    assert Echo.limits.max_invalid == 10


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(
            "greting",
            "Echo declares no attribute 'greting': annotate it in the class, as `greting: ...`",
            id="not declared",
        ),
        pytest.param("on_receive", "Echo declares no attribute 'on_receive'", id="a method"),
        pytest.param("_lifecycle", "Echo declares no attribute '_lifecycle'", id="private"),
        pytest.param(
            "encoding",
            "Echo.encoding is compiled with the class: set it in a subclass",
            id="compiled",
        ),
    ],
)
async def test_attributes_must_be_declared(name: str, text: str) -> None:
    """An attribute that the class does not declare is refused before any connection."""
    with pytest.raises(ConfigurationError) as raised:
        Echo.as_asgi(**{name: 1})
    assert str(raised.value).startswith(text)
    with pytest.raises(ConfigurationError):
        await Echo.serve(WebSocket({"type": "websocket"}), **{name: 1})


class Counting(WebSocketEndpoint):
    """Is given a greeting, and counts what each client sends."""

    encoding = "json"
    greeting: Given[str]
    seen: list[str] = field(default_factory=list[str])

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        self.seen.append(data.text)
        return Said(text=self.greeting + "".join(self.seen))


async def test_each_connection_has_its_own_of_a_field() -> None:
    """What one client sends does not show to another."""
    app = Counting.as_asgi(greeting="Hi, ")
    async with connect(app) as one, connect(app) as other:
        for client, answer in ((one, "Hi, x"), (one, "Hi, xx"), (other, "Hi, x")):
            await client.send(Say(text="x"))
            assert await client.receive(Said) == Said(text=answer)


async def test_what_must_be_given_is_checked_however_the_class_is_mounted() -> None:
    """By `as_asgi` and by `serve` at once, else with the first connection."""
    text = "Counting is not given greeting, which it requires"
    with pytest.raises(ConfigurationError, match=text):
        Counting.as_asgi()
    with pytest.raises(ConfigurationError, match=text):
        await Counting.serve(WebSocket({"type": "websocket"}))
    with pytest.raises(ConfigurationError, match=text):
        async with connect(Starlette(routes=[WebSocketRoute("/", Counting)])):
            pass


async def test_instance_that_init_did_not_make_is_not_served() -> None:
    """The error says what `__init__` is to call."""

    class Bare(WebSocketEndpoint):
        def __init__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Bare\.__init__ does not call that of"):
        async with connect(Bare.as_asgi()):
            pass


# Mounting.


async def function(websocket: StarletteWebSocket) -> None:
    """Serve the endpoint from a framework's function."""
    await Echo.serve(websocket, greeting="Hi, ")


async def app_with_our_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the endpoint from a bare ASGI application."""
    await Echo.serve(WebSocket(scope, receive, send))


@pytest.mark.parametrize(
    ("app", "greeting"),
    [
        pytest.param(Echo.as_asgi(), "", id="bare"),
        pytest.param(app_with_our_websocket, "", id="serve on our WebSocket"),
        pytest.param(Starlette(routes=[WebSocketRoute("/ws", Echo)]), "", id="the class"),
        pytest.param(
            Starlette(routes=[WebSocketRoute("/ws", Echo.as_asgi(greeting="Hi, "))]),
            "Hi, ",
            id="as_asgi",
        ),
        pytest.param(Starlette(routes=[Mount("/", Echo.as_asgi())]), "", id="mounted"),
        pytest.param(Starlette(routes=[WebSocketRoute("/ws", function)]), "Hi, ", id="serve"),
        pytest.param(
            Starlette(routes=[WebSocketRoute("/ws", Echo.as_route(greeting="Hi, "))]),
            "Hi, ",
            id="as_route",
        ),
    ],
)
async def test_endpoint_is_mounted(app: Any, greeting: str) -> None:
    """The conversation is the same however the endpoint is mounted."""
    async with connect(app, "/ws") as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said) == Said(text=f"{greeting}x")
        await client.send_text("{")
        await client.expect_close(1007)


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "Starlette's"])
async def test_accepted_connection_is_not_served(ours: bool) -> None:
    """`serve` answers the handshake itself, and refuses one that is answered already."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket: Any = (WebSocket if ours else StarletteWebSocket)(scope, receive, send)
        await websocket.accept()
        with pytest.raises(InvalidStateError, match="accepted already: leave that to on_connect"):
            await Echo.serve(websocket)
        await websocket.close()

    async with connect(app) as client:
        await client.expect_close(1000)


async def test_exception_of_the_framework_closes() -> None:
    """Starlette's `WebSocketException` closes with its code, and is no failure."""

    class Strict(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            raise WebSocketException(1008, "not like this")

    app = Starlette(routes=[WebSocketRoute("/ws", Strict)])
    async with connect(app, "/ws") as client:
        await client.send_text("x")
        await client.expect_close(1008, "not like this")


# Defaults.


async def test_messages_are_ignored_by_default() -> None:
    """An endpoint without `on_receive` ignores any message."""

    class Clock(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await super().on_connect(websocket)
            await self.push("tick")

    async with connect(Clock.as_asgi()) as client:
        assert await client.receive_text() == "tick"
        await client.send_text("{")
        await client.send_bytes(b"\xff")
        await client.receive_nothing()


async def test_super_is_called_for_what_a_subclass_does_not_handle() -> None:
    """An override can call the default of each hook."""

    class Quiet(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            assert await super().on_receive(websocket, data) is None
            await self.push("ignored")

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            await super().on_disconnect(websocket, close_code)

    async with connect(Quiet.as_asgi()) as client:
        await client.send_text("x")
        assert await client.receive_text() == "ignored"


async def test_endpoint_knows_its_connection() -> None:
    """`self.websocket` and `self.scope` are there in every hook, as in Starlette."""

    class Where(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            assert websocket is self.websocket
            return str(self.scope["path"])

    async with connect(Where.as_asgi(), "/here") as client:
        await client.send_text("x")
        assert await client.receive_text() == "/here"


async def test_replies_push_and_streams_are_checked() -> None:
    """A message that the class does not declare can't be sent."""

    class Strict(WebSocketEndpoint):
        encoding = "json"
        sends = Said

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> AsyncIterator[Said]:
            await self.push(Said(text="pushed"))
            with pytest.raises(ConfigurationError, match="add its type to the return annotation"):
                await self.push(data)
            yield Said(text="streamed")

    async with connect(Strict.as_asgi()) as client:
        await client.send(Say(text="x"))
        assert await client.receive(Said) == Said(text="pushed")
        assert await client.receive(Said) == Said(text="streamed")


async def test_push_before_the_accept_is_refused() -> None:
    """Nothing can be pushed before the connection is accepted."""

    class Early(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            with pytest.raises(InvalidStateError, match="accept the connection first"):
                await self.push("x")
            await websocket.accept()

    async with connect(Early.as_asgi()) as client:
        await client.receive_nothing()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        pytest.param(["v1", "v2"], "v2", id="ours is preferred"),
        pytest.param(["v1"], "v1", id="the only common one"),
        pytest.param(["v3"], None, id="none in common"),
        pytest.param([], None, id="none offered"),
    ],
)
async def test_subprotocol_is_chosen_by_default(offered: list[str], chosen: str | None) -> None:
    """The first of the class's subprotocols that the client offers is chosen, if there is one."""

    class Versioned(WebSocketEndpoint):
        subprotocols = ("v2", "v1")

    async with connect(Versioned.as_asgi(), subprotocols=offered) as client:
        assert client.subprotocol == chosen


async def test_task_runs_beside_the_messages() -> None:
    """A task of `start_soon` is called with the arguments that it was given."""

    class Telling(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tell, "a", "b")

        async def tell(self, *words: str) -> None:
            for word in words:
                await self.push(word)

    async with connect(Telling.as_asgi()) as client:
        assert [await client.receive_text() for _ in range(2)] == ["a", "b"]


async def test_error_message_is_not_sent_after_a_close() -> None:
    """Once the application has closed the connection, an invalid message is not answered."""

    class Closing(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say) -> None:
            pass

        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            await websocket.close(4000)
            await super().on_invalid(websocket, error)

    async with connect(Closing.as_asgi()) as client:
        await client.send_json({"text": 1})
        await client.expect_close(4000)


# What `on_invalid` sees.

Seen: TypeAlias = list[tuple[type[ClientMessageError], str | bytes | None, Any]]


class Seeing(WebSocketEndpoint):
    """Notes what is invalid, and receives a second message itself, if the first says so."""

    encoding = "json"
    limits = Limits(max_message_size=20, rate=Rate(4, per=1e9))
    seen: ClassVar[Seen] = []
    errors: ClassVar[list["weakref.ref[ClientMessageError]"]] = []

    async def on_receive(self, websocket: WebSocket, data: int) -> int:
        """Receive another message."""
        await websocket.receive_json()
        return data

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Note it."""
        self.seen.append((type(error), error.frame, error.value))
        self.errors.append(weakref.ref(error))
        await websocket.send_text("invalid")


@pytest.mark.parametrize(
    ("frames", "error", "value"),
    [
        pytest.param(['{"id": 7}'], InvalidMessageError, {"id": 7}, id="not declared"),
        pytest.param([b"[1]"], InvalidMessageError, [1], id="in bytes"),
        pytest.param(["{"], InvalidDataError, None, id="no JSON"),
        pytest.param(['"' + "x" * 20], MessageTooBigError, None, id="too big"),
        pytest.param(["1", "2", "1", "2", "3"], RateLimitedError, None, id="too fast"),
        pytest.param(["1", "{"], InvalidDataError, None, id="received by the handler"),
        pytest.param(["1", b"2"], UnsupportedDataError, None, id="of the other kind"),
    ],
)
async def test_on_invalid_sees_what_came(
    frames: list[str | bytes], error: type[ClientMessageError], value: object
) -> None:
    """It is the frame that is wrong, and with JSON its value, whoever received it.

    Nothing keeps the error, and so the frame, once it is answered.
    """
    Seeing.seen.clear()
    Seeing.errors.clear()
    gc.disable()
    try:
        async with connect(Seeing.as_asgi()) as client:
            for frame in frames:
                await client.send(frame)
            while await client.receive(str) != "invalid":
                pass
            await client.receive_nothing()
            assert Seeing.seen == [(error, frames[-1], value)]
            assert [alive() for alive in Seeing.errors] == [None]
    finally:
        gc.enable()


# What changes once the class is made.


async def test_class_that_is_patched_is_compiled_again() -> None:
    """For the connections that are made from then on, and until the patch ends."""

    async def loud(self: Any, websocket: WebSocket, data: Say) -> Said:
        return Said(text=data.text.upper())

    async def text_from(cls: type[WebSocketEndpoint]) -> str:
        async with connect(cls.as_asgi()) as client:
            await client.send(Say(text="x"))
            return (await client.receive(Said)).text

    class Sub(Echo):
        pass

    assert await text_from(Sub) == "x"
    with patch.object(Echo, "on_receive", loud):
        assert await text_from(Sub) == "X"
    assert await text_from(Sub) == "x"


async def test_class_that_is_patched_to_be_generic_is_not_served() -> None:
    """As a generic base is not."""

    class Bound(Base[Say]):
        pass

    class Open(Bound, Generic[T]):
        pass

    async def on_receive(self: Any, websocket: WebSocket, data: Any) -> None: ...

    on_receive.__annotations__["data"] = T
    with (
        patch.object(Open, "on_receive", on_receive),
        pytest.raises(ConfigurationError, match="leaves the type variable T open"),
    ):
        Open.as_asgi()


async def test_what_is_compiled_is_not_assigned_to_an_instance() -> None:
    """Limits are, if they are limits."""

    class Changing(Echo):
        def change(self, limits: Any) -> None:
            self.limits = limits

        def switch(self) -> None:
            self.on_receive = self.switch  # type: ignore[assignment, method-assign]  # the case

    class Early(Changing):
        def __init__(self, *args: Any) -> None:
            self.change(Limits(grace=2))
            super().__init__(*args)

    assert Early({"type": "websocket"}, no_receive, no_send).limits.grace == 2
    endpoint = Changing({"type": "websocket"}, no_receive, no_send)
    endpoint.change(Limits(grace=1))
    assert endpoint.limits.grace == 1
    with pytest.raises(ConfigurationError, match="limits is 5: use Limits"):
        endpoint.change(5)
    with pytest.raises(ConfigurationError, match="can't be assigned to an instance"):
        endpoint.switch()


async def test_on_error_raises_by_default() -> None:
    """An override may leave to it what it does not answer."""

    class Chat(WebSocketEndpoint):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            raise KeyError(data) if data == "key" else ValueError(data)

        async def on_error(self, websocket: WebSocket, data: str, exc: Exception) -> str:
            if isinstance(exc, KeyError):
                return "no such key"
            return str(await super().on_error(websocket, data, exc))

    with pytest.raises(ValueError, match="other"):
        async with connect(Chat.as_asgi()) as client:
            await client.send("key")
            assert await client.receive(str) == "no such key"
            await client.send("other")
            await client.expect_close(1011)


@pytest.mark.anyio
async def test_connection_is_served_within_what_watches_it() -> None:
    """As the scope says, from before the handshake until it has ended."""
    told: list[str] = []

    @contextmanager
    def watch(endpoint: Any) -> Generator[None]:
        told.append(f"{type(endpoint).__name__} begins")
        yield
        told.append("it ends")

    class Watched(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            told.append("connect")
            await websocket.accept()

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            """Drop it."""

    async with connect(Watched.as_asgi(), scope={WATCHED: (watch,)}):
        assert told == ["Watched begins", "connect"]
    assert told == ["Watched begins", "connect", "it ends"]
