"""How one worker takes part in the log of a machine: turn by turn, each in a thread."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final, final

import anyio
import anyio.to_thread

from wsendpoints.backplanes.backplane import Receiver
from wsendpoints.backplanes.local_database import Broken
from wsendpoints.backplanes.local_seat import HELLO, Seat
from wsendpoints.backplanes.local_store import Found, Store
from wsendpoints.backplanes.local_users import Entry, bury, enter
from wsendpoints.protocol.exceptions import BackplaneError, GroupFullError, PositionLost

__all__ = ["Job", "Names", "Session", "begin"]

_TICK: Final = 1.0
"""Seconds after which each looks by itself: who is dead, and what nobody woke it for."""

_TOUCH: Final = 3600.0
"""Seconds after which the numbers of groups are to be forgotten later again."""

_BATCH: Final = 256
"""So much at most is written in one transaction."""

_WAITING: Final = 10_000
"""So much at most waits to be written."""


@final
class Job:
    """Something that is done in the store.

    Args:
        work: Does it.
        is_write: Whether it changes anything.
        is_certain: Whether it is tried again until it is done.

    Attributes:
        done: Set once it is over.
        result: What it returned.
        error: Why it was not done.
        is_wanted: Whether anybody still waits for it.
    """

    __slots__ = ("done", "error", "is_certain", "is_wanted", "is_write", "result", "work")

    def __init__(
        self, work: Callable[[Store], Any], *, is_write: bool = True, is_certain: bool = False
    ) -> None:
        self.work: Callable[[Store], Any] = work
        self.is_write: bool = is_write
        self.is_certain: bool = is_certain
        self.done: anyio.Event = anyio.Event()
        self.result: Any = None
        self.error: BackplaneError | GroupFullError | None = None
        self.is_wanted: bool = True

    def do(self, store: Store) -> None:
        """Do it, within a transaction."""
        try:
            self.result = self.work(store)
        except (GroupFullError, PositionLost) as exc:
            self.error = exc

    def fail(self, reason: BackplaneError) -> None:
        """Take note that nothing of it was done."""
        # Each has an exception of its own, which gets a traceback of its own.
        self.error = BackplaneError(str(reason))


@final
class Names:
    """The groups that are subscribed to.

    Attributes:
        active: Those of which what comes is handed on.
        pending: Those whose fence is to follow, each with what tells one `subscribe` from the next.
    """

    def __init__(self) -> None:
        self.active: set[str] = set()
        self.pending: dict[str, object] = {}

    def add(self, names: Collection[str]) -> None:
        """Subscribe to some."""
        for name in names:
            self.pending[name] = object()

    def discard(self, names: Collection[str]) -> None:
        """Subscribe to them no more."""
        for name in names:
            self.active.discard(name)
            self.pending.pop(name, None)

    def activate(self, name: str, subscription: object) -> bool:
        """Hand on what comes from now on; return whether that is what somebody waits for."""
        if self.pending.get(name) is not subscription:
            return False
        del self.pending[name]
        self.active.add(name)
        return True

    def begin_anew(self) -> None:
        """Hand nothing on until the next fences."""
        self.add(self.active)
        self.active.clear()


@final
class Session:
    """One worker's part in the log, until the log is gone.

    Args:
        seat: Its place among the workers.
        store: The log.
        cursor: From where on it reads.

    Attributes:
        seat: Its place among the workers.
        store: The log.
    """

    def __init__(self, seat: Seat, store: Store, cursor: int) -> None:
        self.seat: Seat = seat
        self.store: Store = store
        # None while it is behind what is kept, until it is known where that begins.
        self._cursor: int | None = cursor
        self._jobs: deque[Job] = deque()
        self._more = anyio.Event()
        self._limiter = anyio.CapacityLimiter(1)
        self._tend_at = self._touch_at = -float("inf")

    def wake(self) -> None:
        """Have another turn, soon."""
        self._more.set()

    def submit(self, job: Job) -> None:
        """Have something done.

        Raises:
            BackplaneError: Too much is waiting.
        """
        if len(self._jobs) >= _WAITING and not job.is_certain:
            raise BackplaneError(f"{_WAITING} messages wait to be published")
        self._jobs.append(job)
        self.wake()

    async def run(self, receiver: Receiver, names: Names) -> BackplaneError:
        """Do what is asked for, and hand on what comes; return why that can't go on."""
        reason = BackplaneError("it ended")
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._hear)
                while True:
                    with anyio.move_on_after(_TICK):
                        await self._more.wait()
                    self._more = anyio.Event()
                    try:
                        await self._turn(receiver, names)
                    except Broken as exc:
                        reason = exc
                        group.cancel_scope.cancel()
                        break
        finally:
            self._end(self._jobs, reason)
        return reason

    async def _hear(self) -> None:
        """Have a turn when another worker says that there is something new."""
        while True:
            await anyio.wait_readable(self.seat.wakes)
            if self.seat.woken():
                self.seat.look_around()
            self.wake()

    async def _turn(self, receiver: Receiver, names: Names) -> None:
        jobs: list[Job] = []
        while self._jobs and len(jobs) < _BATCH:
            job = self._jobs.popleft()
            if job.is_wanted:
                jobs.append(job)
        cursor, pending = self._cursor, {**names.pending}
        asked = tuple(pending if cursor is not None else names.active)
        tend = self._due(names)
        try:
            found = await anyio.to_thread.run_sync(
                self._work, jobs, cursor, asked, tend, limiter=self._limiter
            )
        except BaseException as exc:
            reason = exc if isinstance(exc, Broken) else BackplaneError("it ended")
            self._end(jobs, reason)
            raise
        again = [job for job in jobs if job.error is not None and job.is_certain]
        for job in again:
            job.error = None
        self._jobs.extendleft(reversed(again))
        for job in jobs:
            if job not in again:
                job.done.set()
        if self._jobs and not again:
            self.wake()
        if found is None:
            pass
        elif found.is_pruned:
            self._cursor = None
            receiver.down()
            self.wake()
        elif cursor is None:
            self._cursor = found.cursor
            heads = found.heads or {}
            receiver.fenced({name: heads[name] for name in names.active if name in heads})
            self.wake()
        else:
            self._cursor = found.cursor
            self._hand_on(receiver, names, found, pending)

    def _hand_on(
        self, receiver: Receiver, names: Names, found: Found, pending: dict[str, object]
    ) -> None:
        for name, number, data in found.rows:
            if name in names.active:
                receiver.message(name, number, data)
        if found.heads is None:
            self.wake()
            return
        heads = {
            name: head for name, head in found.heads.items() if names.activate(name, pending[name])
        }
        if heads:
            receiver.fenced(heads)
        if names.pending:
            # Others were asked for meanwhile, or could not be counted.
            self.wake()

    def _due(self, names: Names) -> Collection[str] | None:
        """Return the groups whose numbers are to be forgotten later; `None` if nothing is due."""
        now = anyio.current_time()
        if now < self._tend_at:
            return None
        self._tend_at = now + _TICK
        if now < self._touch_at:
            return ()
        self._touch_at = now + _TOUCH
        return tuple(names.active)

    @staticmethod
    def _end(jobs: Collection[Job], reason: BackplaneError) -> None:
        for job in jobs:
            job.fail(reason)
            job.done.set()

    # What follows is done in a thread.

    def _work(
        self,
        jobs: Sequence[Job],
        cursor: int | None,
        names: Collection[str],
        tend: Collection[str] | None,
    ) -> Found | None:
        writes = [job for job in jobs if job.is_write]
        if writes:
            self._write(writes)
        if tend is not None:
            self._tend(tend)
        store = self.store
        try:
            self._count(names)
            with store.reading():
                for job in jobs:
                    if not job.is_write:
                        job.do(store)
                return store.beginning(names) if cursor is None else store.after(cursor, names)
        except Broken:
            raise
        except BackplaneError as exc:
            for job in jobs:
                if not job.is_write:
                    job.fail(exc)
            return None

    def _write(self, jobs: Sequence[Job]) -> None:
        try:
            with self.store.writing():
                for job in jobs:
                    job.do(self.store)
        except Broken:
            raise
        except BackplaneError as exc:
            for job in jobs:
                job.fail(exc)
            return
        if self.store.has_news:
            self.seat.wake()

    def _tend(self, names: Collection[str]) -> None:
        """Bury the dead, and remove what is kept no longer."""
        seat, store = self.seat, self.store
        if not seat.is_intact():
            raise Broken("what this worker has among the others was removed")
        store.check()
        seat.look_around()
        dead = seat.dead()
        job = Job(partial(_tidy, dead=dead, names=names))
        self._write([job])
        if job.error is None:
            for worker in dead:
                seat.remove(worker)

    def _count(self, names: Collection[str]) -> None:
        """Begin to count those groups that are not counted."""
        with self.store.reading():
            heads = self.store.heads(names)
        missing = [name for name in names if name not in heads]
        if missing:
            self._write([Job(lambda store: store.count(missing))])

    def close(self) -> None:
        """Leave, with all users."""
        try:
            with self.store.writing():
                bury(self.store, self.seat.worker)
            if self.store.has_news:
                self.seat.wake()
        except BackplaneError:
            self.store.close()
            self.seat.abandon()
        else:
            self.store.close()
            self.seat.leave()

    def replaced(self) -> None:
        """Leave, since another session has the users now."""
        self.store.close()
        self.seat.leave()


def _tidy(store: Store, dead: Collection[str], names: Collection[str]) -> None:
    for worker in dead:
        bury(store, worker)
    store.prune()
    store.touch(names)


def begin(seat: Seat, former: Session | None, entries: Collection[Entry]) -> Session:
    """Begin to take part, in a thread.

    Args:
        seat: The worker's place.
        former: The session that this one replaces; it goes on to hold its place.
        entries: Those that are counted, of this worker.

    Raises:
        BackplaneError: The store can't be used.
    """
    store = seat.open()
    try:
        with store.writing():
            for entry in entries:
                enter(store, seat.worker, entry, is_known=True)
            if former is not None:
                # All of whose users are there again.
                bury(store, former.seat.worker)
            cursor = store.end()
    except BaseException:
        store.close()
        raise
    seat.wake(HELLO)
    return Session(seat, store, cursor)
