"""The example that streams an answer."""

from collections.abc import AsyncGenerator

import anyio
import pytest

from examples.stream import Answers, Ask, Done, FakeModel, Stop, Stopped, Token
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class StuckModel:
    """Gives one token, and then never another."""

    def __init__(self) -> None:
        self.is_stopped = False

    async def generate(self, prompt: str) -> AsyncGenerator[str]:
        try:
            yield prompt
            await anyio.sleep_forever()
        finally:
            self.is_stopped = True


async def test_an_answer_comes_token_by_token_and_says_when_it_is_done() -> None:
    """Every token is a message of its own, and the last message counts them."""
    app = Answers.as_asgi(model=FakeModel(seconds_per_token=0))
    async with connect(app) as client:
        await client.send(Ask(id="1", prompt="Why?"))
        tokens: list[str] = []
        while isinstance(message := await client.receive(Token | Done), Token):
            assert message.id == "1"
            tokens.append(message.text)
        assert message == Done(id="1", tokens=len(tokens))
        assert "".join(tokens).startswith("You asked: 'Why?' I am no model")
        assert len(tokens) > 20


async def test_the_model_stops_when_it_is_told_to() -> None:
    """A stop ends the answer with its id alone."""
    model = StuckModel()
    async with connect(Answers.as_asgi(model=model)) as client:
        await client.send(Ask(id="1", prompt="Why?"))
        assert await client.receive(Token) == Token(id="1", text="Why?")
        await client.send(Stop(id="2"))
        assert await client.receive_json() == {
            "type": "error",
            "code": "not_running",
            "message": "there is no such answer any more",
            "id": "2",
        }
        assert not model.is_stopped
        await client.send(Stop(id="1"))
        assert await client.receive(Stopped) == Stopped(id="1")
        await client.receive_nothing()
        assert model.is_stopped


async def test_an_id_stands_for_one_answer() -> None:
    """A second question with it is refused while the first is answered."""
    async with connect(Answers.as_asgi(model=StuckModel())) as client:
        await client.send(Ask(id="1", prompt="Why?"))
        assert await client.receive(Token) == Token(id="1", text="Why?")
        await client.send(Ask(id="1", prompt="What?"))
        assert (await client.receive_json())["code"] == "busy"


async def test_the_model_stops_the_moment_that_the_client_leaves() -> None:
    """At the disconnect a model that waits for its next token is stopped."""
    model = StuckModel()
    async with connect(Answers.as_asgi(model=model)) as client:
        await client.send(Ask(id="1", prompt="Why?"))
        assert await client.receive(Token) == Token(id="1", text="Why?")
        assert not model.is_stopped
        client.vanish()
        await client.wait_for_app()
        assert model.is_stopped


async def test_an_empty_prompt_is_answered_with_an_error() -> None:
    """An empty prompt does not reach the model."""
    async with connect(Answers.as_asgi(model=StuckModel())) as client:
        await client.send(Ask.model_construct(id="1", prompt="  "))
        error = await client.receive_json()
        assert (error["errors"][0]["loc"], error["id"]) == (["prompt"], "1")
