"""The log that the workers of one machine share: numbers, messages and histories, in SQLite."""

import sqlite3
import time
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

from wsendpoints.backplanes import local_database
from wsendpoints.backplanes.local_database import Broken, identity, is_busy, opened, translated
from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import PositionLost

__all__ = ["ROWS", "Found", "Store"]

ROWS: Final = 500
"""So many messages are read at a time."""

_KEPT: Final = 60.0
"""Seconds for which a message is there to be read by a worker that was stopped."""

_KEPT_BYTES: Final = 32 * 1024 * 1024
"""Of all the messages that are."""

_OVERHEAD: Final = 100
"""Bytes that a message counts beyond its own."""

_NUMBERED: Final = 24 * 3600.0
"""Seconds after which the number of a group that nobody subscribes to is forgotten."""

_COARSE: Final = 3600.0
"""When a number is forgotten is written anew only once it is so many seconds off."""

_FIRST_PAUSE: Final = 0.0002
_LAST_PAUSE: Final = 0.004

_SWEPT: Final = 100
"""So many groups at most are forgotten at a time, so that nobody waits long for it."""


@final
@dataclass(slots=True)
class Found:
    """What came after some place in the log.

    Attributes:
        cursor: Up to where it was read.
        rows: The messages: name, number, data.
        heads: The numbers of the last messages that were asked for; `None` if there is more to be
            read before them.
        is_pruned: Whether not all of it is there any more: then nothing was read.
    """

    cursor: int
    rows: list[tuple[str, int, bytes]] = field(default_factory=list[tuple[str, int, bytes]])
    heads: dict[str, int] | None = None
    is_pruned: bool = False


