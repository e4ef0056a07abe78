"""The backplane of the processes of one server, on one machine, with nothing else to run."""

import contextlib
import logging
import os
import socket
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast, final

import anyio
from anyio import TASK_STATUS_IGNORED, CapacityLimiter, to_thread
from anyio.abc import TaskStatus
from typing_extensions import override

from wsendpoints.backplanes.backplane import Backplane, Receiver
from wsendpoints.backplanes.local_place import Place, default_directory, remove_abandoned
from wsendpoints.backplanes.local_store import Come, Store
from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import BackplaneError, ConfigurationError

__all__ = ["LocalBackplane"]

logger: logging.Logger = logging.getLogger("wsendpoints")

R = TypeVar("R")

_LOOK: Final = 1.0
"""Seconds after which a process looks what has come, and who has ended, if nobody wakes it."""

_SWEEP: Final = 10.0
"""Seconds from one removal of what nobody needs to the next."""

_PATIENCE: Final = 1.0
"""Seconds in which something is done."""

_MOST: Final = 10_000
"""Calls that may wait."""

_MORE: Final = b"m"
"""Wakes another process, since there is more to read ..."""

_NEW: Final = b"n"
"""... or since there is another process, or one less."""

_GOODBYE: Final = 2.0
"""Seconds in which a process leaves."""


@final
class _Call:
    """What is to be done in the file, and what became of it."""

    __slots__ = ("done", "failure", "is_done", "result")

    def __init__(self, done: Callable[[Store], Any]) -> None:
        self.done = done
        self.is_done = anyio.Event()
        self.result: Any = None
        self.failure: Exception | None = None

    def do(self, store: Store) -> None:
        try:
            self.result = self.done(store)
        except sqlite3.Error:
            # Nothing that was done with it is.
            raise
        except Exception as exc:  # noqa: BLE001 - raised by who waits
            self.failure = exc


