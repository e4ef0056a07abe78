"""Where the processes of one server meet, and which of them are alive."""

import contextlib
import multiprocessing
import os
import secrets
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Final, final

from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["Place", "default_directory", "remove_abandoned"]

_PREFIX: Final = "wsendpoints"
_DOOR: Final = "door"
_LOCK: Final = ".lock"


def default_directory() -> Path:
    """Return where the workers of this process's server meet: each other server has another place.

    The workers have one parent, which starts them: by `multiprocessing`, as uvicorn, granian and
    hypercorn do, or as forks of it, as gunicorn does. It is told from a later process of the same
    number by the time at which it was started.
    """
    pid = _family()
    return _base() / f"{_PREFIX}-{os.getuid()}-{pid}-{_started(pid)}"


def _family() -> int:
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        return parent.pid
    pid = os.getppid()
    command = _command(pid)
    # With setproctitle gunicorn's master has a title of its own.
    is_ours = command == _command(os.getpid()) or command.startswith(b"gunicorn: master")
    return pid if command and is_ours else os.getpid()


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        # It has ended, or there is no such file system.
        return b""


def _started(pid: int) -> str:
    try:
        # The name of the program, in parentheses, may have any characters.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "0"


def _base() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_private(Path(runtime)):
        return Path(runtime)
    return Path(tempfile.gettempdir())


def _is_private(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    )


@final
class Place:
    """One process's part of a directory, from when it is made until `leave`.

    The process holds a lock on a file of its own there, which the system gives back as the process
    ends, however it does. So whoever gets that lock knows that it is dead. A fork of the process
    holds it too.

    Args:
        path: The directory. It is made if it is not there.

    Attributes:
        path: The directory.
        node: What tells the process from the others there.

    Raises:
        BackplaneError: It belongs to somebody else, or is open to others.
        OSError: It can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self.node: str = secrets.token_hex(8)
        with _entrance(path):
            # Under another name first: without its lock it would be taken for a dead one's.
            new = path / f"new-{self.node}"
            self._lock: int | None = _locked(new)
            new.rename(self._lock_of(self.node))

    @property
    def store(self) -> Path:
        """The file with what all of them know."""
        return self.path / "groups.sqlite"

    @property
    def is_there(self) -> bool:
        """Whether the directory is the same still, with all that is in it."""
        try:
            lock = self._lock_of(self.node).stat()
        except OSError:
            return False
        return (
            self._lock is not None
            and lock.st_ino == os.fstat(self._lock).st_ino
            and self.store.exists()
            and self.socket_of(self.node).exists()
        )

    def socket_of(self, node: str) -> Path:
        """Return where a process is woken."""
        return self.path / f"{node}.sock"

    def _lock_of(self, node: str) -> Path:
        return self.path / f"{node}{_LOCK}"

    def others(self) -> list[str]:
        """Return the other processes that are there, alive or dead."""
        names = [it.name for it in self.path.glob(f"*{_LOCK}")]
        return [name.removesuffix(_LOCK) for name in names if name != f"{self.node}{_LOCK}"]

    def dead(self) -> list[str]:
        """Return those of the others that have ended."""
        return [node for node in self.others() if _is_free(self._lock_of(node))]

    def forget(self, node: str) -> None:
        """Remove the files of one that has ended."""
        for path in (self.socket_of(node), self._lock_of(node)):
            path.unlink(missing_ok=True)

    def leave(self) -> None:
        """End it; the last one removes the directory."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        try:
            with _entrance(self.path):
                self.forget(self.node)
                if not [node for node in self.others() if not _is_free(self._lock_of(node))]:
                    _remove(self.path)
        finally:
            os.close(lock)


def remove_abandoned(but: Path) -> None:
    """Remove the default directories of servers whose processes have all ended.

    Args:
        but: One that is to stay.
    """
    for path in _base().glob(f"{_PREFIX}-{os.getuid()}-*"):
        if path != but and _is_private(path):
            with contextlib.suppress(OSError), _entrance(path):
                if all(map(_is_free, path.glob(f"*{_LOCK}"))):
                    _remove(path)


def _remove(path: Path) -> None:
    """Remove what is ours in a directory, and the directory if nothing else is in it."""
    for pattern in ("*.lock", "*.sock", "new-*", "groups.sqlite*", _DOOR):
        for it in path.glob(pattern):
            it.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.rmdir()


@contextlib.contextmanager
def _entrance(path: Path) -> Generator[None]:
    """Hold the door of a directory: nobody else enters or leaves meanwhile.

    Raises:
        BackplaneError: It belongs to somebody else, or is open to others.
    """
    while True:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(path):
            raise BackplaneError(
                f"{path} is not this user's alone: give a directory that belongs to it, with the "
                "mode 0700"
            )
        try:
            door = _locked(path / _DOOR, waits=True)
        except FileNotFoundError:
            # The last one has just left, and has removed it.
            continue
        try:
            if os.fstat(door).st_nlink:
                yield
                return
        finally:
            os.close(door)


def _locked(path: Path, flags: int = os.O_RDWR | os.O_CREAT, *, waits: bool = False) -> int:
    """Open a file, and lock it.

    Raises:
        BlockingIOError: Another one has locked it, and it does not wait.
        FileNotFoundError: It is not there, and is not to be made.
    """
    # Not everywhere: `LocalBackplane` says so.
    import fcntl

    file = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file


def _is_free(path: Path) -> bool:
    """Whether nobody holds the lock of a file."""
    try:
        os.close(_locked(path, os.O_RDWR))
    except BlockingIOError:
        return False
    except FileNotFoundError:
        # It has just left.
        return True
    return True
