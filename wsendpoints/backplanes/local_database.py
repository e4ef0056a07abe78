"""The file that the workers of one machine share: how it is opened, and what its errors mean."""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wsendpoints.protocol.exceptions import BackplaneError

__all__ = ["BUSY", "Broken", "identity", "is_busy", "opened", "remove", "translated"]

BUSY: Final = 0.8
"""Seconds that another worker's transaction is waited for."""

_JOURNAL: Final = 32 * 1024 * 1024
"""Bytes that the file beside it may keep."""

_SCHEMA: Final = """
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    head INTEGER NOT NULL,
    forget REAL NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    expires REAL
);
CREATE INDEX groups_forget ON groups (forget);
CREATE INDEX groups_expires ON groups (expires) WHERE expires IS NOT NULL;
CREATE TABLE wire (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    total INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE history (
    grp INTEGER NOT NULL,
    number INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (grp, number)
) WITHOUT ROWID;
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    user BLOB NOT NULL,
    farewell BLOB NOT NULL,
    messages INTEGER,
    seconds REAL,
    UNIQUE (name, user)
);
CREATE TABLE connections (
    name TEXT NOT NULL,
    worker TEXT NOT NULL,
    connection TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (worker, name, connection)
) WITHOUT ROWID;
CREATE INDEX connections_user ON connections (user);
PRAGMA user_version = 1;
"""
# `wire` is what workers read, all in one order; its ids follow each other without a hole, since
# SQLite takes those of a transaction back that fails. `history` is what is kept.


class Broken(BackplaneError):
    """The store is not there any more, or can't be used: all begin anew."""


def opened(path: Path) -> sqlite3.Connection:
    """Open it, and make it if it isn't there. Nobody else makes or removes it meanwhile.

    Raises:
        BackplaneError: It can't be opened.
    """
    with translated():
        try:
            return _connected(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            # What a machine left that lost its power: nothing was promised of it.
            remove(path)
            return _connected(path)


def remove(path: Path) -> None:
    """Remove a store, and the files that SQLite has beside it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _connected(path: Path) -> sqlite3.Connection:
    if not path.exists():
        # SQLite would take what is beside it for a part of the new one.
        remove(path)
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # It outlives a worker, and not the machine.
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA journal_size_limit = {_JOURNAL}")
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        # From here on `Store` waits itself.
        db.execute("PRAGMA busy_timeout = 0")
    except BaseException:
        db.close()
        raise
    return db


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place later; `None` if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_busy(exc: sqlite3.Error) -> bool:
    """Whether another worker has it."""
    return exc.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def translated() -> Generator[None]:
    """Raise the errors of SQLite as those of a backplane."""
    try:
        yield
    except sqlite3.Error as exc:
        code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BackplaneError(f"another worker held the store for {BUSY:g} s") from exc
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_TOOBIG):
            raise BackplaneError(f"the store has no room: {exc}") from exc
        raise Broken(f"the store can't be used: {exc}") from exc
