"""What one message costs: a class with five message types beside hand-written ASGI loops.

Run with `python -m benchmarks.messages`. Everything runs in this process, without sockets: the
server's `receive` and `send` are the cheapest there can be. The contenders take turns, so that a
machine's noise meets all of them, and the first one runs twice, to show how much there is.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.asgi import ASGIApp, Event, Receive, Scope, Send

MESSAGES = 20_000
ROUNDS = 9


class One(BaseModel):
    type: Literal["one"] = "one"
    text: str


class Two(BaseModel):
    type: Literal["two"] = "two"
    text: str
    count: int


class Three(BaseModel):
    type: Literal["three"] = "three"
    text: str
    values: list[int]


class Four(BaseModel):
    type: Literal["four"] = "four"
    text: str
    ratio: float


class Five(BaseModel):
    type: Literal["five"] = "five"
    text: str
    flag: bool


class Answer(BaseModel):
    type: Literal["answer"] = "answer"
    text: str
    number: int


class Refusal(BaseModel):
    type: Literal["refusal"] = "refusal"
    text: str


Inbound = Annotated[One | Two | Three | Four | Five, Field(discriminator="type")]
Outbound = Annotated[Answer | Refusal, Field(discriminator="type")]

inbound: TypeAdapter[One | Two | Three | Four | Five] = TypeAdapter(Inbound)
outbound: TypeAdapter[Answer | Refusal] = TypeAdapter(Outbound)


async def answer_one(data: One) -> Answer:
    return Answer(text=data.text, number=1)


async def answer_two(data: Two) -> Answer:
    return Answer(text=data.text, number=2)


async def answer_three(data: Three) -> Answer:
    return Answer(text=data.text, number=3)


async def answer_four(data: Four) -> Answer:
    return Answer(text=data.text, number=4)


async def answer_five(data: Five) -> Answer:
    return Answer(text=data.text, number=5)


async def answer(data: One | Two | Three | Four | Five) -> Answer:
    """Dispatch as people write it by hand."""
    match data:
        case One():
            return await answer_one(data)
        case Two():
            return await answer_two(data)
        case Three():
            return await answer_three(data)
        case Four():
            return await answer_four(data)
        case Five():
            return await answer_five(data)


async def type_adapter_loop(scope: Scope, receive: Receive, send: Send) -> None:
    """The reference: what a careful developer writes by hand."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        reply = await answer(inbound.validate_json(event["text"]))
        await send({"type": "websocket.send", "text": outbound.dump_json(reply).decode()})


async def pydantic_core_loop(scope: Scope, receive: Receive, send: Send) -> None:
    """The limit: the same on pydantic's core, with nothing left to leave out."""
    validate = inbound.validator.validate_json
    serialize = Answer.__pydantic_serializer__.to_json
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        reply = await answer(validate(event["text"]))
        await send({"type": "websocket.send", "text": serialize(reply).decode()})


class Endpoint(WebSocketEndpoint):
    """The same, declared."""

    encoding = "json"

    @handles
    async def one(self, websocket: WebSocket, data: One) -> Answer:
        return Answer(text=data.text, number=1)

    @handles
    async def two(self, websocket: WebSocket, data: Two) -> Answer:
        return Answer(text=data.text, number=2)

    @handles
    async def three(self, websocket: WebSocket, data: Three) -> Answer:
        return Answer(text=data.text, number=3)

    @handles
    async def four(self, websocket: WebSocket, data: Four) -> Answer:
        return Answer(text=data.text, number=4)

    @handles
    async def five(self, websocket: WebSocket, data: Five) -> Answer | Refusal:
        return Answer(text=data.text, number=5)


SCOPE: Scope = {"type": "websocket", "path": "/", "headers": [], "subprotocols": []}


def make_frames(size: int) -> list[str]:
    """Return one frame of each type, of about `size` bytes."""
    text = "x" * (size - 60)
    messages = [
        One(text=text),
        Two(text=text, count=2),
        Three(text=text, values=[1, 2, 3]),
        Four(text=text, ratio=0.5),
        Five(text=text, flag=True),
    ]
    return [message.model_dump_json() for message in messages]


async def converse(app: ASGIApp, frames: list[str], messages: int, *, turn: bool) -> list[Event]:
    """Serve a connection of so many messages; with `turn`, each waits one turn of the loop."""
    incoming: list[Event] = [{"type": "websocket.connect"}]
    incoming += [
        {"type": "websocket.receive", "text": frames[number % len(frames)]}
        for number in range(messages)
    ]
    incoming.append({"type": "websocket.disconnect", "code": 1000})
    events = iter(incoming)
    sent: list[Event] = []

    async def receive() -> Event:
        if turn:
            await asyncio.sleep(0)
        return next(events)

    async def send(event: Event) -> None:
        sent.append(event)

    await app(dict(SCOPE), receive, send)
    return sent


def check(sent: list[Event], messages: int) -> None:
    """Check every reply before anything is timed."""
    replies = [json.loads(event["text"]) for event in sent if event["type"] == "websocket.send"]
    assert [reply["number"] for reply in replies] == [number % 5 + 1 for number in range(messages)]


def measure(
    contenders: dict[str, ASGIApp], frames: list[str], *, turn: bool
) -> dict[str, list[float]]:
    """Return the seconds of each round, for each contender."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for app in contenders.values():
        check(asyncio.run(converse(app, frames, 50, turn=turn)), 50)
    for _ in range(ROUNDS):
        for name, app in contenders.items():

            async def timed(app: ASGIApp = app) -> float:
                start = time.perf_counter()
                await converse(app, frames, MESSAGES, turn=turn)
                return time.perf_counter() - start

            times[name].append(asyncio.run(timed()))
    return times


def report(title: str, times: dict[str, list[float]]) -> None:
    """Print the ratios to the first contender: median, least, greatest, and the time of each."""
    reference = next(iter(times.values()))
    print(f"\n{title}")
    for name, seconds in times.items():
        ratios = [mine / its for mine, its in zip(seconds, reference, strict=True)]
        print(
            f"  {name:<24} {statistics.median(ratios):5.2f}  "
            f"({min(ratios):.2f} to {max(ratios):.2f})  "
            f"{min(seconds) / MESSAGES * 1e6:6.2f} µs"
        )


def main() -> None:
    """Run all of it."""
    application: Callable[[Scope, Receive, Send], Awaitable[None]] = Endpoint.as_asgi()
    contenders: dict[str, ASGIApp] = {
        "TypeAdapter loop": type_adapter_loop,
        "TypeAdapter loop again": type_adapter_loop,
        "pydantic-core loop": pydantic_core_loop,
        "wsendpoints": application,
    }
    report("five types, 100 B, hot", measure(contenders, make_frames(100), turn=False))
    report("five types, 2 KB, hot", measure(contenders, make_frames(2000), turn=False))
    report("five types, 100 B, one turn", measure(contenders, make_frames(100), turn=True))


if __name__ == "__main__":
    main()
