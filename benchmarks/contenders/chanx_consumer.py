"""chanx: a consumer with a handler for each type, on its own port of Channels.

Its messages have the fields `action` and `payload`; it takes neither plain text nor any other
JSON. It handles each message in a task. It logs each connection's end, which is switched off here.
"""

import logging
from collections.abc import Callable
from typing import Final, Literal

import structlog
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from pydantic import BaseModel

from benchmarks.contenders import Contender, Dialect
from benchmarks.messages import Answer, frames_of

__all__ = ["contender"]

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


class OnePayload(BaseModel):
    text: str


class TwoPayload(BaseModel):
    text: str
    count: int


class ThreePayload(BaseModel):
    text: str
    values: list[int]


class FourPayload(BaseModel):
    text: str
    ratio: float


class FivePayload(BaseModel):
    text: str
    flag: bool


class AnswerPayload(BaseModel):
    text: str
    number: int


class One(BaseMessage):
    action: Literal["one"] = "one"
    payload: OnePayload


class Two(BaseMessage):
    action: Literal["two"] = "two"
    payload: TwoPayload


class Three(BaseMessage):
    action: Literal["three"] = "three"
    payload: ThreePayload


class Four(BaseMessage):
    action: Literal["four"] = "four"
    payload: FourPayload


class Five(BaseMessage):
    action: Literal["five"] = "five"
    payload: FivePayload


class ChanxAnswer(BaseMessage):
    action: Literal["answer"] = "answer"
    payload: AnswerPayload


def reply(text: str, number: int) -> ChanxAnswer:
    return ChanxAnswer(payload=AnswerPayload(text=text, number=number))


class AnswerTypes(AsyncJsonWebsocketConsumer):
    # By default it gives way to other tasks after each message that it sends.
    send_message_immediately = False

    @ws_handler
    async def one(self, message: One) -> ChanxAnswer:
        return reply(message.payload.text, 1)

    @ws_handler
    async def two(self, message: Two) -> ChanxAnswer:
        return reply(message.payload.text, 2)

    @ws_handler
    async def three(self, message: Three) -> ChanxAnswer:
        return reply(message.payload.text, 3)

    @ws_handler
    async def four(self, message: Four) -> ChanxAnswer:
        return reply(message.payload.text, 4)

    @ws_handler
    async def five(self, message: Five) -> ChanxAnswer:
        return reply(message.payload.text, 5)


_MAKERS: Final[list[Callable[[str], BaseModel]]] = [
    lambda text: One(payload=OnePayload(text=text)),
    lambda text: Two(payload=TwoPayload(text=text, count=2)),
    lambda text: Three(payload=ThreePayload(text=text, values=[1, 2, 3])),
    lambda text: Four(payload=FourPayload(text=text, ratio=0.5)),
    lambda text: Five(payload=FivePayload(text=text, flag=True)),
]


def make_frames(size: int) -> list[str]:
    return frames_of(_MAKERS, size)


def read(frame: str) -> Answer:
    payload = ChanxAnswer.model_validate_json(frame).payload
    return Answer(text=payload.text, number=payload.number)


contender = Contender(
    name="chanx",
    types=AnswerTypes.as_asgi(),
    dialect=Dialect(make_frames=make_frames, read=read),
    needs_asyncio=True,
)
