"""The workers of one machine share groups, each by a `LocalBackplane`."""

import itertools
import logging
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.backplanes.files import is_there, make, matching
from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints import BackplaneError, ConfigurationError, GroupFullError
from wsendpoints.backplanes import (
    LocalBackplane,
    local,
    local_database,
    local_place,
    local_seat,
    local_session,
)
from wsendpoints.backplanes.local_session import Session
from wsendpoints.testing import check_backplane
from wsendpoints.testing.backplane_nodes import Delays, Node

pytestmark = [pytest.mark.anyio, REAL_TIME]

NOBODY: dict[str, Any] = {"joined": b"", "left": b"", "most": None, "history": None}
FULL: dict[str, Any] = {"joined": b"", "left": b"", "most": 1, "history": None}
ADA: dict[str, Any] = {"joined": b"+ada", "left": b"-ada", "most": None, "history": None}


@pytest.fixture
def directory(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where workers meet, which look around more often than they do elsewhere."""
    monkeypatch.setattr(local_session, "_TICK", 0.05)
    # Also on a busy machine everything is done that nothing holds up.
    monkeypatch.setattr(local, "_SOON", GENEROUS)
    monkeypatch.setattr(local_database, "BUSY", GENEROUS)
    return short_path / "workers"


@asynccontextmanager
async def nodes(directory: Path, number: int = 1) -> AsyncGenerator[list[Node]]:
    """Run some workers."""
    made = [Node(LocalBackplane(directory), Delays(0)) for _ in range(number)]
    async with anyio.create_task_group() as group:
        for node in made:
            await group.start(node.backplane.run, node)
        yield made
        for node in made:
            node.check()
        group.cancel_scope.cancel()


def is_up(node: Node, name: str) -> bool:
    """Whether a node was told where a group is."""
    return name in node.is_up


def lose(directory: Path) -> None:
    """Remove what workers have not read yet, as if they had been stopped for long."""
    with closing(sqlite3.connect(directory / "groups.db", isolation_level=None)) as db:
        db.executescript(
            "BEGIN IMMEDIATE;"
            "INSERT INTO wire (name, number, at, total, data) VALUES ('', 1, 0, 0, '');"
            "DELETE FROM wire;"
            "COMMIT;"
        )


def cut_off(directory: Path) -> None:
    """Remove the sockets, so that no worker can be woken."""
    for path in directory.glob("*.wakes"):
        path.unlink()


def alternately(directory: Path, seed: int) -> Callable[[], Awaitable[None]]:
    """Return what breaks something, each time something else."""
    ways = itertools.cycle([lose, cut_off] if seed % 2 else [cut_off, lose])

    async def disrupt() -> None:
        next(ways)(directory)

    return disrupt


@pytest.mark.parametrize("seed", range(2))
async def test_contract_is_kept(directory: Path, seed: int) -> None:
    """Whatever is lost on the way."""
    disrupt = alternately(directory, seed)
    # All that take part hold the place, as workers do.
    async with nodes(directory):
        await check_backplane(
            lambda: LocalBackplane(directory), disrupt=disrupt, messages=50, seed=seed
        )
    assert not is_there(directory)


async def test_directory_is_named_by_the_server(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of servers that are gone are removed."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_path))
    place = local_place.place()
    stale = short_path / f"wsendpoints-{place.name.split('-')[1]}-4194305-1"
    make(stale)
    one, two = (Node(LocalBackplane(), Delays(0)) for _ in range(2))
    with caplog.at_level(logging.INFO, "wsendpoints"):
        async with anyio.create_task_group() as group:
            for node in (one, two):
                await group.start(node.backplane.run, node)
            assert matching(short_path) == [place]
            await two.subscribe("a")
            await one.backplane.publish("a", b"1", None)
            await two.until(lambda: "a" in two.received, "a message")
            group.cancel_scope.cancel()
    assert matching(short_path) == []
    assert f"the workers of this server meet in {place}" in caplog.messages


async def test_directory_whose_path_is_too_long() -> None:
    """A socket has to have room in it."""
    with pytest.raises(ConfigurationError, match=r"has 82 bytes: use one of at most 80, which"):
        LocalBackplane("/" + "x" * 81)
    LocalBackplane("/" + "x" * 79)


async def test_system_without_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text says what to use instead."""
    monkeypatch.setattr(local, "_CAN_RUN", False)
    with pytest.raises(ConfigurationError, match="LocalBackplane needs Unix sockets"):
        LocalBackplane()


async def test_place_that_can_not_be_used(directory: Path) -> None:
    """It is an error at the start; nothing is left behind."""
    make(directory, 0o755)
    backplane = LocalBackplane(directory)
    with pytest.raises(BackplaneError, match="for nobody else"):
        await backplane.run(Node(backplane, Delays(0)))
    make(directory)
    make(directory / "groups.db")
    with pytest.raises(BackplaneError, match="can't be used"):
        await backplane.run(Node(backplane, Delays(0)))


async def test_nothing_is_published_before_the_start(directory: Path) -> None:
    """Nor read, nor counted; what is subscribed to is known."""
    backplane = LocalBackplane(directory)
    for call in (
        backplane.publish("a", b"1", None),
        backplane.read("a", None),
        backplane.users("a"),
        backplane.enter("a", "1", "ada", **NOBODY),
    ):
        with pytest.raises(BackplaneError, match="the other workers are out of reach"):
            await call
    await backplane.depart("a", "1")
    backplane.subscribe(["a", "b"])
    backplane.unsubscribe(["b"])
    node = Node(backplane, Delays(0))
    async with anyio.create_task_group() as group:
        await group.start(backplane.run, node)
        await node.until(lambda: node.is_up == {"a"}, "`fenced`")
        group.cancel_scope.cancel()


async def test_it_runs_again(directory: Path) -> None:
    """What is subscribed to stays, and users are those of its second life."""
    async with nodes(directory) as (other,):
        backplane = LocalBackplane(directory)
        for life in range(2):
            node = Node(backplane, Delays(0))
            async with anyio.create_task_group() as group:
                await group.start(backplane.run, node)
                if not life:
                    await node.subscribe("a")
                else:
                    await node.until(partial(is_up, node, "a"), "`fenced`")
                assert await backplane.users("a") == []
                await backplane.enter("a", str(life), f"user {life}", **NOBODY)
                assert await other.backplane.users("a") == [f"user {life}"]
                group.cancel_scope.cancel()
        assert await other.backplane.users("a") == []


async def test_message_that_is_too_long(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take the place of all others."""
    monkeypatch.setattr(local, "_MAX_SIZE", 10)
    async with nodes(directory) as (node,):
        with pytest.raises(BackplaneError, match="a: a message of 11 bytes: at most 10"):
            await node.backplane.publish("a", b"x" * 11, None)
        await node.backplane.publish("a", b"x" * 10, None)


@asynccontextmanager
async def held(directory: Path) -> AsyncGenerator[None]:
    """Hold the store as a worker does that was stopped in a transaction."""
    with closing(sqlite3.connect(directory / "groups.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")


async def test_store_that_is_held(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is published meanwhile; who departs has departed after it."""
    monkeypatch.setattr(local_database, "BUSY", 0.05)
    async with nodes(directory) as (node,):
        await node.subscribe("a")
        await node.backplane.enter("a", "1", "ada", **ADA)
        async with held(directory):
            with pytest.raises(BackplaneError, match="another worker held the store"):
                await node.backplane.publish("a", b"1", None)
            with pytest.raises(BackplaneError, match="another worker held the store"):
                await node.backplane.enter("a", "2", "bob", **NOBODY)
            assert await node.backplane.users("a") == ["ada"]
            monkeypatch.setattr(local, "_SOON", 0.1)
            await node.backplane.depart("a", "1")
        await node.until(lambda: len(node.received["a"]) > 1, "word of who left")
        assert [data for _, data in node.received["a"]] == [b"+ada", b"-ada"]
        assert await node.backplane.users("a") == []
        assert not node.downs


async def test_store_that_is_held_for_longer(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever publishes waits for it no longer than it may; nothing of it happens later."""
    monkeypatch.setattr(local, "_SOON", 0.05)
    async with nodes(directory) as (node,):
        await node.subscribe("a")
        async with held(directory), anyio.create_task_group() as group:
            # The first is under way when the second comes.
            for _ in range(2):
                with pytest.raises(BackplaneError, match=r"it was not done within 0\.05 s"):
                    await node.backplane.enter("a", "1", "ada", **ADA)
            group.cancel_scope.cancel()
        monkeypatch.setattr(local, "_SOON", GENEROUS)
        assert await node.backplane.users("a") == []


async def test_worker_that_leaves_while_the_store_is_held(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others find that it has gone, and bury its users."""
    monkeypatch.setattr(local_database, "BUSY", 0.05)
    async with nodes(directory) as (node,):
        await node.subscribe("a")
        async with nodes(directory) as (other,):
            await other.backplane.enter("a", "1", "ada", **ADA)
            hold = held(directory)
            await hold.__aenter__()
        await hold.__aexit__(None, None, None)
        await node.until(lambda: len(node.received["a"]) > 1, "word of who left")
        assert [data for _, data in node.received["a"]] == [b"+ada", b"-ada"]


async def test_full_group_refuses(directory: Path) -> None:
    """Nothing of it is left."""
    async with nodes(directory, 2) as (node, other):
        await node.backplane.enter("a", "1", "ada", **FULL)
        with pytest.raises(GroupFullError):
            await other.backplane.enter("a", "1", "bob", **FULL)
        await node.backplane.depart("a", "1")
        assert await other.backplane.users("a") == []


async def test_cancelled_enter_counts_nobody(directory: Path) -> None:
    """Whether or not it was under way."""
    async with nodes(directory) as (node,):
        for steps in range(6):
            counted: list[bool] = []

            async def enter(counted: list[bool] = counted) -> None:
                counted.append(await node.backplane.enter("a", "1", "ada", **NOBODY))

            async with anyio.create_task_group() as group:
                group.start_soon(enter)
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            # It may have been faster.
            assert await node.backplane.users("a") == ["ada"] * len(counted)
            await node.backplane.depart("a", "1")


def remove(directory: Path) -> None:
    """Remove what is in the directory, as what cleans up temporary files does, and itself."""
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


async def test_workers_meet_again_when_their_place_was_removed(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In a new one, with their users, of whom nobody is told; the numbers begin anew, above."""
    async with nodes(directory, 2) as made:
        for node in made:
            await node.subscribe("a")
        one, two = made
        await one.backplane.enter("a", "1", "ada", **ADA)
        await two.backplane.enter("a", "1", "bob", **NOBODY)
        head = await one.backplane.publish("a", b"1", None)
        await two.reach("a", head)
        before = [node.downs for node in made]
        remove(directory)
        with pytest.raises(BackplaneError, match=r"groups\.db was removed"):
            await one.backplane.publish("a", b"lost", None)
        for node, downs in zip(made, before, strict=True):
            await node.come_back(downs, "a")
        assert {*await one.backplane.users("a")} == {"ada", "bob"}
        number = await two.backplane.publish("a", b"2", None)
        assert number > head
        for node in made:
            await node.reach("a", number)
            assert [data for _, data in node.received["a"]] == [b"+ada", b"1", b"2"]
        await one.backplane.depart("a", "1")
        assert await two.backplane.users("a") == ["bob"]
    assert not is_there(directory)
    text = f"the other workers are out of reach: {directory}/groups.db was removed"
    assert f"{text}: it is tried again" in caplog.messages


async def test_users_that_leave_while_nothing_is_there(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not counted again; those that stay are, whatever it takes."""
    monkeypatch.setattr(local, "_RETRY", 0.01)
    monkeypatch.setattr(local_seat, "_PATIENCE", 0.0)
    async with nodes(directory) as (node,):
        await node.subscribe("a")
        for connection, user in (("1", "ada"), ("2", "bob"), ("3", "cyd")):
            await node.backplane.enter("a", connection, user, **NOBODY)
        begin, tries = local_session.begin, itertools.count()
        departed = anyio.Event()

        def begin_late(seat: Any, former: Session | None, entries: Any) -> Session:
            if not next(tries):
                raise BackplaneError("not yet")
            anyio.from_thread.run(node.backplane.depart, "a", "2")
            anyio.from_thread.run_sync(departed.set)
            return begin(seat, former, entries)

        monkeypatch.setattr(local, "begin", begin_late)
        downs = node.downs
        remove(directory)
        await node.until(lambda: node.downs > downs, "`down`")
        await node.backplane.depart("a", "1")
        await node.come_back(downs, "a")
        assert departed.is_set()
        await node.backplane.publish("a", b"1", None)
        with anyio.fail_after(GENEROUS):
            while await node.backplane.users("a") != ["cyd"]:
                await node.backplane.publish("a", b"2", None)
