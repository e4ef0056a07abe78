"""Something around each method that handles messages, however the class has them called."""

from typing import Any, Final, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from tests.clocks import REAL_TIME
from wsendpoints import JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.lifecycle.hooks import lifecycle_of
from wsendpoints.lifecycle.serving import WATCHED
from wsendpoints.messages.around import around
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.messages.method import Handler, Method
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

SPOKEN: Final[Subprotocols] = {"v1": "msgpack"}


class Say(BaseModel):
    """A message that its class tells from others."""

    type: Literal["say"] = "say"
    text: str


class Loud(Say):
    """What a validator may make of it."""

    volume: int = 1


class Left(TypedDict):
    """A message that its field tells from others."""

    type: Literal["left"]
    number: int


class Right(TypedDict):
    """Another one."""

    type: Literal["right"]
    number: int


class Watching:
    """Notes which methods begin, and end."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def __call__(self, endpoint: Any) -> Any:
        """Put something around the methods of an endpoint."""
        lifecycle = lifecycle_of(endpoint)
        lifecycle.declaration = around(lifecycle.declaration.current(), self.wrap)
        return self

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *raised: object) -> None:
        """End."""

    def wrap(self, handler: Handler, method: Method) -> Handler:
        """Note when a method begins, and ends."""

        async def wrapped(endpoint: Any, websocket: Any, data: Any) -> Any:
            self.log.append(method.name)
            reply = await handler(endpoint, websocket, data)
            self.log.append(f"{method.name} ended")
            return reply

        return wrapped

    @property
    def scope(self) -> dict[str, Any]:
        """What has a connection watched."""
        return {WATCHED: (self,)}


async def test_on_receive() -> None:
    """The one method of its class."""
    watching = Watching()

    class Echo(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            watching.log.append("handled")
            return data

    async with connect(Echo.as_asgi(), scope=watching.scope) as client:
        await client.send_text("a")
        assert await client.receive_text() == "a"
    assert watching.log == ["on_receive", "handled", "on_receive ended"]


async def test_a_class_without_handlers_stays_as_it_is() -> None:
    """What is dropped is handled by no method."""
    watching = Watching()

    class Deaf(WebSocketEndpoint):
        pass

    async with connect(Deaf.as_asgi(), scope=watching.scope) as client:
        await client.send_text("a")
    assert watching.log == []


class Chat(WebSocketEndpoint):
    """Has a method of each kind."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> str:
        return data.text

    @handles
    async def left(self, websocket: WebSocket, data: Left) -> int:
        return data["number"]

    @handles(concurrent=True)
    async def right(self, websocket: WebSocket, data: Right) -> Any:
        yield data["number"]
        yield data["number"] + 1


@pytest.mark.parametrize(
    ("message", "replies", "name"),
    [
        pytest.param({"type": "say", "text": "a"}, ["a"], "say", id="by its class"),
        pytest.param({"type": "left", "number": 1}, [1], "left", id="by pydantic"),
        pytest.param(
            {"type": "right", "number": 1}, [1, 2], "right", id="a stream beside the loop"
        ),
    ],
)
async def test_methods(message: object, replies: list[object], name: str) -> None:
    """Each method has it around the whole of what it does."""
    watching = Watching()
    async with connect(Chat.as_asgi(), scope=watching.scope) as client:
        await client.send_json(message)
        for reply in replies:
            assert await client.receive_json() == reply
    assert watching.log == [name, f"{name} ended"]


async def test_a_subclass_that_a_validator_returns() -> None:
    """It is found by what it is an instance of."""
    watching = Watching()

    class Validated(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> str:
            return data.text

        @handles
        async def left(self, websocket: WebSocket, data: Left) -> int:
            return data["number"]

    endpoint: Any = Validated({"type": "websocket", "headers": []}, None, None)  # type: ignore[arg-type]  # is not served
    declaration = around(lifecycle_of(endpoint).declaration, watching.wrap)
    assert await declaration.on_message(endpoint, None, Loud(text="a")) == "a"
    assert watching.log == ["say", "say ended"]


@REAL_TIME
async def test_a_method_in_a_thread() -> None:
    """It is around what waits for the thread."""
    watching = Watching()

    class Blocking(WebSocketEndpoint):
        encoding = "json"

        @handles
        def say(self, websocket: WebSocket, data: Say) -> str:
            watching.log.append("handled")
            return data.text

    async with connect(Blocking.as_asgi(), scope=watching.scope, timeout=60) as client:
        await client.send_json({"type": "say", "text": "a"})
        assert await client.receive_json() == "a"
    assert watching.log == ["say", "handled", "say ended"]


async def test_methods_of_a_dialect() -> None:
    """Each call of a batch has it, one that is made beside the loop, too."""
    watching = Watching()

    class Service(WebSocketEndpoint):
        encoding = "json"
        dialect = JsonRpc()

        @handles("one")
        async def first(self, websocket: WebSocket, number: int) -> int:
            return number

        @handles(concurrent=True)
        async def second(self, websocket: WebSocket, number: int) -> int:
            return number

    async with connect(Service.as_asgi(), scope=watching.scope) as client:
        call = {"jsonrpc": "2.0", "method": "one", "params": [1], "id": 1}
        await client.send_json([call, {**call, "method": "second", "id": 2}])
        answers = await client.receive_json()
        assert [(it["id"], it["result"]) for it in answers] == [(1, 1), (2, 1)]
    assert sorted(watching.log) == ["first", "first ended", "second", "second ended"]


async def test_what_a_subprotocol_speaks() -> None:
    """It is around the methods whatever was accepted."""
    watching = Watching()

    class Spoken(WebSocketEndpoint):
        encoding = "json"
        subprotocols = SPOKEN

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> str:
            return data.text

    app = Spoken.as_asgi()
    async with connect(app, subprotocols=["v1"], encoding="msgpack", scope=watching.scope) as one:
        await one.send({"type": "say", "text": "a"})
        assert await one.receive_bytes() == b"\xa1a"
    async with connect(app, scope=watching.scope) as other:
        await other.send_json({"type": "say", "text": "b"})
        assert await other.receive_json() == "b"
    assert watching.log == ["say", "say ended"] * 2


async def test_a_mock_after_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the place of a method before the first message has it, too."""
    watching = Watching()

    class Patched(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return data

    async def other(self: Any, websocket: WebSocket, data: str) -> str:
        return f"not {data}"

    async with connect(Patched.as_asgi(), scope=watching.scope) as client:
        monkeypatch.setattr(Patched, "on_receive", other)
        await client.send_text("a")
        assert await client.receive_text() == "not a"
    assert watching.log == ["on_receive", "on_receive ended"]
