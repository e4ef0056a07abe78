"""The SDK of OpenAI, in its realtime and its responses mode, with its own types as messages."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from openai import AsyncOpenAI

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def realtime(netloc: str) -> AsyncGenerator[Any]:
    """Open a connection in the realtime mode. An event may be any of sixty types: to be checked."""
    async with AsyncOpenAI(api_key="none", base_url=f"http://{netloc}") as client:
        with anyio.fail_after(60):
            async with client.realtime.connect(model="fake") as connection:
                yield connection


@asynccontextmanager
async def responses(netloc: str) -> AsyncGenerator[Any]:
    """Open a connection in the mode of responses."""
    async with AsyncOpenAI(api_key="none", base_url=f"http://{netloc}") as client:
        with anyio.fail_after(60):
            async with client.responses.connect() as connection:
                yield connection


async def until(connection: Any, *types: str) -> list[Any]:
    """Return the events up to one of a type."""
    events = [await connection.recv()]
    while events[-1].type not in types:
        events.append(await connection.recv())
    return events


async def test_realtime_streams(netloc: str) -> None:
    """A response comes token by token, and says when it is done."""
    async with realtime(netloc) as connection:
        await connection.response.create()
        *deltas, done = await until(connection, "response.done")
        assert [event.delta for event in deltas] == ["0 ", "1 ", "2 "]
        assert done.response.status == "completed"


async def test_realtime_stops_within_one_token(netloc: str) -> None:
    """After `response.cancel` at most one more token comes, and the connection goes on."""
    async with realtime(netloc) as connection:
        await connection.response.create(response={"max_output_tokens": 4096})
        for number in range(3):
            assert (await connection.recv()).delta == f"{number} "
        await connection.response.cancel()
        *more, done = await until(connection, "response.done")
        assert len(more) <= 1
        assert done.response.status == "cancelled"
        await connection.response.create(response={"max_output_tokens": 1})
        assert (await connection.recv()).delta == "0 "


async def test_realtime_errors(netloc: str) -> None:
    """An error is the SDK's own event, and names the event that it answers."""
    async with realtime(netloc) as connection:
        await connection.response.cancel(event_id="mine")
        error = await connection.recv()
        assert (error.type, error.error.code) == ("error", "response_cancel_not_active")
        assert error.error.event_id == "mine"
        await connection.send({"type": "response.create", "event_id": "next", "response": 5})
        error = await connection.recv()
        assert (error.error.code, error.error.event_id) == ("invalid_value", "next")
        await connection.response.create(response={"max_output_tokens": 4096})
        await connection.recv()
        await connection.response.create()
        *_, busy = await until(connection, "error")
        assert busy.type == "error"


async def test_responses_stream(netloc: str) -> None:
    """The mode of responses streams one after the other, on one connection."""
    async with responses(netloc) as connection:
        for text in ("one two", "three"):
            await connection.response.create(model="fake", input=text)
            words = [(await connection.recv()).delta for _ in text.split()]
            assert words == text.split()
        await connection.response.create(model="other", input="")
        error = await connection.recv()
        assert (error.type, error.code) == ("error", "model_not_found")
        await connection.send({"type": "response.create", "temperature": "hot"})
        assert (await connection.recv()).code == "invalid_value"
