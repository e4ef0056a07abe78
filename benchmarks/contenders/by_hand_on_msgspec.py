"""The reference on msgspec: one decoder and one encoder, made once, called in a loop."""

from typing import Final

import msgspec

from benchmarks.contenders import Contender
from benchmarks.structs import Answer, Inbound, answer
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["contender"]

decode_any: Final = msgspec.json.Decoder().decode
decode_types: Final = msgspec.json.Decoder(Inbound).decode
encode: Final = msgspec.json.Encoder().encode


async def echo_json(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        data = decode_any(event["text"])
        await send({"type": "websocket.send", "text": encode(data).decode()})


async def answer_types(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        reply: Answer = await answer(decode_types(event["text"]))
        await send({"type": "websocket.send", "text": encode(reply).decode()})


contender = Contender(name="by hand, msgspec", json=echo_json, types=answer_types)
