"""What is not async broadcasts, too."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from tests.backplanes.files import matching
from tests.backplanes.redis.server import RedisServer
from tests.clocks import GENEROUS
from tests.django.publisher import News, Said, plane_of
from tests.django.test_starting import threads
from wsendpoints import (
    BackplaneError,
    ConfigurationError,
    InvalidStateError,
    WebSocket,
    WebSocketEndpoint,
)
from wsendpoints.django import broadcast, close_group
from wsendpoints.django.starting import stop_threads
from wsendpoints.groups import Groups, RedisBackplane
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Reader(WebSocketEndpoint):
    """Reads the news, of the groups that it is given."""

    encoding = "json"
    groups = (News,)
    sends = str
    those: Groups

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.those.join(self, News())
        # So that a test knows that it did.
        await self.push("joined")


async def test_thread_of_a_process_that_serves() -> None:
    """The event loop of its connections sends it."""
    groups = Groups()
    async with connect(Reader.as_asgi(those=groups), timeout=GENEROUS) as client:
        assert await client.receive_json() == "joined"
        count = await anyio.to_thread.run_sync(broadcast, groups, News(), Said(text="hello"))
        assert count == 1
        assert await client.receive(Said) == Said(text="hello")
    assert not threads()


async def test_event_loop_is_told_to_await() -> None:
    """It would wait for itself."""
    with pytest.raises(InvalidStateError) as caught:
        broadcast(Groups(), "news", "hello")
    assert str(caught.value) == (
        "this thread runs an event loop, which would wait for itself: use `await "
        "groups.broadcast(...)`"
    )


def test_mistake_is_raised_to_the_caller() -> None:
    """Nobody gets it."""
    wrong: Any = "no message of the group"
    with pytest.raises(ConfigurationError):
        broadcast(Groups(), News(), wrong)


def test_backplane_that_cannot_be_reached_is_told() -> None:
    """To the caller, and no thread is left."""
    with pytest.raises(BackplaneError):
        broadcast(Groups(RedisBackplane("redis://127.0.0.1:1/0")), News(), Said(text="hello"))
    stop_threads()


async def check(address: str) -> None:
    """Check that a process with no event loop reaches a member in this one."""
    groups = Groups(plane_of(address))
    async with (
        groups,
        connect(Reader.as_asgi(those=groups), timeout=GENEROUS) as client,
    ):
        assert await client.receive_json() == "joined"
        command = [sys.executable, "-m", "tests.django.publisher", address]
        done = await anyio.run_process(command, check=False, cwd=Path(__file__).parents[2])
        assert done.stderr == b""
        # One thread, for all that was said.
        assert done.stdout.decode() == f"{[0] * 20} ['MainThread', 'wsendpoints groups']\n"
        for _ in range(20):
            assert await client.receive(Said) == Said(text="hello")


async def test_other_process_reaches_members_by_a_directory() -> None:
    """As a worker of Celery's, or a command, on the same machine."""
    with tempfile.TemporaryDirectory(prefix="wse") as folder:
        await check(str(Path(folder) / "groups"))
        # Each left it, and the last one removed it.
        assert matching(Path(folder)) == []


async def test_other_process_reaches_members_by_redis() -> None:
    """As one on another machine."""
    with RedisServer() as server:
        await check(server.url)


def test_time_is_bounded() -> None:
    """Where the server does not answer, the caller is told."""
    with RedisServer() as server:
        groups = Groups(RedisBackplane(server.url))
        assert broadcast(groups, News(), Said(text="hello")) == 0
        with server.paused(), pytest.raises((BackplaneError, TimeoutError)):
            broadcast(groups, News(), Said(text="hello"), timeout=0.1)
        stop_threads()
        # On another event loop it takes part again.
        assert broadcast(groups, News(), Said(text="hello")) == 0
        stop_threads()


# Closing.


async def test_thread_closes_the_members_of_a_group() -> None:
    """As where a view logs a user out."""
    groups = Groups()
    async with connect(Reader.as_asgi(those=groups), timeout=GENEROUS) as client:
        assert await client.receive_json() == "joined"
        count = await anyio.to_thread.run_sync(close_group, groups, News(), 4401, "signed out")
        assert count == 1
        await client.expect_close(4401, "signed out")
    with pytest.raises(InvalidStateError, match=r"use `await groups.close\(...\)`"):
        close_group(groups, News())


async def test_thread_of_another_process_closes_them_too() -> None:
    """By the backplane; here, of other groups on the same."""
    with tempfile.TemporaryDirectory(prefix="wse") as folder:
        address = str(Path(folder) / "groups")
        groups, others = Groups(plane_of(address)), Groups(plane_of(address))
        async with (
            groups,
            connect(Reader.as_asgi(those=groups), timeout=GENEROUS) as client,
        ):
            assert await client.receive_json() == "joined"
            assert await anyio.to_thread.run_sync(close_group, others, News(), 4401, "bye") == 0
            await client.expect_close(4401, "bye")
        await anyio.to_thread.run_sync(stop_threads)


def test_nobody_is_closed_where_nobody_has_joined() -> None:
    """But a wrong code is told."""
    assert close_group(Groups(), News()) == 0
    with pytest.raises(ValueError, match="1005"):
        close_group(Groups(), News(), 1005)
