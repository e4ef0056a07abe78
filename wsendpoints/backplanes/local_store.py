"""The groups of one machine's processes, in a file that all of them have open (SQLite)."""

import sqlite3
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any, Final, NamedTuple, final

from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import GroupFullError, PositionLost

__all__ = ["Come", "Store"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS groups (
    name TEXT PRIMARY KEY, head INTEGER NOT NULL, kept INTEGER NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, number INTEGER NOT NULL,
    data BLOB NOT NULL, at REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_number ON messages (name, number);
CREATE TABLE IF NOT EXISTS users (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, node TEXT NOT NULL,
    connection TEXT NOT NULL, user TEXT NOT NULL, left BLOB NOT NULL, kept INTEGER, seconds REAL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_connection ON users (name, node, connection);
CREATE INDEX IF NOT EXISTS by_user ON users (name, user);
CREATE TABLE IF NOT EXISTS removed (up_to INTEGER NOT NULL);
INSERT INTO removed SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM removed);
"""

_ON_THEIR_WAY: Final = 60.0
"""Seconds that a message without a history is there for processes that are stopped."""

_MOST: Final = 100_000
"""How many messages are there at most, besides the histories."""

_NUMBERED: Final = 24 * 3600.0
"""Seconds after which the number of a group that is silent is forgotten."""

_CHUNK: Final = 500
"""How many messages are handed on at once."""

_BUSY: Final = 0.9
"""Seconds that another process's transaction is waited for."""


class Come(NamedTuple):
    """What has come since the last time.

    Attributes:
        messages: The name, the number, and the data of each.
        heads: The number of the last message of each group that was asked for, once all has come.
        is_lossy: Whether some of what was published since then is not there any more.
        is_all: Whether there is no more.
    """

    messages: Sequence[tuple[str, int, bytes]]
    heads: Mapping[str, int]
    is_lossy: bool
    is_all: bool


@final
class Store:
    """One process's connection to the file. It waits for the disk: not for an event loop.

    Args:
        path: The file, which is made if it is not there.
        clock: Returns seconds since the epoch.

    Raises:
        sqlite3.Error: It can't be opened; as all methods do if it can't be written, or read.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        # One thread at a time uses it, but not always the same.
        self._db = sqlite3.connect(
            path, timeout=_BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            # What a crash of the machine leaves of it is of no use to anybody.
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT")
            (self._seen,) = self._one(
                "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0)"
            )
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do something that no other process comes between; all of it, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Within a transaction.

    def publish(self, name: str, data: bytes, history: History | None) -> int:
        """Add a message, and return its number."""
        kept, seconds = _kept(history)
        number = self._head(name) + 1
        now = self._clock()
        self._db.execute(
            "UPDATE groups SET head = ?, kept = ?, until = ? WHERE name = ?",
            (number, kept, now + seconds, name),
        )
        self._db.execute(
            "INSERT INTO messages (name, number, data, at) VALUES (?, ?, ?, ?)",
            (name, number, data, now),
        )
        return number

    def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        """Return what was said in a group after a message.

        Raises:
            PositionLost: Not all of it is kept, or no message has that number.
        """
        row = self._one("SELECT head, kept, until FROM groups WHERE name = ?", name)
        head, kept, until = row or (0, 0, 0.0)
        first = head - kept if until > self._clock() else head
        if after is not None and (row is None or not first <= after <= head):
            raise PositionLost(f"{name}: what came after {after} is not kept")
        query = "SELECT number, data FROM messages WHERE name = ? AND number > ? ORDER BY number"
        least = first if after is None else after
        entries: list[tuple[int, bytes]] = self._db.execute(query, (name, least)).fetchall()
        if after is not None and len(entries) != head - after:
            raise PositionLost(f"{name}: what came after {after} is not kept")
        return entries

    def enter(
        self,
        node: str,
        name: str,
        connection: str,
        user: str,
        *,
        joined: bytes,
        left: bytes,
        most: int | None,
        history: History | None,
    ) -> bool:
        """Count a connection of a user; see `Backplane.enter`.

        Raises:
            GroupFullError: The user would be one too many; nothing is changed.
        """
        query = "SELECT 1 FROM users WHERE name = ? AND user = ? LIMIT 1"
        is_new = self._one(query, name, user) is None
        if is_new and most is not None and len(self.users(name)) >= most:
            raise GroupFullError(f"{name}: {most} users are in it already")
        kept, seconds = (None, None) if history is None else _kept(history)
        self._db.execute(
            "INSERT OR REPLACE INTO users (name, node, connection, user, left, kept, seconds) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, node, connection, user, left, kept, seconds),
        )
        if is_new and joined:
            self.publish(name, joined, history)
        return is_new

    def depart(self, node: str, name: str, connection: str) -> None:
        """Count it no more; see `Backplane.depart`."""
        row = self._one(
            "SELECT arrival, user, left, kept, seconds FROM users "
            "WHERE name = ? AND node = ? AND connection = ?",
            *(name, node, connection),
        )
        if row is None:
            return
        arrival, user, left, kept, seconds = row
        self._db.execute("DELETE FROM users WHERE arrival = ?", (arrival,))
        query = "SELECT 1 FROM users WHERE name = ? AND user = ? LIMIT 1"
        if left and self._one(query, name, user) is None:
            history = None if kept is None else History(messages=kept, seconds=seconds)
            self.publish(name, left, history)

    def bury(self, node: str) -> None:
        """Count none of a process's connections any more."""
        query = "SELECT name, connection FROM users WHERE node = ? ORDER BY arrival"
        for name, connection in self._db.execute(query, (node,)).fetchall():
            self.depart(node, name, connection)

    def users(self, name: str) -> list[str]:
        """Return the users in a group, in the order in which they came."""
        query = "SELECT user FROM users WHERE name = ? GROUP BY user ORDER BY min(arrival)"
        return [user for (user,) in self._db.execute(query, (name,))]

    def come(self, fenced: Collection[str]) -> Come:
        """Return what has come since the last time, and where some groups are."""
        (removed,) = self._one("SELECT up_to FROM removed")
        is_lossy = removed > self._seen
        rows = self._db.execute(
            "SELECT id, name, number, data FROM messages WHERE id > ? ORDER BY id LIMIT ?",
            (self._seen, _CHUNK),
        ).fetchall()
        if rows:
            self._seen = rows[-1][0]
        is_all = len(rows) < _CHUNK
        if is_lossy and is_all:
            self._seen = max(self._seen, removed)
        heads = {name: self._head(name) for name in fenced} if is_all else {}
        return Come([row[1:] for row in rows], heads, is_lossy, is_all)

    def sweep(self) -> None:
        """Remove what nobody needs any more."""
        now = self._clock()
        (last,) = self._one("SELECT coalesce(max(id), 0) FROM messages")
        (up_to,) = self._one(
            "SELECT coalesce(max(id), 0) FROM messages WHERE at < ? OR id <= ?",
            *(now - _ON_THEIR_WAY, last - _MOST),
        )
        self._db.execute(
            "DELETE FROM messages WHERE id <= ? AND number <= coalesce("
            "(SELECT head - (CASE WHEN until > ? THEN kept ELSE 0 END) FROM groups "
            "WHERE groups.name = messages.name)"
            ", number)",
            (up_to, now),
        )
        self._db.execute("UPDATE removed SET up_to = max(up_to, ?)", (up_to,))
        self._db.execute(
            "DELETE FROM groups WHERE until < ? AND NOT EXISTS "
            "(SELECT 1 FROM messages WHERE messages.name = groups.name)",
            (now - _NUMBERED,),
        )

    def _head(self, name: str) -> int:
        row = self._one("SELECT head FROM groups WHERE name = ?", name)
        if row is not None:
            return int(row[0])
        # Above all numbers that it had before it was forgotten.
        head = int(self._clock() * 1_000_000)
        self._db.execute("INSERT INTO groups VALUES (?, ?, 0, ?)", (name, head, self._clock()))
        return head

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()


def _kept(history: History | None) -> tuple[int, float]:
    return (0, 0.0) if history is None else (history.messages, float(history.seconds))
