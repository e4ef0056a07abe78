"""An endpoint whose clients choose the encoding, with all that goes on beside the loop."""

from typing import ClassVar, Literal

import anyio
from pydantic import BaseModel

from wsendpoints import ErrorReply, WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.testing import connect

__all__ = ["check_encoding_that_the_client_chooses"]


class Ask(BaseModel):
    """A message whose handler asks back."""

    type: Literal["ask"] = "ask"
    id: str | None = None


class Question(BaseModel):
    """What it asks."""

    type: Literal["question"] = "question"
    id: str | None = None


class Answer(BaseModel):
    """What the client answers."""

    type: Literal["answer"] = "answer"
    id: str | None = None
    yes: bool


class Speaking(WebSocketEndpoint):
    """Asks, and answers with an error."""

    encoding = "json"
    correlation_id = "id"
    answers = Answer
    sends = Question
    subprotocols: ClassVar[Subprotocols] = {"packed": "msgpack"}

    @handles(concurrent=True)
    async def ask_back(self, websocket: WebSocket, data: Ask) -> None:
        answer = await self.ask(Question(), Answer, timeout=5)
        raise ErrorReply("asked", str(answer.yes))


async def check_encoding_that_the_client_chooses() -> None:
    """Talk MessagePack: questions, answers and errors are written and read in it."""
    app = Speaking.as_asgi()
    async with connect(app, subprotocols=["packed"], encoding="msgpack") as client:
        await client.send(Ask(id="a"))
        question = await client.receive(Question)
        await client.send(Answer(id=question.id, yes=True))
        error = await client.receive(dict[str, str])
        assert error == {"type": "error", "code": "asked", "message": "True", "id": "a"}
        with anyio.fail_after(5):
            await client.close()
