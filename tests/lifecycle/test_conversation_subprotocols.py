"""The encoding of a conversation, as its client chooses it by a subprotocol."""

from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.packing import pack
from wsendpoints import (
    ErrorMessage,
    ErrorReply,
    InvalidMessageError,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.testing import connect
from wsendpoints.testing.encodings import Encoding

pytestmark = pytest.mark.anyio

BOTH: Final[Subprotocols] = {"chat.json": "json", "chat.msgpack": "msgpack"}
PLAIN: Final[Subprotocols] = {"msgpack": "msgpack", "json": "json"}


class Say(BaseModel):
    """A message."""

    type: Literal["say"] = "say"
    id: str | None = None
    text: str


class Count(BaseModel):
    """A message that is answered by a stream."""

    type: Literal["count"] = "count"
    id: str | None = None
    count: int


class Ask(BaseModel):
    """A message whose handler asks back."""

    type: Literal["ask"] = "ask"
    id: str | None = None
    about: str


class Answer(BaseModel):
    """The client's answer."""

    type: Literal["answer"] = "answer"
    id: str | None = None
    sure: bool


class Chat(WebSocketEndpoint):
    """An endpoint that leaves the handshake to the default."""

    encoding = "json"
    subprotocols = BOTH

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Say | None:
        """Echo; fail for some texts."""
        if data.text == "wrong":
            raise ErrorReply("wrong", "that is wrong")
        if data.text == "raw":
            raise InvalidMessageError([])
        if data.text == "push":
            await self.push(Say(text="pushed"))
            return None
        return data

    @handles
    async def count(self, websocket: WebSocket, data: Count) -> AsyncIterator[Count]:
        """Count."""
        for number in range(data.count):
            yield Count(count=number)


class Own(Chat):
    """An endpoint that accepts by itself, and sends at once."""

    async def on_connect(self, websocket: WebSocket) -> None:
        """Accept what the client likes best."""
        await websocket.accept(next(iter(websocket.subprotocols), None))
        await self.push(Say(text="hello"))


CHOICES: list[tuple[list[str], str | None, Encoding]] = [
    ([], None, "json"),
    (["chat.json"], "chat.json", "json"),
    (["chat.msgpack"], "chat.msgpack", "msgpack"),
    (["other"], None, "json"),
]
choices = pytest.mark.parametrize(("offered", "chosen", "encoding"), CHOICES, ids=repr)


@choices
@pytest.mark.parametrize("is_own", [False, True], ids=["default", "own"])
async def test_client_chooses_the_encoding(
    offered: list[str], chosen: str | None, encoding: Encoding, is_own: bool
) -> None:
    """Replies, pushes, streams and errors; without a subprotocol it is the class's own."""
    app = (Own if is_own else Chat).as_asgi()
    if is_own and offered == ["other"]:
        chosen = "other"
    async with connect(app, subprotocols=offered, encoding=encoding) as client:
        assert client.subprotocol == chosen
        if is_own:
            assert await client.receive(Say) == Say(text="hello")
        await client.send(Say(text="x"))
        assert await client.receive(Say) == Say(text="x")
        await client.send(Say(text="push"))
        assert await client.receive(Say) == Say(text="pushed")
        await client.send(Count(count=2))
        assert [(await client.receive(Count)).count for _ in range(2)] == [0, 1]
        await client.send({"type": "say", "text": 5})
        assert (await client.receive(ErrorMessage)).code == "invalid_message"
        await client.send(Say(text="wrong"))
        assert (await client.receive(ErrorMessage)).code == "wrong"
        await client.send("[" if encoding == "msgpack" else pack([])[:0])
        await client.expect_close(1003 if encoding == "msgpack" else 1007)


async def test_text_frames_are_refused_once_messagepack_is_chosen() -> None:
    """Though the class's own encoding takes them."""
    async with connect(Chat.as_asgi(), subprotocols=["chat.msgpack"]) as client:
        await client.send(Say(text="x"))
        await client.expect_close(1003)


class Asking(WebSocketEndpoint):
    """An endpoint that asks the client, from on_connect and from a handler."""

    encoding = "json"
    subprotocols = PLAIN
    sends = Ask
    correlation_id = "id"
    answers = Answer

    async def on_connect(self, websocket: WebSocket) -> None:
        """Ask, as soon as that is possible."""
        await websocket.accept(next(iter(websocket.subprotocols), None))
        answer = await self.ask(Ask(about="you"), Answer, timeout=5)
        await self.push(Say(text=f"{answer.sure}"))

    @handles(concurrent=True)
    async def asked(self, websocket: WebSocket, data: Ask) -> Say:
        """Ask back."""
        answer = await self.ask(Ask(about=data.about), Answer, timeout=5)
        if not answer.sure:
            raise ErrorReply("unsure")
        return Say(text="sure")


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_answers_are_read_in_the_encoding_that_was_chosen(encoding: Any) -> None:
    """During on_connect too; replies and errors have the id of the message."""
    offered = ["msgpack"] if encoding == "msgpack" else []
    async with connect(Asking.as_asgi(), subprotocols=offered, encoding=encoding) as client:
        question = await client.receive(Ask)
        await client.send(Answer(id=question.id, sure=True))
        assert await client.receive(Say) == Say(text="True")
        for sure in (True, False):
            await client.send(Ask(id="mine", about="it"))
            question = await client.receive(Ask)
            await client.send(Answer(id=question.id, sure=sure))
            reply = await client.receive(dict[str, Any])
            assert reply["id"] == "mine"
            assert ("text" in reply) is sure
        await client.send({"type": "ask", "id": "bad", "about": 5})
        assert (await client.receive(dict[str, Any]))["id"] == "bad"


class Early(WebSocketEndpoint):
    """An endpoint whose task pushes while the accept is under way."""

    encoding = "json"
    subprotocols = PLAIN

    async def on_connect(self, websocket: WebSocket) -> None:
        """Let the task be first."""
        accepting = anyio.Event()
        self.start_soon(self.push_early, websocket, accepting)
        await checkpoint()
        accepting.set()
        await websocket.accept("msgpack")

    async def push_early(self, websocket: WebSocket, accepting: anyio.Event) -> None:
        """Push as soon as there is something to push to."""
        await accepting.wait()
        while websocket.subprotocol is None:
            await checkpoint()
        await self.push({"x": 1})


async def test_what_is_pushed_during_the_accept_has_the_encoding() -> None:
    """It goes out behind the accept."""
    app = Early.as_asgi()
    async with connect(app, subprotocols=["msgpack"], encoding="msgpack") as client:
        assert await client.receive(Any) == {"x": 1}


class Struct(msgspec.Struct, tag="struct"):
    """A message of msgspec's."""

    x: int


class Structs(WebSocketEndpoint):
    """Structs in either encoding."""

    encoding = "json"
    subprotocols = PLAIN

    async def on_receive(self, websocket: WebSocket, data: Struct) -> Struct:
        """Echo."""
        return data


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_structs_too(encoding: Any) -> None:
    """A decoder for each is made with the class."""
    async with connect(Structs.as_asgi(), subprotocols=[encoding], encoding=encoding) as client:
        await client.send(Struct(5))
        assert await client.receive(Struct) == Struct(5)


async def test_class_that_is_changed_later_keeps_the_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A handler that is replaced is called for the next connection, in either encoding."""

    async def say(self: Any, websocket: WebSocket, data: Say) -> Say:
        return Say(text="replaced")

    async def talk(encoding: Encoding) -> str:
        offered = [f"chat.{encoding}"]
        async with connect(Chat.as_asgi(), subprotocols=offered, encoding=encoding) as client:
            await client.send(Say(text="x"))
            return (await client.receive(Say)).text

    assert [await talk("json"), await talk("msgpack")] == ["x", "x"]
    monkeypatch.setattr(Chat, "say", say)
    assert [await talk("json"), await talk("msgpack")] == ["replaced", "replaced"]
    monkeypatch.undo()
    assert [await talk("json"), await talk("msgpack")] == ["x", "x"]
    monkeypatch.setattr(Chat, "subprotocols", {"chat.json": "msgpack", "chat.msgpack": "json"})
    async with connect(Chat.as_asgi(), subprotocols=["chat.json"], encoding="msgpack") as client:
        await client.send(Say(text="x"))
        assert await client.receive(Say) == Say(text="x")
