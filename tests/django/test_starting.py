"""Groups are started once a process, by a server or by a thread."""

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from tests.clocks import GENEROUS
from tests.groups.failing import Failing
from wsendpoints import BackplaneError, InvalidStateError
from wsendpoints.backplanes import Hub, LocalBackplane, MemoryBackplane
from wsendpoints.django import starting
from wsendpoints.django.starting import are_run_by_thread, claimed, started, stop_threads
from wsendpoints.groups import Groups


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """End those of a test."""
    yield
    stop_threads()
    assert not threads()


def threads() -> list[threading.Thread]:
    """Return those that run groups."""
    return [it for it in threading.enumerate() if it.name == "wsendpoints groups"]


def ensure_started(groups: Groups, timeout: float) -> None:
    """Have them started."""
    with started(groups, timeout):
        pass


def test_one_thread_starts_them() -> None:
    """However many ask at once."""
    groups = Groups(MemoryBackplane(Hub()))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ensure_started, groups, GENEROUS) for _ in range(32)]
        for it in asked:
            it.result()
            assert groups.is_started
    assert len(threads()) == 1
    assert are_run_by_thread([Groups(), groups])
    stop_threads()
    assert not groups.is_started
    assert not are_run_by_thread([groups])


def test_groups_of_one_process_need_no_thread() -> None:
    """They are started always."""
    ensure_started(Groups(), GENEROUS)
    assert not threads()


def test_what_cannot_be_reached_is_told_and_leaves_no_thread() -> None:
    """The next one tries again."""
    plane = Failing(Hub())
    plane.refuses_start = True
    groups = Groups(plane)
    with pytest.raises(BackplaneError, match="nothing there"):
        ensure_started(groups, GENEROUS)
    for it in threads():
        it.join(GENEROUS)
    assert not threads()
    plane.refuses_start = False
    ensure_started(groups, GENEROUS)
    assert groups.is_started


class Slow(Failing):
    """Takes its time to start."""

    def __init__(self) -> None:
        super().__init__(Hub())
        self.is_starting = threading.Event()
        self.may_start = threading.Event()

    async def run(self, *args: Any, **kwargs: Any) -> None:
        self.is_starting.set()
        await anyio.to_thread.run_sync(self.may_start.wait)
        await super().run(*args, **kwargs)


def test_what_takes_too_long_ends_unused() -> None:
    """Nobody waits for it any more."""
    plane = Slow()
    groups = Groups(plane)
    with pytest.raises(TimeoutError, match=r"^the groups were not started within 0.01 s$"):
        ensure_started(groups, 0.01)
    plane.may_start.set()
    for it in threads():
        it.join(GENEROUS)
    assert not groups.is_started


def test_others_wait_no_longer_than_they_say() -> None:
    """While one has them started."""
    plane = Slow()
    groups = Groups(plane)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ensure_started, groups, GENEROUS)
        assert plane.is_starting.wait(GENEROUS)
        with pytest.raises(TimeoutError, match="not started within"):
            ensure_started(groups, 0.01)
        plane.may_start.set()
        first.result()
    assert groups.is_started


def test_thread_stays_as_long_as_it_is_used() -> None:
    """What was begun on its event loop ends there."""
    groups = Groups(MemoryBackplane(Hub()))
    with ThreadPoolExecutor() as pool:
        with started(groups, GENEROUS):
            stopping = pool.submit(stop_threads)
            assert groups.broadcast_from_thread("news", "hello", timeout=GENEROUS) == 0
            assert groups.is_started
        stopping.result()
    assert not groups.is_started


def test_groups_that_ended_are_started_anew(caplog: pytest.LogCaptureFixture) -> None:
    """By whoever broadcasts next."""
    plane = Mortal(Hub())
    groups = Groups(plane)
    ensure_started(groups, GENEROUS)
    (thread,) = threads()
    groups._members.token.run(plane.die)  # type: ignore[union-attr]  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]  # its event loop
    thread.join(GENEROUS)
    assert [(it.levelno, it.message) for it in caplog.records] == [
        (logging.ERROR, "the groups of this process ended")
    ]
    stop_threads()
    assert not groups.is_started


class Mortal(Failing):
    """Ends for good when it is told so."""

    async def die(self) -> None:
        """End."""
        self.dies.set()


@pytest.mark.anyio
async def test_server_takes_them_over_from_a_thread() -> None:
    """What starts them then is its event loop; what asks meanwhile waits."""
    groups = Groups(MemoryBackplane(Hub()))
    await anyio.to_thread.run_sync(ensure_started, groups, GENEROUS)
    async with claimed([groups]) as tell:
        assert not threads()
        async with anyio.create_task_group() as tasks:
            asking = lambda: ensure_started(groups, GENEROUS)  # noqa: E731 - one that waits
            tasks.start_soon(anyio.to_thread.run_sync, asking)
            async with groups:
                tell()
        assert not groups.is_started
    await anyio.to_thread.run_sync(ensure_started, groups, GENEROUS)
    assert len(threads()) == 1


def test_fork_of_a_process_that_started_them_is_refused() -> None:
    """Its thread is not in the child, where nothing would answer."""
    groups = Groups(MemoryBackplane(Hub()))
    ensure_started(groups, GENEROUS)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of what this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            ensure_started(groups, GENEROUS)
        except InvalidStateError as exc:
            os.write(writing, str(exc).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, encoding="utf-8") as told:
        assert told.read() == (
            "these groups were started before this process was forked: broadcast in the child "
            "alone, or give each process groups of its own"
        )


def test_thread_of_another_process_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child that was refused ends all the same."""
    groups = Groups(MemoryBackplane(Hub()))
    ensure_started(groups, GENEROUS)
    thread: Any = starting._starts[groups]._thread  # pyright: ignore[reportPrivateUsage]  # is lost
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(InvalidStateError, match="before this process was forked"):
        ensure_started(groups, GENEROUS)
    stop_threads()
    assert groups.is_started
    thread.stop()
    assert not groups.is_started


def test_local_backplane_is_started_on_one_loop_after_the_other() -> None:
    """As where a thread gives way to a server, and comes back."""
    with tempfile.TemporaryDirectory(prefix="wse") as folder:
        groups = Groups(LocalBackplane(Path(folder) / "groups"))
        for _ in range(2):
            ensure_started(groups, GENEROUS)
            assert groups.broadcast_from_thread("news", "hello", timeout=GENEROUS) == 0
            stop_threads()
        with pytest.raises(InvalidStateError, match="not started"):
            groups.broadcast_from_thread("news", "hello")
