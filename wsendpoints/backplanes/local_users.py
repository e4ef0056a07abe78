"""Who is in which group, on all workers of one machine, in their store."""

from dataclasses import dataclass
from typing import final

from wsendpoints.backplanes.local_store import Store
from wsendpoints.backplanes.logs import History
from wsendpoints.protocol.exceptions import GroupFullError

__all__ = ["Entry", "bury", "depart", "enter", "users"]


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """A connection of a user in a group.

    Attributes:
        name: The name of the group.
        connection: What tells it from all others of its worker in this group.
        user: Whose it is.
        joined: What is published if it is the first of the user; empty for nothing.
        left: What is published when the last of the user's leaves; empty for nothing.
        most: How many users may be in the group.
        history: How much of the group is kept, if it has a history.
    """

    name: str
    connection: str
    user: str
    joined: bytes
    left: bytes
    most: int | None
    history: History | None


def enter(store: Store, worker: str, entry: Entry, *, is_known: bool = False) -> bool:
    """Count a connection, and publish that its user joined, if it is the first.

    Args:
        store: Where.
        worker: Whose connection it is.
        entry: The connection.
        is_known: Whether it was counted before, in another store: then nobody is told, and there
            is room.

    Returns:
        Whether it is the first of its user.

    Raises:
        GroupFullError: The user would be one too many; nothing was changed.
    """
    name, user = entry.name, _encoded(entry.user)
    found = _id_of(store, name, user)
    if found is None:
        if entry.most is not None and not is_known and _number(store, name) >= entry.most:
            raise GroupFullError(f"{name}: {entry.most} users are in it already")
        history = entry.history
        kept = (None, None) if history is None else (history.messages, history.seconds)
        store.execute(
            "INSERT INTO users (name, user, farewell, messages, seconds) VALUES (?, ?, ?, ?, ?)",
            (name, user, entry.left, *kept),
        )
        if entry.joined and not is_known:
            store.publish(name, entry.joined, history)
    store.execute(
        "INSERT OR REPLACE INTO connections (name, worker, connection, user) VALUES (?, ?, ?, ?)",
        (name, worker, entry.connection, _id_of(store, name, user)),
    )
    return found is None


def depart(store: Store, worker: str, name: str, connection: str) -> None:
    """Count a connection no more, and publish that its user left, if it was the last."""
    key = (worker, name, connection)
    where = "WHERE worker = ? AND name = ? AND connection = ?"
    row = store.execute(f"SELECT user FROM connections {where}", key).fetchone()  # noqa: S608 - ours
    if row is None:
        return
    store.execute(f"DELETE FROM connections {where}", key)  # noqa: S608 - as above
    if (
        store.execute("SELECT 1 FROM connections WHERE user = ? LIMIT 1", row).fetchone()
        is not None
    ):
        return
    left, messages, seconds = store.execute(
        "SELECT farewell, messages, seconds FROM users WHERE id = ?", row
    ).fetchone()
    store.execute("DELETE FROM users WHERE id = ?", row)
    if left:
        store.publish(name, left, None if messages is None else History(messages, seconds))


def bury(store: Store, worker: str) -> None:
    """Count none of a worker's connections any more."""
    for name, connection in store.execute(
        "SELECT name, connection FROM connections WHERE worker = ? ORDER BY user", (worker,)
    ).fetchall():
        depart(store, worker, name, connection)


def users(store: Store, name: str) -> list[str]:
    """Return the users in a group, in the order in which they came."""
    found = store.execute("SELECT user FROM users WHERE name = ? ORDER BY id", (name,)).fetchall()
    return [_decoded(user) for (user,) in found]


def _id_of(store: Store, name: str, user: bytes) -> int | None:
    row = store.execute("SELECT id FROM users WHERE name = ? AND user = ?", (name, user)).fetchone()
    return None if row is None else row[0]


def _number(store: Store, name: str) -> int:
    (number,) = store.execute("SELECT count(*) FROM users WHERE name = ?", (name,)).fetchone()
    return int(number)


# A name that comes from a client may hold half of a surrogate pair, which SQLite takes for no text.


def _encoded(user: str) -> bytes:
    return user.encode("utf-8", "surrogatepass")


def _decoded(user: bytes) -> str:
    return user.decode("utf-8", "surrogatepass")
