"""Litestar: its `websocket_listener`, whose `data` is a message and whose result is the reply.

It does not validate what a listener is annotated with: for a pydantic model, it passes a dict. So
the listener of the five types takes text, which pydantic validates faster than a dict.
"""

from typing import Any

from litestar import Litestar
from litestar.handlers import websocket_listener

from benchmarks.contenders import Contender
from benchmarks.messages import answer, inbound

__all__ = ["contender"]


@websocket_listener("/")
async def echo_text(data: str) -> str:
    return data


@websocket_listener("/")
async def echo_json(data: Any) -> Any:
    return data


@websocket_listener("/")
async def answer_types(data: str) -> str:
    return (await answer(inbound.validate_json(data))).model_dump_json()


contender = Contender(
    name="Litestar's listener",
    text=Litestar([echo_text]),
    json=Litestar([echo_json]),
    types=Litestar([answer_types]),
)