@final
class LocalBackplane(Backplane):
    """Carries the messages of groups between the processes of one server.

    `uvicorn --workers 4`, gunicorn, granian, hypercorn: the workers find each other by their
    parent. What is published is written into a file (SQLite), in a directory that this user alone
    may enter, and the others are woken to read it there. So nothing is lost when one of them is
    killed, stopped, or replaced.

    Args:
        directory: Where the processes meet, if they have no parent in common, or several servers
            are to share their groups. It is made if it is not there, with the mode 0700. By default
            it is one in `$XDG_RUNTIME_DIR`, or in the directory for temporary files.

    Raises:
        ConfigurationError: There are no Unix sockets, as on Windows.
    """

    presence: ClassVar[bool] = True

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        if not hasattr(socket, "AF_UNIX") or os.name != "posix":
            raise ConfigurationError("LocalBackplane needs Unix sockets, which are not there")
        self._directory = None if directory is None else Path(directory)
        self._names: set[str] = set()
        self._fenced: set[str] = set()
        self._entered: dict[tuple[str, str], Callable[[Store, str], bool]] = {}
        self._departed: set[tuple[str, str]] = set()
        # One call at a time: all of it is one connection to the file.
        self._thread = CapacityLimiter(1)
        self._calls: deque[_Call] = deque()
        self._peers: list[str] = []
        self._wake: anyio.Event | None = None
        self._is_changed = False
        self._node = ""

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        has_started = False

        def started() -> None:
            nonlocal has_started
            if not has_started:
                has_started = True
                task_status.started()

        while True:
            try:
                why = await self._meet(receiver, started)
            except (OSError, sqlite3.Error, BackplaneError) as exc:
                if not has_started:
                    raise BackplaneError(f"the processes of this server can't meet: {exc}") from exc
                why = str(exc)
            receiver.down()
            logger.warning("the processes of this server have to meet again: %s", why)
            await anyio.sleep(_LOOK / 10)

    @override
    def subscribe(self, names: Collection[str]) -> None:
        self._names.update(names)
        self._fenced.update(names)
        self._awake()

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        self._names.difference_update(names)
        self._fenced.difference_update(names)

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        return await self._do(lambda store: store.publish(name, data, history))

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        return await self._do(lambda store: store.read(name, after))

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
        def enter(store: Store, node: str, most: int | None = None) -> bool:
            return store.enter(
                *(node, name, connection, user),
                joined=joined,
                left=left,
                most=most,
                history=history,
            )

        key = name, connection
        try:
            is_first = await self._do(lambda store: enter(store, self._node, most))
        except BackplaneError:
            # It may be counted nevertheless.
            self._departed.add(key)
            raise
        self._entered[key] = enter
        return is_first

    @override
    async def depart(self, name: str, connection: str) -> None:
        self._entered.pop((name, connection), None)
        self._departed.add((name, connection))
        with contextlib.suppress(BackplaneError):
            # It is done with the next thing that is.
            await self._do(lambda store: None)

    @override
    async def users(self, name: str) -> list[str]:
        return await self._do(lambda store: store.users(name))

    async def _do(self, done: Callable[[Store], R]) -> R:
        """Have something done in a transaction, with what others want done.

        Raises:
            BackplaneError: It is not known to be done.
        """
        if self._wake is None:
            raise BackplaneError("the processes of this server do not meet now")
        if len(self._calls) >= _MOST:
            raise BackplaneError(f"{_MOST} calls wait already")
        call = _Call(done)
        self._calls.append(call)
        self._awake()
        with anyio.move_on_after(_PATIENCE):
            await call.is_done.wait()
        if not call.is_done.is_set():
            raise BackplaneError(f"it was not done within {_PATIENCE:g} s")
        if call.failure is not None:
            raise call.failure
        return cast("R", call.result)

    def _awake(self) -> None:
        if self._wake is not None:
            self._wake.set()

    async def _meet(self, receiver: Receiver, started: Callable[[], None]) -> str:
        """Be one of the processes until this is cancelled, or the place is gone: return why."""
        place, store = await to_thread.run_sync(self._enter, limiter=self._thread)
        self._node = place.node
        path = place.socket_of(place.node)
        try:
            with _datagrams() as woken, _datagrams() as out:
                woken.bind(os.fspath(path))
                async with anyio.create_task_group() as tasks:
                    self._wake = anyio.Event()
                    self._fenced.update(self._names)
                    self._peers = place.others()
                    self._wake_others(out, place, _NEW)
                    tasks.start_soon(self._listen, woken)
                    started()
                    why = await self._work(place, store, receiver, out, self._wake)
                    tasks.cancel_scope.cancel()
        finally:
            self._wake = None
            self._fail_calls([*self._calls], "the processes of this server do not meet any more")
            self._calls.clear()
            with anyio.move_on_after(_GOODBYE, shield=True):
                await to_thread.run_sync(self._leave, place, store, limiter=self._thread)
        return why

    def _enter(self) -> tuple[Place, Store]:
        directory = self._directory
        if directory is None:
            directory = default_directory()
            remove_abandoned(directory)
        place = Place(directory)
        try:
            store = Store(place.store)
            with store.transaction():
                for enter in self._entered.values():
                    enter(store, place.node)
        except BaseException:
            place.leave()
            raise
        return place, store

    def _leave(self, place: Place, store: Store) -> None:
        try:
            with contextlib.suppress(sqlite3.Error), store.transaction():
                store.bury(place.node)
            with _datagrams() as out:
                self._peers = place.others()
                self._wake_others(out, place, _NEW)
        finally:
            store.close()
            with contextlib.suppress(OSError, BackplaneError):
                place.leave()

    def _fail_calls(self, calls: Collection[_Call], why: str) -> None:
        for call in calls:
            call.failure = BackplaneError(why)
            call.is_done.set()

    async def _listen(self, woken: socket.socket) -> None:
        while True:
            # Not by anyio's sockets, for which on asyncio a datagram that comes as this is
            # cancelled is an error.
            await anyio.wait_readable(woken)
            with contextlib.suppress(OSError):
                while True:
                    self._is_changed |= woken.recv(1) == _NEW
                    self._awake()

    def _wake_others(self, out: socket.socket, place: Place, data: bytes) -> None:
        for node in self._peers:
            # One that is dead, stopped, or awake already, needs it not.
            with contextlib.suppress(OSError):
                out.sendto(data, os.fspath(place.socket_of(node)))

    async def _work(
        self,
        place: Place,
        store: Store,
        receiver: Receiver,
        out: socket.socket,
        wake: anyio.Event,
    ) -> str:
        """Do what is to be done, and hand on what comes; return why that has ended."""
        looked = swept = -_SWEEP
        while True:
            with anyio.move_on_after(_LOOK):
                await wake.wait()
            self._wake = wake = anyio.Event()
            now = anyio.current_time()
            calls, self._calls = [*self._calls], deque()
            departed, self._departed = self._departed, set()
            fenced, self._fenced = self._fenced, set()
            do: list[Callable[[], Any]] = []
            if self._is_changed or now - looked >= _LOOK:
                self._is_changed = False
                looked = now
                if not place.is_there:
                    self._fail_calls(calls, "the processes of this server do not meet any more")
                    return f"{place.path} was removed"
                do.append(partial(self._look, place, store))
            if now - swept >= _SWEEP:
                swept = now
                do.append(store.sweep)
            turn = partial(self._turn, place, store, calls, departed, fenced, do)
            try:
                come = await to_thread.run_sync(turn, limiter=self._thread)
            except sqlite3.Error as exc:
                # Nothing of it is done.
                self._fail_calls(calls, f"it could not be written: {exc}")
                self._departed |= departed
                self._fenced |= fenced
                continue
            for call in calls:
                call.is_done.set()
            if calls or departed:
                self._wake_others(out, place, _MORE)
            if not come.is_all:
                self._fenced |= fenced
            self._hand_on(receiver, come)

    def _turn(
        self,
        place: Place,
        store: Store,
        calls: Sequence[_Call],
        departed: Collection[tuple[str, str]],
        fenced: Collection[str],
        do: Sequence[Callable[[], Any]],
    ) -> Come:
        """Do all that is to be done, in one transaction; return what has come."""
        with store.transaction():
            for call in calls:
                call.do(store)
            for name, connection in departed:
                store.depart(place.node, name, connection)
            for each in do:
                each()
            return store.come(fenced)

    def _look(self, place: Place, store: Store) -> None:
        """See to it that nobody who has ended is counted."""
        for node in place.dead():
            store.bury(node)
            place.forget(node)
        self._peers = place.others()

    def _hand_on(self, receiver: Receiver, come: Come) -> None:
        if come.is_lossy:
            receiver.down()
            self._fenced.update(self._names)
        for name, number, data in come.messages:
            if name in self._names:
                receiver.message(name, number, data)
        heads = {name: head for name, head in come.heads.items() if name in self._names}
        if heads:
            receiver.fenced(heads)
        if not come.is_all or come.is_lossy:
            self._awake()


def _datagrams() -> socket.socket:
    """Return a socket that never waits."""
    some = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    some.setblocking(False)
    return some
