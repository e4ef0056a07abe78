"""The assistant with the clients of others: TanStack AI's from npm, and the SDK of OpenAI."""

import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import anyio
import pytest
from openai import AsyncOpenAI

from examples.assistant import Ask, Asked, Assistant, Done, Ended, Failed, Join, Joined, Token
from tests.backplanes.redis.server import RedisServer
from tests.examples.browsing import serving
from tests.interop.servers import SERVERS, Pool
from wsendpoints import ErrorMessage
from wsendpoints.client import Client, connect

from .assistant_app import STUCK, WORDS
from .node import run

M = TypeVar("M")

APP = "tests.interop.protocols.assistant_app:app"
ALL = [*range(WORDS)]


@pytest.fixture(params=["two workers", "hypercorn-trio"])
def netloc(request: pytest.FixtureRequest, pool: Pool) -> Generator[str]:
    """Return where it is served: by two workers, each with other connections, or on trio."""
    if request.param == "two workers":
        with serving(APP, "--workers", "2") as server:
            yield f"127.0.0.1:{server.port}"
    else:
        yield pool.get(SERVERS[request.param], APP).netloc


@asynccontextmanager
async def responses(netloc: str) -> AsyncGenerator[Any]:
    """Open a connection of the SDK's, whose events may be of any of many types."""
    async with AsyncOpenAI(api_key="none", base_url=f"http://{netloc}/v1") as client:
        with anyio.fail_after(60):
            async with client.responses.connect() as connection:
                yield connection


async def said(connection: Any) -> tuple[list[str], Any]:
    """Return the words of the next answer, and how it ends."""
    assert (await connection.recv()).type == "response.created"
    words: list[str] = []
    while (event := await connection.recv()).type == "response.output_text.delta":
        words.append(event.delta)
    return words, event


@pytest.mark.anyio
async def test_openai(netloc: str) -> None:
    """One answer comes after the other, and one that fails says so."""
    async with responses(netloc) as connection:
        for given in "why?", [{"role": "user", "content": "why?"}]:
            await connection.response.create(input=given)
            words, end = await said(connection)
            assert words[1:] == [f" {number}" for number in ALL]
            assert (end.type, end.response.status) == ("response.completed", "completed")
        await connection.response.create(input="fail")
        words, end = await said(connection)
        assert (len(words), end.type, end.response.status) == (4, "response.failed", "failed")


def test_tanstack(netloc: str) -> None:
    """A broken connection costs nothing, and other tabs see what is stopped, from its beginning."""
    found = run("tanstack", f"ws://{netloc}/agui/lobby")
    stopped = found.pop("stopped")
    assert stopped == ALL[: len(stopped)]
    assert 4 <= len(stopped) <= STUCK
    tab_words = found.pop("tab_words")
    assert tab_words == ALL[: len(tab_words)]
    assert len(stopped) <= len(tab_words) <= STUCK
    assert found == {
        "whole": ALL,
        "second": ALL,
        "failed": [[0, 1, 2], ["the answer broke off"]],
        "broken": [ALL, [False, True], []],
        "early": [ALL, [False, True], []],
        "tab": ["RUN_STARTED", "RUN_FINISHED", True],
        "later": True,
        "unknown": "Error: WebSocket connection closed (4404: no such run)",
    }


# A worker that dies.


@asynccontextmanager
async def tab(port: int, chat: str) -> AsyncGenerator[tuple[Client[Any], str, int]]:
    """Open a chat of its own; yield it with a run that it asked for, and the process of that."""
    async with connect(Assistant, f"ws://127.0.0.1:{port}/chats/{chat}") as client:
        await client.send(Ask(text="slow"))
        run = (await until(client, Asked)).run
        await client.send(Join(run=run))
        yield client, run, int((await until(client, Token)).text)


async def until(client: Client[Any], klass: type[M]) -> M:
    """Return the next message of a class."""
    while not isinstance(message := await client.receive(), klass):
        assert not isinstance(message, ErrorMessage | Failed | Done)
    return message


@pytest.fixture(params=["two workers", "two machines"])
def ports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[list[int]]:
    """Return the ports of two workers that share one, or of two servers that share a Redis."""
    if request.param == "two workers":
        with serving(APP, "--workers", "2") as server:
            yield [server.port, server.port]
    else:
        with RedisServer() as redis:
            monkeypatch.setenv("REDIS_URL", redis.url)
            with serving(APP) as one, serving(APP) as other:
                yield [one.port, other.port]


@pytest.mark.anyio
async def test_worker_of_a_run_dies(ports: list[int]) -> None:
    """Whoever follows the run on another one is told, and so is who joins it later."""
    with anyio.fail_after(60):
        async with tab(ports[0], "first") as (_, run, process), AsyncExitStack() as stack:
            client, _, other = await stack.enter_async_context(tab(ports[1], "other"))
            # The system gives each connection to any of the workers.
            number = 0
            while other == process:
                number += 1
                client, _, other = await stack.enter_async_context(tab(ports[1], f"other-{number}"))
            await client.send(Join(run=run))
            assert (await until(client, Token)).text == str(process)
            assert await until(client, Joined) == Joined(run=run, running=True)
            os.kill(process, signal.SIGKILL)
            assert (await until(client, Ended)).run == run
            async with connect(Assistant, f"ws://127.0.0.1:{ports[1]}/chats/later") as later:
                await later.send(Join(run=run))
                assert (await until(later, Token)).text == str(process)
                assert (await until(later, Ended)).run == run
                assert await until(later, Joined) == Joined(run=run, running=False)
