"""A worker takes part in the log of a machine turn by turn, and loses nothing between them."""

import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.backplanes.files import is_there, matching
from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints import BackplaneError, GroupFullError, PositionLost
from wsendpoints.backplanes import local_database, local_session
from wsendpoints.backplanes.local_database import Broken
from wsendpoints.backplanes.local_seat import Seat
from wsendpoints.backplanes.local_session import Job, Names, Session, begin
from wsendpoints.backplanes.local_store import ROWS, Store
from wsendpoints.backplanes.local_users import Entry, enter, users

pytestmark = [pytest.mark.anyio, REAL_TIME]

ADA = Entry("a", "1", "ada", b"+ada", b"-ada", None, None)


class Recorder:
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.step: Callable[[], object] = lambda: None

    def message(self, name: str, number: int, data: bytes) -> None:
        self.told.append(data)
        self.step()

    def fenced(self, heads: Mapping[str, int]) -> None:
        self.told.append(dict(heads))
        self.step()

    def down(self) -> None:
        self.told.append("down")
        self.step()

    async def until(self, condition: Callable[[list[Any]], bool]) -> None:
        """Wait until it was told something."""
        more = anyio.Event()
        self.step = more.set
        with anyio.fail_after(GENEROUS):
            while not condition(self.told):
                await more.wait()
                more = anyio.Event()
                self.step = more.set


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    # Workers look around more often than they do elsewhere.
    monkeypatch.setattr(local_session, "_TICK", 0.05)


@pytest.fixture
def directory(short_path: Path) -> Path:
    """Return where workers meet."""
    return short_path / "workers"


@asynccontextmanager
async def worker(
    directory: Path, names: Names | None = None
) -> AsyncGenerator[tuple[Session, Recorder, Names]]:
    """Run a worker; in the end it leaves."""
    session = begin(Seat(directory), None, ())
    recorder, names = Recorder(), names or Names()
    async with anyio.create_task_group() as group:
        group.start_soon(session.run, recorder, names)
        yield session, recorder, names
        group.cancel_scope.cancel()
    session.close()


async def subscribe(session: Session, recorder: Recorder, names: Names, *some: str) -> None:
    """Subscribe to some groups, and wait for the fence."""
    names.add(some)
    session.wake()
    await recorder.until(lambda told: len(told) == 1)


async def do(session: Session, work: Callable[[Store], Any], *, is_write: bool = True) -> Any:
    """Have something done, and return its result."""
    job = Job(work, is_write=is_write)
    session.submit(job)
    with anyio.fail_after(GENEROUS):
        await job.done.wait()
    if job.error is not None:
        raise job.error
    return job.result


def publishing(name: str, data: bytes) -> Callable[[Store], int]:
    """Return what publishes a message."""
    return lambda store: store.publish(name, data, None)


@asynccontextmanager
async def database(directory: Path) -> AsyncGenerator[sqlite3.Connection]:
    """Open the store beside all workers."""
    with closing(sqlite3.connect(directory / "groups.db", isolation_level=None)) as db:
        yield db


async def test_messages_are_handed_on_between_fences(directory: Path) -> None:
    """Of the groups that are subscribed to, in one order, from all workers."""
    async with worker(directory) as (one, recorder, names), worker(directory) as (two, *_):
        await do(two, publishing("a", b"before"))
        names.add(["a", "b"])
        one.wake()
        await recorder.until(lambda told: len(told) == 1)
        (heads,) = recorder.told
        numbers = [
            await do(session, publishing(name, data))
            for session, name, data in (
                *((two, "a", b"1"), (one, "a", b"2"), (two, "c", b"nobody's")),
                *((two, "b", b"3"), (two, "a", b"4")),
            )
        ]
        await recorder.until(lambda told: told[-1] == b"4")
        assert recorder.told == [heads, b"1", b"2", b"3", b"4"]
        assert [heads["a"] + 1, heads["a"] + 2, heads["b"] + 1, heads["a"] + 3] == [
            number for index, number in enumerate(numbers) if index != 2
        ]
        names.discard(["a"])
        await do(two, publishing("a", b"5"))
        await do(two, publishing("b", b"6"))
        await recorder.until(lambda told: told[-1] == b"6")
        assert recorder.told[5:] == [b"6"]


