"""Endpoints with several things in flight, for the tests of what cuts in."""

from typing import Any, ClassVar, Literal, cast

import anyio
from pydantic import BaseModel

from tests.clocks import as_asgi
from wsendpoints import TaskHandle, WebSocket, WebSocketEndpoint, handles
from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing import Client

__all__ = [
    "Answer",
    "Busy",
    "Do",
    "Out",
    "Question",
    "Serve",
    "Speaking",
    "app_of",
    "begin",
    "expect_going_on",
    "lagging",
]


class Do(BaseModel):
    """Something to be done beside others."""

    type: Literal["do"] = "do"
    what: str
    key: str | None = "a"
    id: int | None = None


class Serve(BaseModel):
    """Something to be done alone."""

    type: Literal["serve"] = "serve"
    what: str
    id: int | None = None


class Out(BaseModel):
    """What is sent."""

    text: str
    id: int | None = None


class Question(BaseModel):
    """What is asked."""

    type: Literal["question"] = "question"
    id: int | str | None = None


class Answer(BaseModel):
    """What is answered."""

    type: Literal["answer"] = "answer"
    id: int | str | None = None


class Busy(WebSocketEndpoint):
    """Does things, by the names of its methods."""

    encoding = "json"
    correlation_id = "id"
    answers = Answer
    sends = Question | Out
    log: ClassVar[list[Any]]
    handle: TaskHandle | None = None

    @handles(concurrent=True, key="key")
    async def do(self, websocket: WebSocket, data: Do) -> Out | None:
        return cast("Out | None", await getattr(self, data.what)())

    @handles
    async def serve_alone(self, websocket: WebSocket, data: Serve) -> Out | None:
        if data.what.startswith("start "):
            self.handle = self.start_soon(getattr(self, data.what.removeprefix("start ")))
            return None
        return cast("Out | None", await getattr(self, data.what)())

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.log.append(close_code)


def app_of(cls: type[Busy], log: list[Any], **attributes: Any) -> ASGIApp:
    """Return an application that serves a class with attributes of its own."""
    served = cast("type[Busy]", type(cls.__name__, (cls,), attributes))
    served.log = log
    return as_asgi(served)


def lagging(app: ASGIApp, seconds: float) -> ASGIApp:
    """Return an application whose messages take some time to be sent."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(event: Event) -> None:
            if event["type"] == "websocket.send":
                await anyio.sleep(seconds)
            await send(event)

        await app(scope, receive, send_late)

    return slow


async def begin(client: Client, what: str, kind: str = "handler") -> None:
    """Have something done beside others, by a handler or in a task."""
    await client.send_json(Do(what=what) if kind == "handler" else Serve(what=f"start {what}"))


async def expect_going_on(client: Client) -> None:
    """Check that the connection is open, and serves."""
    await client.send_json(Serve(what="say"))
    assert (await client.receive(Out)).text == "said"


class Speaking(Busy):
    """Can say that it is there, and stop."""

    async def say(self) -> Out:
        return Out(text="said")

    async def stop(self) -> None:
        self.cancel("a")
        if self.handle is not None:
            self.handle.cancel()
