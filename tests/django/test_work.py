"""Where Django works for an endpoint, and what it leaves behind."""

import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, ProgrammingError  # type: ignore[import-untyped]  # no types

from tests.clocks import GENEROUS
from tests.django.project import Users
from tests.django.watching import watching
from wsendpoints.django.work import Work, closes_connections, closing_connections

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


def threads() -> set[str]:
    """Return the threads of Django's that run."""
    names = {it.name for it in threading.enumerate()}
    return {it for it in names if it.startswith("wsendpoints django")}


async def where() -> int:
    """Return the thread in which Django works."""
    return await sync_to_async(threading.get_ident)()


async def test_all_of_it_is_in_one_thread_whose_connection_is_closed() -> None:
    """As for a request."""
    with watching() as opened:
        async with Work():
            assert await Users.objects.filter(username="nobody").acount() == 0
            assert await where() == await where()
            assert not await Users.objects.filter(username="nobody").aexists()
            assert (len(opened.every), opened.left) == (1, 1)
        assert opened.left == 0
        async with Work():
            await Users.objects.acount()
        assert (len(opened.every), opened.left) == (2, 0)
    for it in threading.enumerate():
        if it.name in threads():
            it.join(GENEROUS)
    assert not threads()


async def test_without_any_there_is_no_thread() -> None:
    """Most handlers ask no database."""
    before = threads()
    async with Work():
        pass
    assert threads() == before


async def test_within_another_it_is_the_same() -> None:
    """As where a hook calls that of the class above."""
    with watching() as opened:
        async with Work():
            outer = await where()
            async with Work():
                assert await where() == outer
                await Users.objects.acount()
            assert opened.left == 1
            assert await where() == outer
        assert opened.left == 0


async def test_apart_it_is_another() -> None:
    """As for a task, which may outlive what started it."""
    with watching() as opened:
        async with Work():
            await Users.objects.acount()
            async with Work(is_apart=True):
                await Users.objects.acount()
                assert opened.left == 2
            assert opened.left == 1
            await Users.objects.acount()
        assert (len(opened.every), opened.left) == (2, 0)


async def test_cancelled_it_closes_its_connection() -> None:
    """Though nobody waits for that."""
    with watching() as opened:
        left: list[threading.Thread] = []
        with anyio.CancelScope() as scope:
            async with Work():
                await Users.objects.acount()
                left += (it for it in threading.enumerate() if it.name in threads())
                scope.cancel()
        for it in left:
            await anyio.to_thread.run_sync(it.join, GENEROUS)
        assert left
        assert (len(opened.every), opened.left) == (1, 0)


async def test_rows_may_be_iterated_over() -> None:
    """From a cursor that stays open between two calls."""
    await Users.objects.filter(username__startswith="row").adelete()
    await Users.objects.abulk_create(Users(username=f"row {count}") for count in range(5))
    async with Work():
        rows = Users.objects.filter(username__startswith="row").order_by("username")
        names = [it.username async for it in rows.aiterator(chunk_size=2)]
        assert names == [f"row {count}" for count in range(5)]


async def test_connection_that_breaks_heals() -> None:
    """At the next call, where a task goes on for long."""
    with watching() as opened:
        async with Work():
            await Users.objects.acount()
            opened.breaks()
            with pytest.raises((OperationalError, ProgrammingError)):
                await Users.objects.acount()
            await Users.objects.acount()
        assert (len(opened.every), opened.left) == (2, 0)


@pytest.mark.parametrize(("max_age", "count"), [(0, 3), (None, 1)])
def test_thread_keeps_its_connection_as_long_as_it_may(max_age: Any, count: int) -> None:
    """By `CONN_MAX_AGE`."""
    work = closing_connections(Users.objects.count)
    with watching(max_age) as opened:
        for _ in range(3):
            work()
        assert len(opened.every) == count
        assert opened.left == (0 if max_age == 0 else 1)


def test_thread_heals_a_connection_that_broke() -> None:
    """The one that is asked first finds it; the next one does not."""
    work = closing_connections(Users.objects.count)
    with watching(None) as opened:
        work()
        opened.breaks()
        with pytest.raises((OperationalError, ProgrammingError)):
            work()
        work()
        assert (len(opened.every), opened.left) == (2, 1)


def test_what_a_thread_keeps_ends_with_it() -> None:
    """Those that have nothing to do are ended."""
    work = closing_connections(Users.objects.count)
    with watching(None) as opened:
        thread = threading.Thread(target=lambda: [work(), work()])
        thread.start()
        thread.join(GENEROUS)
        assert (len(opened.every), opened.left) == (1, 0)


async def test_thread_tells_whether_its_connections_are_closed() -> None:
    """One of a `Work` closes them, and any other while it runs what leaves it as a request does."""
    asked = closing_connections(closes_connections)
    assert [closes_connections(), asked(), closes_connections()] == [False, True, False]
    assert not await sync_to_async(closes_connections)()
    async with Work():
        assert await sync_to_async(closes_connections)()
    assert not await sync_to_async(closes_connections)()
