"""A worker's place in the directory of the workers of one machine: who is alive, and waking them.

What is locked with `flock` is unlocked by the kernel when the process ends, however it ends: so a
lock is all that it takes to be alive. Each worker holds the directory, shared; whoever gets it
alone is the only one. And each has a file of its own, which the others try.
"""

import os
import secrets
import socket
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final, final
from weakref import WeakSet

from wsendpoints.backplanes import local_database
from wsendpoints.backplanes.local_database import Broken
from wsendpoints.backplanes.local_store import Store
from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["HELLO", "LONGEST", "Seat", "clear", "forget_all", "lock", "owned", "unlock"]

HELLO: Final = b"+"
"""Wakes the others, and says that there is one more."""

_WAKE: Final = b"!"

_STORE: Final = "groups.db"
_MAKING: Final = "making"
_ALIVE: Final = ".alive"
_WAKES: Final = ".wakes"

LONGEST: Final = 104 - len(f"/{'0' * 16}{_WAKES}") - 1
"""Bytes that the path of the directory may have: that of a socket is short everywhere."""

_PATIENCE: Final = 5.0
"""Seconds that others are waited for, who come or go at this moment."""

_PAUSE: Final = 0.01


@final
class Seat:
    """One worker's place. One thread at a time may use it, and each may wait.

    Args:
        directory: Where; it is made if it isn't there.

    Attributes:
        directory: Where.
        worker: What tells this worker from all others, ever.
        wakes: A socket that can be read once there may be news.

    Raises:
        BackplaneError: There is no such place, or it is not private.
    """

    def __init__(self, directory: Path) -> None:
        _see_to_children()
        self.worker: str = secrets.token_hex(8)
        self.wakes: socket.socket = _socket()
        self.directory: Path = directory
        self._others: list[str] | None = None
        self._seen = 0
        self._fds: list[int] = []
        try:
            self._sit()
        except OSError as exc:
            self._close()
            raise BackplaneError(f"{directory} can't be used: {exc}") from exc
        except BaseException:
            self._close()
            raise
        _seats.add(self)

    def _sit(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._try():
            self.remove(self.worker)
            self._close()
            if time.monotonic() > deadline:
                raise BackplaneError(f"{self.directory} is held by a worker that does not go on")
            time.sleep(_PAUSE)

    def _try(self) -> bool:
        """Try to sit down; somebody else may just come, or go, and take the directory along."""
        with suppress(FileExistsError):
            self.directory.mkdir(0o700)
        try:
            held = owned(self.directory)
        except FileNotFoundError:
            return False
        self._fds.append(held)
        is_alone = lock(held)
        if not is_alone and not lock(held, shared=True):
            return False
        if not _is_at(held, self.directory):
            return False
        if is_alone:
            # Nobody is there to know what was.
            clear(self.directory)
        self._take()
        if is_alone:
            # In between another may have found itself alone.
            return lock(held, shared=True) and self.is_intact()
        return True

    def _take(self) -> None:
        """Make what is this worker's own."""
        # It gets its name once it is locked: nobody takes it for that of a dead one.
        new = self._path(".new")
        alive = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._fds.append(alive)
        lock(alive)
        self.wakes.close()
        self.wakes = _socket()
        self.wakes.bind(str(self._path(_WAKES)))
        os.rename(new, self._path(_ALIVE))

    def _path(self, suffix: str) -> Path:
        return self.directory / f"{self.worker}{suffix}"

    def is_intact(self) -> bool:
        """Whether what is this worker's own is still there for the others."""
        return _is_at(self._fds[-1], self._path(_ALIVE)) and self._path(_WAKES).exists()

    def open(self) -> Store:
        """Open the store, which is made if it isn't there.

        Raises:
            BackplaneError: It can't be.
        """
        with _translated(), _alone(self.directory / _MAKING):
            return Store(self.directory / _STORE)

    def wake(self, word: bytes = _WAKE) -> None:
        """Wake the others. Nobody is waited for: whoever is not reached looks by itself, soon."""
        for path in self._addresses():
            # One that is full is awake, and one that is gone is no obstacle.
            with suppress(OSError):
                self.wakes.sendto(word, path)

    def _addresses(self) -> list[str]:
        try:
            seen = os.stat(self.directory).st_mtime_ns
        except OSError:
            return []
        if self._others is None or seen != self._seen:
            self._seen = seen
            self._others = [str(path) for path in self._all(_WAKES)]
        return self._others

    def look_around(self) -> None:
        """See anew who is there."""
        self._others = None

    def woken(self) -> bool:
        """Take all that came; return whether somebody new is there."""
        is_new = False
        while True:
            try:
                is_new |= self.wakes.recv(1) == HELLO
            except OSError:
                return is_new

    def dead(self) -> list[str]:
        """Return the workers that ended without leaving."""
        dead: list[str] = []
        for path in self._all(_ALIVE):
            with suppress(FileNotFoundError):
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                if lock(fd):
                    dead.append(path.stem)
                os.close(fd)
        return dead

    def _all(self, suffix: str) -> list[Path]:
        return [path for path in self.directory.glob(f"*{suffix}") if path.stem != self.worker]

    def remove(self, worker: str) -> None:
        """Remove what a dead worker had."""
        for suffix in (_ALIVE, _WAKES):
            (self.directory / f"{worker}{suffix}").unlink(missing_ok=True)

    def abandon(self) -> None:
        """End without leaving, as if this process were dead: the others see to what it had."""
        _seats.discard(self)
        self._close()

    def leave(self) -> None:
        """Leave; the last one takes the directory along."""
        _seats.discard(self)
        with suppress(OSError):
            self.remove(self.worker)
            held = self._fds[0]
            # Whoever lets go, and then tries, as the last of all, is alone.
            unlock(held)
            if lock(held) and _is_at(held, self.directory):
                clear(self.directory)
                self.directory.rmdir()
        self._close()

    def _close(self) -> None:
        self.forget()
        self.wakes.close()

    def forget(self) -> None:
        """Hold nothing any more. In a process that was forked it is the parent's."""
        while self._fds:
            os.close(self._fds.pop())


_seats: Final[WeakSet[Seat]] = WeakSet()


def forget_all() -> None:
    """Hold nothing of what the parent holds, in a child that was forked.

    It would stay locked when the parent has ended.
    """
    for seat in [*_seats]:
        seat.forget()


@cache
def _see_to_children() -> None:
    os.register_at_fork(after_in_child=forget_all)


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def owned(directory: Path) -> int:
    """Open a directory that is ours alone.

    Raises:
        BackplaneError: It is not.
        FileNotFoundError: There is none.
    """
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise BackplaneError(f"{directory} is no directory") from None
    status = os.fstat(fd)
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        os.close(fd)
        raise BackplaneError(
            f"{directory} belongs to user {status.st_uid}, with the mode "
            f"{stat.S_IMODE(status.st_mode):o}: it must be ours, and for nobody else (700)"
        )
    return fd


def clear(directory: Path) -> None:
    """Remove what workers have in a directory, and nothing else that may be there."""
    local_database.remove(directory / _STORE)
    for pattern in (f"*{_ALIVE}", f"*{_WAKES}", "*.new", _MAKING):
        for path in directory.glob(pattern):
            path.unlink(missing_ok=True)


def lock(fd: int, *, shared: bool = False) -> bool:
    """Try to lock something; return whether it is."""
    import fcntl

    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(fd: int) -> None:
    """Lock it no more."""
    import fcntl

    fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Do what only one worker may do at a time."""
    deadline = time.monotonic() + _PATIENCE
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not lock(fd):
            if time.monotonic() > deadline:
                raise BackplaneError(f"{path} is held by a worker that does not go on")
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(fd)


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except OSError as exc:
        raise Broken(str(exc)) from exc


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except OSError:
        return False