async def test_names_know_which_fence_is_waited_for() -> None:
    """One that is asked for again is another one; what was taken back waits for none."""
    names = Names()
    names.add(["a", "b"])
    first = {**names.pending}
    names.add(["a"])
    names.discard(["b"])
    assert not names.activate("a", first["a"])
    assert not names.activate("b", first["b"])
    assert names.activate("a", names.pending["a"])
    assert (names.active, names.pending) == ({"a"}, {})
    names.add(["a"])
    assert names.active == {"a"}
    names.begin_anew()
    assert names.active == set()
    assert [*names.pending] == ["a"]


async def test_fence_follows_each_subscription(directory: Path) -> None:
    """Also one that comes while the fence of another is on its way, or was taken back."""
    names = Names()
    async with worker(directory, names) as (session, recorder, _):
        # In the thread of the turn, so that the loop has not got its result yet.
        for again in (["a"], []):
            names.add(["a"])
            recorder.told.clear()

            def meanwhile(_: Store, again: list[str] = again) -> None:
                names.discard(["a"])
                names.add(again)

            await do(session, meanwhile)
            await do(session, lambda _: None)
            await do(session, lambda _: None)
            assert len(recorder.told) == len(again)
        assert not names.pending
        assert not names.active


async def test_much_is_done_in_several_transactions(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order; what nobody wants any more is not done."""
    monkeypatch.setattr(local_session, "_BATCH", 3)
    async with worker(directory) as (session, recorder, names):
        names.add(["a"])
        jobs = [Job(publishing("a", b"%d" % count)) for count in range(10)]
        for job in jobs:
            session.submit(job)
        jobs[4].is_wanted = False
        await jobs[-1].done.wait()
        await recorder.until(lambda told: told[-1] == b"9")
        # The fence came with the first three.
        assert recorder.told[1:] == [b"3", b"5", b"6", b"7", b"8", b"9"]
        assert not jobs[4].done.is_set()


async def test_long_log_is_handed_on_whole(directory: Path) -> None:
    """In several turns; a fence comes where it ends."""
    async with worker(directory) as (session, recorder, names):
        await subscribe(session, recorder, names, "a")
        names.add(["a"])

        def publish(store: Store) -> None:
            for count in range(2 * ROWS + 1):
                store.publish("a", b"%d" % count, None)

        await do(session, publish)
        await recorder.until(lambda told: isinstance(told[-1], dict) and len(told) > 1)
        assert recorder.told[1:-1] == [b"%d" % count for count in range(2 * ROWS + 1)]


async def test_too_much_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not what has to be done."""
    monkeypatch.setattr(local_session, "_WAITING", 2)
    async with worker(directory) as (session, *_):
        for _ in range(2):
            session.submit(Job(publishing("a", b"1")))
        with pytest.raises(BackplaneError, match="2 messages wait to be published"):
            session.submit(Job(publishing("a", b"2")))
        last = Job(publishing("a", b"3"), is_certain=True)
        session.submit(last)
        await last.done.wait()
        assert last.error is None


async def test_worker_that_lags_behind_is_told_what_it_missed(directory: Path) -> None:
    """`down`, and `fenced` with where its groups were at the place from where on it reads."""
    async with worker(directory) as (session, recorder, names):
        names.add(["a", "b", "c"])
        session.wake()
        await recorder.until(lambda told: len(told) == 1)
        (heads,) = recorder.told
        recorder.told.clear()

        def publish_and_prune(store: Store) -> None:
            for count in range(4):
                store.publish("a", b"%d" % count, None)
                store.publish("b", b"%d" % count, None)
            store.execute("DELETE FROM wire WHERE id IN (SELECT id FROM wire ORDER BY id LIMIT 5)")
            store.execute("DELETE FROM groups WHERE name = 'c'")

        await do(session, publish_and_prune)
        await recorder.until(lambda told: told[-1] == b"3" and len(told) == 5)
        again = recorder.told[1]
        # A group that was forgotten begins anew.
        assert again.pop("c") > heads["c"]
        assert recorder.told == [
            "down",
            {"a": heads["a"] + 3, "b": heads["b"] + 2},
            b"2",
            b"3",
            b"3",
        ]


async def test_store_that_is_held(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be written fails, what has to be is done later; a fence waits for its group."""
    monkeypatch.setattr(local_database, "BUSY", 0.01)
    async with worker(directory) as (session, recorder, names), database(directory) as db:
        db.execute("BEGIN IMMEDIATE")
        names.add(["a"])
        certain = Job(publishing("a", b"1"), is_certain=True)
        session.submit(certain)
        with pytest.raises(BackplaneError, match="another worker held the store"):
            await do(session, publishing("a", b"2"))
        assert await do(session, partial(users, name="a"), is_write=False) == []
        assert recorder.told == []
        assert not certain.done.is_set()
        db.execute("COMMIT")
        with anyio.fail_after(GENEROUS):
            await certain.done.wait()
        assert certain.error is None
        await recorder.until(lambda told: len(told) == 1)


async def test_store_that_can_not_be_read_for_a_while(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be read fails; what comes is handed on after that."""
    async with worker(directory) as (session, recorder, names):
        await subscribe(session, recorder, names, "a")

        def refuse(*_: object) -> None:
            raise BackplaneError("not now")

        with monkeypatch.context() as patches:
            patches.setattr(Store, "reading", refuse)
            assert await do(session, publishing("a", b"1"))
            with pytest.raises(BackplaneError, match="not now"):
                await do(session, partial(users, name="a"), is_write=False)
            assert len(recorder.told) == 1
        await recorder.until(lambda told: told[1:] == [b"1"])


@pytest.mark.parametrize(
    ("breaks", "text"),
    [
        ("groups.db", "was removed"),
        ("*.wakes", "what this worker has among the others was removed"),
    ],
)
async def test_session_ends_when_its_files_are_gone(
    directory: Path, breaks: str, text: str
) -> None:
    """Whoever waits for something is told."""
    session = begin(Seat(directory), None, ())
    reasons: list[BackplaneError] = []

    async def run() -> None:
        reasons.append(await session.run(Recorder(), Names()))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await do(session, publishing("a", b"1"))
        for path in matching(directory, breaks):
            path.unlink()
        with pytest.raises(BackplaneError, match=text):
            while True:
                await do(session, lambda _: None, is_write=False)
    assert [type(reason) for reason in reasons] == [Broken]
    session.close()


@pytest.mark.parametrize("is_write", [True, False])
async def test_store_that_breaks(directory: Path, *, is_write: bool) -> None:
    """So it does, as it is written or read."""
    session = begin(Seat(directory), None, ())

    def breaks(store: Store) -> None:
        store.execute("SELECT missing")

    job = Job(breaks, is_write=is_write)
    waiting = Job(breaks)
    async with anyio.create_task_group() as group:
        session.submit(job)
        group.start_soon(session.run, Recorder(), Names())
        await anyio.lowlevel.checkpoint()
        session.submit(waiting)
    for it in (job, waiting):
        assert it.done.is_set()
        assert "no such column: missing" in str(it.error)
    session.close()


async def test_store_that_breaks_as_it_is_read(directory: Path) -> None:
    """With nothing to be written."""
    session = begin(Seat(directory), None, ())
    job = Job(lambda store: store.execute("SELECT missing"), is_write=False)
    session.submit(job)
    assert isinstance(await session.run(Recorder(), Names()), Broken)
    assert "no such column: missing" in str(job.error)
    session.close()


async def test_session_that_is_cancelled(directory: Path) -> None:
    """Whoever waits for something is told, whether or not it was done."""
    session = begin(Seat(directory), None, ())
    is_begun = anyio.Event()

    def cancel(_: Store) -> None:
        anyio.from_thread.run_sync(is_begun.set)

    jobs = [Job(cancel), Job(publishing("a", b"1"))]
    async with anyio.create_task_group() as group:
        session.submit(jobs[0])
        group.start_soon(session.run, Recorder(), Names())
        await is_begun.wait()
        session.submit(jobs[1])
        group.cancel_scope.cancel()
    for job in jobs:
        assert job.done.is_set()
    assert "it ended" in str(jobs[1].error)
    session.close()
    assert not is_there(directory)


async def test_dead_are_buried_once(directory: Path) -> None:
    """By one of those that live; their files are removed."""
    async with worker(directory) as (one, recorder, names), worker(directory) as (two, *_):
        await subscribe(one, recorder, names, "a")
        dead = begin(Seat(directory), None, (ADA,))
        assert await do(two, partial(users, name="a"), is_write=False) == ["ada"]
        dead.store.close()
        dead.seat.abandon()
        await recorder.until(lambda told: b"-ada" in told)
        alive = {one.seat.worker, two.seat.worker}
        with anyio.fail_after(GENEROUS):
            while {path.stem for path in matching(directory, "*.alive")} != alive:
                await do(two, lambda _: None)
        await do(one, publishing("a", b"."))
        await recorder.until(lambda told: told[-1] == b".")
        assert recorder.told.count(b"-ada") == 1


async def test_dead_are_buried_later_while_the_store_is_held(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their files stay until then."""
    monkeypatch.setattr(local_database, "BUSY", 0.01)
    async with worker(directory) as (session, recorder, names), database(directory) as db:
        await subscribe(session, recorder, names, "a")
        dead = begin(Seat(directory), None, (ADA,))
        dead.store.close()
        db.execute("BEGIN IMMEDIATE")
        dead.seat.abandon()
        is_held = anyio.Event()
        dead_of = session.seat.dead

        def dead_workers() -> list[str]:
            found = dead_of()
            anyio.from_thread.run_sync(is_held.set)
            return found

        monkeypatch.setattr(session.seat, "dead", dead_workers)
        with anyio.fail_after(GENEROUS):
            await is_held.wait()
        assert await do(session, partial(users, name="a"), is_write=False) == ["ada"]
        assert len(matching(directory, "*.alive")) == 2
        db.execute("COMMIT")
        await recorder.until(lambda told: b"-ada" in told)
        with anyio.fail_after(GENEROUS):
            while len(matching(directory, "*.alive")) > 1:
                await do(session, lambda _: None)


async def test_work_that_refuses_is_told_why(directory: Path) -> None:
    """The other work of its transaction is done."""
    async with worker(directory) as (session, *_):
        lost = Job(lambda store: store.read("a", 5), is_write=False)
        full = Job(partial(enter, worker="x", entry=Entry("a", "1", "ada", b"", b"", 0, None)))
        last = Job(publishing("a", b"1"))
        for job in (lost, full, last):
            session.submit(job)
        await last.done.wait()
        assert isinstance(lost.error, PositionLost)
        assert isinstance(full.error, GroupFullError)
        assert last.error is None


async def test_numbers_of_groups_with_subscribers_are_kept(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However silent they are."""
    monkeypatch.setattr(local_session, "_TOUCH", 0.0)
    async with worker(directory) as (session, recorder, names), database(directory) as db:
        await subscribe(session, recorder, names, "a")
        soon = time.time() + 60
        db.execute("UPDATE groups SET forget = ?", (soon,))
        with anyio.fail_after(GENEROUS):
            while db.execute("SELECT forget FROM groups").fetchone() < (soon + 3600,):
                await do(session, lambda _: None)


async def test_worker_that_leaves_takes_its_users_along(directory: Path) -> None:
    """The others are woken for it."""
    async with worker(directory) as (session, recorder, names):
        await subscribe(session, recorder, names, "a")
        leaving = begin(Seat(directory), None, (ADA,))
        await anyio.to_thread.run_sync(leaving.close)
        await recorder.until(lambda told: b"-ada" in told)


async def test_worker_that_can_not_say_goodbye(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as one that was killed, and the others bury it."""
    monkeypatch.setattr(local_database, "BUSY", 0.01)
    async with worker(directory) as (session, recorder, names):
        await subscribe(session, recorder, names, "a")
        leaving = begin(Seat(directory), None, (ADA,))
        async with database(directory) as db:
            db.execute("BEGIN IMMEDIATE")
            await anyio.to_thread.run_sync(leaving.close)
            db.execute("COMMIT")
        await recorder.until(lambda told: b"-ada" in told)


async def test_session_that_replaces_another_keeps_its_users(directory: Path) -> None:
    """Nobody is told of it."""
    async with worker(directory) as (session, recorder, names):
        await subscribe(session, recorder, names, "a")
        former = begin(Seat(directory), None, ())
        writing = former.store.writing
        with writing():
            enter(former.store, former.seat.worker, ADA)
        latter = begin(Seat(directory), former, (ADA,))
        former.replaced()
        assert await do(session, partial(users, name="a"), is_write=False) == ["ada"]
        await do(session, publishing("a", b"."))
        await recorder.until(lambda told: b"." in told)
        assert recorder.told[1:] == [b"+ada", b"."]
        latter.close()
        await recorder.until(lambda told: told[-1] == b"-ada")


async def test_session_that_can_not_begin_leaves_nothing_open(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is its caller's."""
    monkeypatch.setattr(local_database, "BUSY", 0.01)
    seat = Seat(directory)
    with closing(seat.open()):
        async with database(directory) as db:
            db.execute("BEGIN IMMEDIATE")
            with pytest.raises(BackplaneError, match="another worker held the store"):
                begin(seat, None, ())
            db.execute("COMMIT")
    seat.leave()
    assert not is_there(directory)
