"""The reference: an ASGI application that a careful developer writes by hand.

Pydantic's `TypeAdapter` reads and writes the messages, the standard library's `json` the rest.
"""

import json

from benchmarks.contenders import Contender
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


contender = Contender(name="by hand", text=echo_text, json=echo_json, types=answer_types)
