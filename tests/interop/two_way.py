"""Endpoints whose clients stop, ask and are asked."""

from collections.abc import AsyncIterator
from dataclasses import field
from typing import Literal

import anyio
import anyio.lowlevel
from pydantic import BaseModel

from wsendpoints import WebSocket, handles

from .journal import Recorded

__all__ = ["Assistant"]


class Stream(BaseModel):
    type: Literal["stream"] = "stream"
    id: str
    to: int
    does: Literal["wait", "flood", "turn", "turn together"]


class Stop(BaseModel):
    type: Literal["stop"] = "stop"
    id: str


class Sure(BaseModel):
    type: Literal["sure"] = "sure"
    id: str
    times: int


class Say(BaseModel):
    type: Literal["say"] = "say"
    id: str


class Item(BaseModel):
    type: Literal["item"] = "item"
    id: str | None = None
    number: int


class Said(BaseModel):
    type: Literal["said"] = "said"
    id: str | None = None


class Question(BaseModel):
    type: Literal["question"] = "question"
    id: str | None = None


class Answer(BaseModel):
    type: Literal["answer"] = "answer"
    id: str | None = None
    yes: bool


class Assistant(Recorded):
    """Streams beside other messages, and asks the client."""

    encoding = "json"
    correlation_id = "id"
    answers = Answer
    sends = Question | Said
    going: anyio.Event = field(default_factory=anyio.Event)

    @handles(concurrent=True, key="id")
    async def items(self, websocket: WebSocket, data: Stream) -> AsyncIterator[Item]:
        try:
            for number in range(data.to):
                yield Item(number=number)
                if data.does == "wait" and number == 2:
                    await anyio.sleep_forever()
                elif data.does == "turn together":
                    # All begin before any goes on.
                    await self.going.wait()
                if data.does.startswith("turn"):
                    await anyio.lowlevel.checkpoint()
        finally:
            self.record(f"{data.id} ended")

    @handles
    async def stop(self, websocket: WebSocket, data: Stop) -> Said | None:
        return Said() if self.cancel(data.id) else None

    @handles
    async def sure(self, websocket: WebSocket, data: Sure) -> Said:
        for _ in range(data.times):
            answer = await self.ask(Question(), Answer, timeout=20)
            assert answer.yes
        return Said()

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        if data.id == "go":
            self.going.set()
        return Said()
