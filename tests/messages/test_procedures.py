"""Methods that clients call by name, as a class declares them."""

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar
from unittest import mock

import pytest

from tests.messages.test_envelope import Lines
from wsendpoints import ConfigurationError, JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Rpc(WebSocketEndpoint):
    """Has methods of each kind."""

    encoding = "json"
    dialect = JsonRpc()

    @handles("say/text")
    async def say(self, websocket: WebSocket, text: str) -> str:
        return text

    @handles
    async def plain(self, websocket: WebSocket, data: dict[str, int]) -> int:
        return len(data)

    @handles("gone")
    async def gone(self, websocket: WebSocket) -> None: ...


class Sub(Rpc):
    """Overrides one, and removes one."""

    async def say(self, websocket: WebSocket, text: str) -> str:
        return text.upper()

    gone = None  # type: ignore[assignment]  # takes it away


class Base(WebSocketEndpoint, Generic[T]):
    """A generic base class."""

    encoding = "json"
    dialect = JsonRpc()

    @handles("put")
    async def put(self, websocket: WebSocket, item: T) -> T:
        return item


class Numbers(Base[int]):
    """Says what it takes."""


def rpc(method: str, *params: Any) -> dict[str, Any]:
    """Return a call."""
    return {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}


async def outcome(cls: type[WebSocketEndpoint], method: str, *params: Any) -> Any:
    """Return the result of a call, or the code of its error."""
    async with connect(cls.as_asgi()) as client:
        await client.send_json(rpc(method, *params))
        answer = await client.receive_json()
        return answer["error"]["code"] if "error" in answer else answer["result"]


@pytest.mark.parametrize(
    ("cls", "method", "params", "result"),
    [
        pytest.param(Rpc, "say/text", ["x"], "x", id="name in the mark"),
        pytest.param(Rpc, "say", ["x"], -32601, id="name in the class"),
        pytest.param(Rpc, "plain", [{"a": 1}], 1, id="mark without a name"),
        pytest.param(Rpc, "gone", [], None, id="nothing"),
        pytest.param(Sub, "say/text", ["x"], "X", id="override"),
        pytest.param(Sub, "gone", [], -32601, id="removed"),
        pytest.param(Numbers, "put", ["5"], 5, id="generic"),
        pytest.param(Numbers, "put", ["x"], -32602, id="generic, of another type"),
    ],
)
async def test_methods_are_called_by_name(
    cls: type[WebSocketEndpoint], method: str, params: Any, result: Any
) -> None:
    """A method has the name of its mark, or else its own, and is inherited as any other."""
    assert await outcome(cls, method, *params) == result


async def test_mock_takes_the_place_of_a_method() -> None:
    """It keeps the types of the method."""
    with mock.patch.object(Rpc, "say", new=mock.AsyncMock(return_value="mocked")) as say:
        assert await outcome(Rpc, "say/text", "x") == "mocked"
        assert await outcome(Rpc, "say/text", 5) == -32602
    ((_, text), _) = say.await_args_list[0]
    assert text == "x"
    assert await outcome(Rpc, "say/text", "x") == "x"


def make(dialect: Any = None, **methods: Any) -> type:
    """Make a class with a dialect."""
    attributes = {"encoding": "json", "dialect": dialect or JsonRpc(), **methods}
    return type("Chat", (WebSocketEndpoint,), attributes)


async def stream(self: Any, websocket: WebSocket) -> AsyncIterator[int]:
    """Streams."""
    yield 1


async def one(self: Any, websocket: WebSocket) -> None:
    """Is a method."""


async def two(self: Any, websocket: WebSocket) -> None:
    """Is another one."""


def generate(self: Any, websocket: WebSocket) -> Any:
    """Is no method."""
    yield 1


def test_streams_need_a_dialect_that_has_them() -> None:
    """JSON-RPC has none."""
    assert make(Lines(), tokens=handles("tokens")(stream))
    with pytest.raises(ConfigurationError) as caught:
        make(tokens=handles("tokens")(stream))
    assert str(caught.value) == (
        "Chat.tokens sends each value with `yield`, but JsonRpc has no streams: return one result, "
        "and send notifications before it by `self.push(Notification(...))`"
    )


def test_names_are_unique() -> None:
    """Two methods can't have the same name in the protocol."""
    with pytest.raises(ConfigurationError) as caught:
        make(one=handles("same")(one), two=handles("same")(two))
    assert str(caught.value) == (
        "Chat.one and Chat.two both handle 'same': mark one of them with another name, as in "
        "`@handles(...)`"
    )


def test_generators_are_no_methods() -> None:
    """A generator that is not async is refused, as for messages."""
    with pytest.raises(ConfigurationError, match=r"^Chat\.generate is no async method, but a gen"):
        make(generate=handles("generate")(generate))


async def say(self: Any, websocket: WebSocket, text: str) -> None:
    """Has a param."""


def test_key_is_a_param() -> None:
    """A key that no param has is refused."""
    assert make(say=handles("say", concurrent=True, key="text")(say))
    with pytest.raises(ConfigurationError) as caught:
        make(say=handles("say", concurrent=True, key="room")(say))
    assert str(caught.value) == (
        "Chat.say is marked with key='room', but params has no such field: use the name of one "
        "that it has, or a function of the message"
    )
