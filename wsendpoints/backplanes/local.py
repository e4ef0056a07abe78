"""The backplane between the workers of one server, on one machine, that needs no broker."""

import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, final

import anyio
import anyio.to_thread
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from typing_extensions import override

from wsendpoints.backplanes.backplane import Backplane, Receiver
from wsendpoints.backplanes.local_place import place, remove_stale
from wsendpoints.backplanes.local_seat import LONGEST, Seat
from wsendpoints.backplanes.local_session import Job, Names, Session, begin
from wsendpoints.backplanes.local_store import Store
from wsendpoints.backplanes.local_users import Entry, depart, enter, users
from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError, GroupFullError

__all__ = ["LocalBackplane"]

logger: logging.Logger = logging.getLogger("wsendpoints")

_SOON: Final = 1.0
"""Seconds in which something is published, or is not known to be."""

_RETRY: Final = 1.0
"""Seconds until it is tried again to take part."""

_MAX_SIZE: Final = 32 * 1024 * 1024
"""Bytes of a message: it counts among what is kept for workers that lag behind."""

_CAN_RUN: Final = os.name == "posix"


@final
class LocalBackplane(Backplane):
    """Carries the messages of groups between the workers of one server, on one machine.

    It needs nothing but a directory, in which the workers keep a SQLite database, and wake each
    other by Unix sockets. What a worker published is not lost with it, and a worker that is stopped
    for a while misses nothing: so much of what is said is kept for a minute, 32 MiB at most.
    Whoever misses more is told so exactly. Numbers, histories and users are there while any of the
    workers lives.

    By default workers find each other by the process that started them: those of uvicorn, granian,
    hypercorn and gunicorn (on Linux) do. Where they can't, as with several servers on one machine,
    give all of them one directory.

    Args:
        directory: On a local file system, ours, and for nobody else (mode 700); it is made if it is
            not there, and removed by the last worker that leaves. `None` for one in
            `$XDG_RUNTIME_DIR`, or where temporary files are, by the name of this server.

    Raises:
        ConfigurationError: The path of the directory is too long for a socket in it, or the
            system has no Unix sockets.
    """

    presence: ClassVar[bool] = True

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        if not _CAN_RUN:
            raise ConfigurationError(
                "LocalBackplane needs Unix sockets, which this system does not have: use "
                "RedisBackplane, or one worker"
            )
        self._directory = None if directory is None else Path(directory).absolute()
        if self._directory is not None:
            _check(self._directory)
        self._names = Names()
        self._entries: dict[tuple[str, str], Entry] = {}
        self._session: Session | None = None

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        session = await anyio.to_thread.run_sync(self._begin, None, ())
        try:
            logger.info("the workers of this server meet in %s", session.seat.directory)
            task_status.started()
            while True:
                self._session = session
                reason = await session.run(receiver, self._names)
                self._session = None
                self._names.begin_anew()
                receiver.down()
                logger.warning("the other workers are out of reach: %s: it is tried again", reason)
                session = await self._begin_anew(session)
        finally:
            self._session = None
            self._names.begin_anew()
            self._entries.clear()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(session.close)

    async def _begin_anew(self, former: Session) -> Session:
        while True:
            entries = {**self._entries}
            try:
                session = await anyio.to_thread.run_sync(
                    self._begin, former, tuple(entries.values())
                )
            except BackplaneError as exc:
                logger.debug("the other workers are still out of reach: %s", exc)
                await anyio.sleep(_RETRY)
                continue
            for key in entries:
                if key not in self._entries:
                    # It left meanwhile.
                    session.submit(self._departure(session, *key))
            return session

    def _begin(self, former: Session | None, entries: Collection[Entry]) -> Session:
        """Begin to take part, in a thread."""
        directory = self._directory
        if directory is None:
            directory = place()
            remove_stale()
        seat = Seat(directory)
        try:
            session = begin(seat, former, entries)
        except BaseException:
            seat.leave()
            raise
        if former is not None:
            former.replaced()
        return session

    @override
    def subscribe(self, names: Collection[str]) -> None:
        self._names.add(names)
        if self._session is not None:
            self._session.wake()

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        self._names.discard(names)

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        if len(data) > _MAX_SIZE:
            raise BackplaneError(f"{name}: a message of {len(data)} bytes: at most {_MAX_SIZE}")
        number: int = await self._do(lambda store: store.publish(name, data, history))
        return number

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        entries: list[tuple[int, bytes]] = await self._do(
            lambda store: store.read(name, after), is_write=False
        )
        return entries

    @override
    async def enter(
        self,
        name: str,
        connection: str,
        user: str,
        *,
        joined: bytes,
        left: bytes,
        most: int | None,
        history: History | None,
    ) -> bool:
        entry = Entry(name, connection, user, joined, left, most, history)
        session = self._running()
        try:
            is_first: bool = await self._do(partial(enter, worker=session.seat.worker, entry=entry))
        except GroupFullError:
            raise
        except BaseException:
            # It may have been done, or be about to.
            session.submit(self._departure(session, name, connection))
            raise
        self._entries[name, connection] = entry
        return is_first

    @override
    async def depart(self, name: str, connection: str) -> None:
        self._entries.pop((name, connection), None)
        session = self._session
        # Without one, the next one does not count it.
        if session is not None:
            job = self._departure(session, name, connection)
            session.submit(job)
            with anyio.move_on_after(_SOON):
                await job.done.wait()

    @override
    async def users(self, name: str) -> list[str]:
        found: list[str] = await self._do(partial(users, name=name), is_write=False)
        return found

    @staticmethod
    def _departure(session: Session, name: str, connection: str) -> Job:
        work = partial(depart, worker=session.seat.worker, name=name, connection=connection)
        return Job(work, is_certain=True)

    def _running(self) -> Session:
        if self._session is None:
            raise BackplaneError("the other workers are out of reach")
        return self._session

    async def _do(self, work: Callable[[Store], Any], *, is_write: bool = True) -> Any:
        """Have something done, and return what it returns."""
        job = Job(work, is_write=is_write)
        self._running().submit(job)
        try:
            with anyio.fail_after(_SOON):
                await job.done.wait()
        except TimeoutError:
            raise BackplaneError(f"it was not done within {_SOON:g} s") from None
        finally:
            job.is_wanted = False
        if job.error is not None:
            raise job.error
        return job.result


def _check(directory: Path) -> None:
    size = len(os.fsencode(directory))
    if size > LONGEST:
        raise ConfigurationError(
            f"the path {str(directory)!r} has {size} bytes: use one of at most {LONGEST}, which "
            "has room for the name of a socket"
        )
