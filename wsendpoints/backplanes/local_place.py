"""Where the workers of one server meet: a directory that is named by the process that started them.

Workers are started by `multiprocessing`, as those of uvicorn, granian and hypercorn, or forked, as
those of gunicorn. A process that is neither is a server of its own.
"""

import multiprocessing
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from wsendpoints.backplanes.local_seat import clear, lock, owned
from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["place", "remove_stale", "server"]

_PROC: Final = Path("/proc")

_FORKED_WITHOUT_EXEC: Final = 0x40
"""Linux's `PF_FORKNOEXEC`, in the field `flags`."""

_NAME: Final = re.compile(r"wsendpoints-(\d+)-(\d{1,9})-(\d+)", re.ASCII)


def place() -> Path:
    """Return the directory of this process's server."""
    pid = server()
    return _base() / f"wsendpoints-{os.geteuid()}-{pid}-{_started(pid) or 0}"


def server() -> int:
    """Return the process that started this server's workers; this one, if it is the only one."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        return parent.pid
    return os.getppid() if _is_forked_by(os.getppid()) else os.getpid()


def _is_forked_by(parent: int) -> bool:
    """Whether this process runs what its parent runs, and was not started by a command."""
    flags = _stat(os.getpid(), 9)
    if flags is None or not flags & _FORKED_WITHOUT_EXEC:
        return False
    # One whose parent has ended got another one, as a daemon has.
    return any(
        mine is not None and mine == theirs
        for mine, theirs in (
            (_command(os.getpid()), _command(parent)),
            # A process may change how it is shown.
            (_program(os.getpid()), _program(parent)),
        )
    )


def remove_stale() -> None:
    """Remove the directories of servers of this user that are gone."""
    for directory in _directories(_base()):
        with suppress(OSError, BackplaneError):
            held = owned(directory)
            try:
                # A worker may have outlived its server.
                if lock(held):
                    clear(directory)
                    directory.rmdir()
            finally:
                os.close(held)


def _directories(base: Path) -> Iterator[Path]:
    for path in base.glob("wsendpoints-*"):
        found = _NAME.fullmatch(path.name)
        if found is not None:
            user, pid, started = map(int, found.groups())
            if user == os.geteuid() and not _is_alive(pid, started):
                yield path


def _is_alive(pid: int, started: int) -> bool:
    """Whether a process is there, and is the one that was started then."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's, which may serve with this one's rights.
        pass
    return (_started(pid) or started) == started


def _base() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        with suppress(OSError, BackplaneError):
            os.close(owned(Path(runtime)))
            return Path(runtime)
    return Path(tempfile.gettempdir())


def _started(pid: int) -> int | None:
    """Return when a process was started, in whatever unit: process ids are used again."""
    return _stat(pid, 22)


def _stat(pid: int, field: int) -> int | None:
    """Return a field of a process's state, as proc(5) counts them; `None` where nobody knows."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second one is its name, in parentheses, and may hold any of them.
    return int(text.rpartition(")")[2].split()[field - 3])


def _command(pid: int) -> bytes | None:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None


def _program(pid: int) -> str | None:
    try:
        return os.readlink(_PROC / str(pid) / "exe")
    except OSError:
        return None
