"""Litestar: its `websocket_listener`, whose `data` is a message and whose result is the reply.

It does not validate what a listener is annotated with: for a pydantic model, it passes a dict. So
the listener of the five types takes text, which pydantic validates faster than a dict.
"""

from typing import Any

from litestar import Litestar, WebSocket, websocket
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.handlers import websocket_listener

from benchmarks.contenders import ITEM, Contender
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


channels = ChannelsPlugin(backend=MemoryChannelsBackend(), channels=["all"])


@websocket("/")
async def broadcast(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    async with (
        channels.start_subscription("all") as subscriber,
        subscriber.run_in_background(socket.send_text),
    ):
        while True:
            for _ in range(int(await socket.receive_text())):
                await channels.wait_published(ITEM, "all")  # pyright: ignore[reportUnknownMemberType]


contender = Contender(
    name="Litestar's listener",
    text=Litestar([echo_text]),
    json=Litestar([echo_json]),
    types=Litestar([answer_types]),
    broadcast=Litestar([broadcast], plugins=[channels]),
    broadcast_needs_asyncio=True,
)
