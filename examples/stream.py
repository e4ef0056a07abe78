"""Streams an answer token by token, and stops as soon as the client disconnects.

Run it with `uvicorn examples.stream:app`, and talk to it with `python -m websockets
ws://127.0.0.1:8000`: send `{"type": "ask", "prompt": "What is a WebSocket?"}`. Disconnect with
Ctrl+D in the middle of the answer, and the server tells where the model stopped.
"""

import logging
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal, Protocol

import anyio
from pydantic import BaseModel, StringConstraints

from wsendpoints import WebSocket, WebSocketEndpoint

__all__ = ["Answers", "Ask", "Done", "FakeModel", "Model", "Token", "app"]

logger = logging.getLogger("uvicorn.error")


class Ask(BaseModel):
    type: Literal["ask"] = "ask"
    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Token(BaseModel):
    type: Literal["token"] = "token"
    text: str


class Done(BaseModel):
    type: Literal["done"] = "done"
    tokens: int


class Model(Protocol):
    """A language model: put the client of a real one in its place."""

    def generate(self, prompt: str) -> AsyncGenerator[str]: ...


class FakeModel:
    """Takes its time for an answer that it has by heart."""

    def __init__(self, seconds_per_token: float = 0.1) -> None:
        self.seconds_per_token = seconds_per_token

    async def generate(self, prompt: str) -> AsyncGenerator[str]:
        answer = (
            f"You asked: {prompt!r} I am no model, I only split this text into pieces. "
            "Each piece is a message of its own, sent as soon as it is there. Close the "
            "connection now, and the rest is never made: nobody pays for words that nobody reads."
        )
        produced = 0
        try:
            for token in re.findall(r"\s*\S+", answer):
                await anyio.sleep(self.seconds_per_token)
                produced += 1
                yield token
        finally:
            logger.info("The model stopped after %d tokens.", produced)


class Answers(WebSocketEndpoint):
    encoding = "json"
    model: Model

    async def on_receive(self, websocket: WebSocket, data: Ask) -> AsyncGenerator[Token | Done]:
        count = 0
        # This generator is closed when the client disconnects; `aclosing` closes the inner one too.
        async with aclosing(self.model.generate(data.prompt)) as tokens:
            async for token in tokens:
                count += 1
                yield Token(text=token)
        yield Done(tokens=count)


app = Answers.as_asgi(model=FakeModel())
