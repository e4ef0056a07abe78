"""The least that is possible: the same by hand on pydantic's core."""

from pydantic_core import from_json, to_json

from benchmarks.contenders import Contender
from benchmarks.messages import Answer, answer, inbound
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["contender"]


async def echo_json(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": to_json(from_json(event["text"])).decode()})


async def answer_types(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
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


# It would echo text as the reference does: pydantic has no part in that.
contender = Contender(name="by hand, pydantic's core", json=echo_json, types=answer_types)
