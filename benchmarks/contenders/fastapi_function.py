"""FastAPI: a function with a loop, as in its tutorial, which calls pydantic itself."""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.contenders import Contender
from benchmarks.messages import answer, inbound

__all__ = ["contender"]

text_app = FastAPI()
json_app = FastAPI()
types_app = FastAPI()


@text_app.websocket("/")
async def echo_text(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


@json_app.websocket("/")
async def echo_json(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_json(await websocket.receive_json())
    except WebSocketDisconnect:
        pass


@types_app.websocket("/")
async def answer_types(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            reply = await answer(inbound.validate_json(await websocket.receive_text()))
            await websocket.send_text(reply.model_dump_json())
    except WebSocketDisconnect:
        pass


contender = Contender(name="FastAPI", text=text_app, json=json_app, types=types_app)
