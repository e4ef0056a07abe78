"""The examples that stream, with one answer that has no end, so that a stop is never too late."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import anyio

from examples import assistant, stream
from examples.assistant import app as assistant_app
from examples.stream import app as stream_app

__all__ = ["UNENDING", "assistant_app", "stream_app"]

UNENDING = "What has no end?"


class Model(Protocol):
    """The model of either example."""

    def generate(self, text: str, /) -> AsyncGenerator[str]: ...


class UnendingModel:
    """Stays at the last word of its answer to `UNENDING`: what is stopped is still running.

    Args:
        model: The one of the example.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    async def generate(self, text: str) -> AsyncGenerator[str]:
        async with aclosing(self.model.generate(text)) as tokens:
            held = await anext(tokens)
            async for token in tokens:
                yield held
                held = token
            if text == UNENDING:
                await anyio.sleep_forever()
            yield held


assistant.runs.model = UnendingModel(assistant.runs.model)
stream.answers = stream.Answers.as_asgi(model=UnendingModel(stream.FakeModel()))
