"""What type checkers refuse to do with a client of an endpoint class."""

from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.client import connect


class Chat(WebSocketEndpoint[Said | Leave]):
    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
        return Said()


async def answer(question: Leave) -> Say:
    """Answer a question."""
    return Say()


def answer_at_once(question: Leave) -> Say:
    """Answer without waiting."""
    return Say()


async def converse() -> None:
    """Take it for something else."""
    async with connect(Chat, "ws://host/") as client:
        _one: Said = await client.receive()  # refused: assignment
        _two: Said = await client.request(Say())  # refused: assignment
        _ = (await client.receive()).text  # refused: attribute
        client.answer(Said, answer)  # refused: argument
        client.answer(Leave, answer_at_once)  # refused: argument
        await client.request(Say(), 5)  # refused: call
        client.stream(Say(), until=3)  # refused: overload
    async with connect(Chat(), "ws://host/"):  # refused: argument
        pass