@final
class Store:
    """The log, as one worker has it open. One thread at a time may use it, and each may wait.

    Args:
        path: The file. Nobody else makes or removes it meanwhile.
        now: Returns seconds since the epoch.

    Attributes:
        execute: Of the database.

    Raises:
        BackplaneError: It can't be opened.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._total = 0
        self._wrote = False
        self._db = opened(path)
        self.execute: Callable[..., sqlite3.Cursor] = self._db.execute
        self._is = identity(path)

    def close(self) -> None:
        """Use it no more."""
        self._db.close()

    def check(self) -> None:
        """Check that it is the one that other workers find.

        Raises:
            Broken: It was removed.
        """
        if identity(self._path) != self._is:
            raise Broken(f"{self._path} was removed")

    @contextmanager
    def writing(self) -> Generator[None]:
        """Do all of something, or nothing.

        Raises:
            BackplaneError: Another worker's transaction takes too long, or there is no room.
            Broken: The store can't be used any more.
        """
        with translated():
            self._begin("BEGIN IMMEDIATE")
            self._wrote = False
            try:
                yield
                self.check()
                self.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    @property
    def has_news(self) -> bool:
        """Whether the last thing that was written has messages."""
        return self._wrote

    @contextmanager
    def reading(self) -> Generator[None]:
        """See one state of it; the errors are those of `writing`."""
        with translated():
            self._begin("BEGIN")
            try:
                yield
            finally:
                self._roll_back()

    def _roll_back(self) -> None:
        # SQLite did so itself if there was no room, say.
        if self._db.in_transaction:
            self.execute("ROLLBACK")

    def _begin(self, how: str) -> None:
        """Begin a transaction. SQLite's own pauses are too long for those as short as ours."""
        deadline = time.monotonic() + local_database.BUSY
        pause = _FIRST_PAUSE
        while True:
            try:
                self.execute(how)
                # Who only reads waits for a worker that mends what one left that was killed.
                self.execute("SELECT 1 FROM groups LIMIT 1")
            except sqlite3.OperationalError as exc:
                self._roll_back()
                if not is_busy(exc) or time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    # Within `writing`.

    def publish(self, name: str, data: bytes, history: History | None) -> int:
        """Append a message, and return its number."""
        now = self._now()
        id_, number, messages = self._next(name, now)
        messages = messages if history is None else history.messages
        if messages:
            self.execute("INSERT INTO history VALUES (?, ?, ?)", (id_, number, data))
            self.execute(
                "DELETE FROM history WHERE grp = ? AND number <= ?", (id_, number - messages)
            )
        if history is not None:
            self.execute(
                "UPDATE groups SET messages = ?, expires = ?, forget = max(forget, ?) WHERE id = ?",
                (messages, now + history.seconds, now + history.seconds, id_),
            )
        if not self._wrote:
            self._wrote = True
            last = self._row("SELECT total FROM wire ORDER BY id DESC LIMIT 1")
            self._total = 0 if last is None else last[0]
        self._total += len(data) + _OVERHEAD
        self.execute(
            "INSERT INTO wire (name, number, at, total, data) VALUES (?, ?, ?, ?, ?)",
            (name, number, now, self._total, data),
        )
        return number

    def _next(self, name: str, now: float) -> tuple[int, int, int]:
        """Count a group on; return its id, its number, and how much of it is kept."""
        row = self._row(
            "SELECT id, head, messages, expires, forget FROM groups WHERE name = ?", name
        )
        if row is None:
            self._count(name, now)
            return self._next(name, now)
        id_, head, messages, expires, forget = row
        if expires is not None and expires <= now:
            self._drop(id_)
            messages = 0
        later = now + _NUMBERED
        forget = later if later - forget > _COARSE else forget
        self.execute("UPDATE groups SET head = ?, forget = ? WHERE id = ?", (head + 1, forget, id_))
        return id_, head + 1, messages

    def _count(self, name: str, now: float) -> None:
        """Begin to count a group, if it is not counted."""
        self.execute(
            "INSERT OR IGNORE INTO groups (name, head, forget) VALUES (?, ?, ?)",
            (name, int(now * 1_000_000), now + _NUMBERED),
        )

    def _drop(self, id_: int) -> None:
        self.execute("DELETE FROM history WHERE grp = ?", (id_,))
        self.execute("UPDATE groups SET messages = 0, expires = NULL WHERE id = ?", (id_,))

    def count(self, names: Iterable[str]) -> None:
        """Begin to count groups, those that are not counted."""
        now = self._now()
        for name in names:
            self._count(name, now)

    def touch(self, names: Iterable[str]) -> None:
        """Forget the numbers of groups later, since somebody subscribes to them."""
        later = self._now() + _NUMBERED
        for name in names:
            self.execute("UPDATE groups SET forget = max(forget, ?) WHERE name = ?", (later, name))

    def prune(self) -> None:
        """Remove what is kept no longer."""
        now = self._now()
        last = self._row("SELECT total FROM wire ORDER BY id DESC LIMIT 1")
        if last is not None:
            # It looks at those alone that are removed: both grow with the id.
            first = self._row(
                "SELECT id FROM wire WHERE at >= ? AND total > ? ORDER BY id LIMIT 1",
                now - _KEPT,
                last[0] - _KEPT_BYTES,
            )
            if first is None:
                self.execute("DELETE FROM wire")
            else:
                self.execute("DELETE FROM wire WHERE id < ?", first)
        for (id_,) in self.execute(
            "SELECT id FROM groups WHERE expires <= ? LIMIT ?", (now, _SWEPT)
        ).fetchall():
            self._drop(id_)
        self.execute(
            "DELETE FROM groups WHERE id IN "
            "(SELECT id FROM groups WHERE forget <= ? AND expires IS NULL LIMIT ?)",
            (now, _SWEPT),
        )

    # Within `reading`, or `writing`.

    def end(self) -> int:
        """Return where the log ends."""
        row = self._row("SELECT seq FROM sqlite_sequence WHERE name = 'wire'")
        return 0 if row is None else int(row[0])

    def after(self, cursor: int, names: Collection[str]) -> Found:
        """Return what came after a place in the log, and the heads of some groups at its end."""
        rows = self.execute(
            "SELECT id, name, number, data FROM wire WHERE id > ? ORDER BY id LIMIT ?",
            (cursor, ROWS),
        ).fetchall()
        if (rows[0][0] if rows else self.end() + 1) != cursor + 1:
            return Found(cursor, is_pruned=True)
        found = Found(cursor + len(rows), [row[1:] for row in rows])
        if len(rows) < ROWS:
            found.heads = self.heads(names)
        return found

    def heads(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of the last messages of those groups that are counted."""
        heads: dict[str, int] = {}
        for name in names:
            row = self._row("SELECT head FROM groups WHERE name = ?", name)
            if row is not None:
                heads[name] = row[0]
        return heads

    def beginning(self, names: Iterable[str]) -> Found:
        """Return where the log begins, and the heads that some groups had there."""
        heads = self.heads(names)
        firsts = self.execute(
            "SELECT name, min(number), min(id) FROM wire GROUP BY name"
        ).fetchall()
        heads.update((name, number - 1) for name, number, _ in firsts if name in heads)
        return Found(min((id_ for *_, id_ in firsts), default=self.end() + 1) - 1, heads=heads)

    def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        """Return what is kept of a group after a number.

        Raises:
            PositionLost: Not all of it is kept, or no message has that number.
        """
        row = self._row("SELECT id, head, expires FROM groups WHERE name = ?", name)
        id_, head, expires = row or (0, 0, None)
        if after is not None and not (row and 0 <= after <= head):
            raise _lost(name, after)
        entries: list[tuple[int, bytes]] = []
        if expires is not None and expires > self._now():
            entries = self.execute(
                "SELECT number, data FROM history WHERE grp = ? AND number > ? ORDER BY number",
                (id_, after or 0),
            ).fetchall()
        # They are different numbers up to the head: if there are enough, none is missing.
        if after is not None and len(entries) != head - after:
            raise _lost(name, after)
        return entries

    def _row(self, sql: str, *values: Any) -> Any:
        return self.execute(sql, values).fetchone()


def _lost(name: str, after: int) -> PositionLost:
    return PositionLost(f"{name}: what came after {after} is not kept")
