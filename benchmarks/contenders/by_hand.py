"""The reference: an ASGI application that a careful developer writes by hand.

Pydantic's `TypeAdapter` reads and writes the messages, the standard library's `json` the rest.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from benchmarks.contenders import ITEM, Contender
from benchmarks.messages import answer, inbound, outbound
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["contender"]


async def echo_text(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": event["text"]})


async def echo_json(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": json.dumps(json.loads(event["text"]))})


async def answer_types(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        reply = await answer(inbound.validate_json(event["text"]))
        await send({"type": "websocket.send", "text": outbound.dump_json(reply).decode()})


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])

    async def push_items(number: int) -> None:
        for _ in range(number):
            await send({"type": "websocket.send", "text": ITEM})

    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    async with asyncio.TaskGroup() as tasks:
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            tasks.create_task(push_items(int(event["text"])))


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        async for item in items(int(event["text"])):
            await send({"type": "websocket.send", "text": item})


members: set[Send] = set()


async def broadcast(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    members.add(send)
    try:
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            for _ in range(int(event["text"])):
                for send_to in members:
                    await send_to({"type": "websocket.send", "text": ITEM})
    finally:
        members.discard(send)


async def relay(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    members.add(send)
    try:
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            # A copy: some come and go while a client holds this up. One that left raises OSError.
            for send_to in [*members]:
                with suppress(OSError):
                    await send_to({"type": "websocket.send", "text": event["text"]})
    finally:
        members.discard(send)


async def items(number: int) -> AsyncIterator[str]:
    for _ in range(number):
        yield ITEM


contender = Contender(
    name="by hand",
    text=echo_text,
    json=echo_json,
    types=answer_types,
    own_connect=answer_types,
    push=push,
    stream=stream,
    broadcast=broadcast,
    relay=relay,
)
