"""Who is in which group is counted in the store, once on all workers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from wsendpoints import GroupFullError
from wsendpoints.backplanes.local_store import Store
from wsendpoints.backplanes.local_users import Entry, bury, depart, enter, users
from wsendpoints.groups import History


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store that is new, in a transaction."""
    with closing(Store(tmp_path / "groups.db")) as store, store.writing():
        yield store


def entry(
    connection: str,
    user: str,
    *,
    name: str = "a",
    most: int | None = None,
    history: History | None = None,
    is_silent: bool = False,
) -> Entry:
    """Return a connection, whose user is told of unless it is silent."""
    joined, left = (b"", b"") if is_silent else (f"+{user}".encode(), f"-{user}".encode())
    return Entry(name, connection, user, joined, left, most, history)


def said(store: Store) -> list[bytes]:
    """Return what was published."""
    return [data for _, _, data in store.after(0, ()).rows]


def test_user_is_one_however_many_connections_it_has(store: Store) -> None:
    """It joins with the first, and leaves with the last, whatever the workers."""
    assert enter(store, "one", entry("1", "ada"))
    assert not enter(store, "one", entry("2", "ada"))
    assert not enter(store, "two", entry("1", "ada"))
    assert enter(store, "two", entry("2", "bob"))
    assert users(store, "a") == ["ada", "bob"]
    for worker, connection in (("one", "1"), ("two", "1"), ("two", "1"), ("two", "unknown")):
        depart(store, worker, "a", connection)
    assert said(store) == [b"+ada", b"+bob"]
    depart(store, "one", "a", "2")
    assert said(store) == [b"+ada", b"+bob", b"-ada"]
    assert users(store, "a") == ["bob"]


def test_users_are_in_the_order_in_which_they_came(store: Store) -> None:
    """Also who came back."""
    for count, user in enumerate("cab"):
        enter(store, "one", entry(str(count), user))
    depart(store, "one", "a", "0")
    enter(store, "one", entry("3", "c"))
    assert users(store, "a") == ["a", "b", "c"]
    assert users(store, "unknown") == []


def test_connection_that_enters_twice_is_one(store: Store) -> None:
    """It departs once."""
    assert enter(store, "one", entry("1", "ada"))
    assert not enter(store, "one", entry("1", "ada"))
    depart(store, "one", "a", "1")
    assert users(store, "a") == []


def test_group_that_is_full_takes_no_other_user(store: Store) -> None:
    """Another connection of one that is in it is welcome."""
    assert enter(store, "one", entry("1", "ada", most=1))
    assert not enter(store, "two", entry("1", "ada", most=1))
    with pytest.raises(GroupFullError, match="a: 1 users are in it already"):
        enter(store, "two", entry("2", "bob", most=1))
    assert enter(store, "two", entry("2", "bob", name="b", most=1))
    assert users(store, "a") == ["ada"]
    assert said(store) == [b"+ada", b"+bob"]


def test_user_that_is_known_is_told_nobody(store: Store) -> None:
    """And it has its place."""
    enter(store, "one", entry("1", "ada", most=1))
    assert enter(store, "one", entry("2", "bob", most=1), is_known=True)
    assert said(store) == [b"+ada"]
    assert users(store, "a") == ["ada", "bob"]
    depart(store, "one", "a", "2")
    assert said(store) == [b"+ada", b"-bob"]


def test_users_of_a_group_that_tells_nothing(store: Store) -> None:
    """They are counted all the same."""
    enter(store, "one", entry("1", "ada", is_silent=True))
    assert users(store, "a") == ["ada"]
    depart(store, "one", "a", "1")
    assert users(store, "a") == []
    assert said(store) == []


def test_what_is_told_is_in_the_history(store: Store) -> None:
    """Also if another worker tells it."""
    enter(store, "one", entry("1", "ada", history=History(messages=5)))
    bury(store, "one")
    assert [data for _, data in store.read("a", None)] == [b"+ada", b"-ada"]


def test_worker_is_buried_with_its_users(store: Store) -> None:
    """Each is told once, in the order in which they came; those of others stay."""
    for worker, connection, user in (
        *(("one", "1", "cyd"), ("one", "2", "bob"), ("two", "1", "bob")),
        *(("one", "3", "ada"), ("one", "4", "ada")),
    ):
        enter(store, worker, entry(connection, user))
    bury(store, "one")
    bury(store, "one")
    assert said(store) == [b"+cyd", b"+bob", b"+ada", b"-cyd", b"-ada"]
    assert users(store, "a") == ["bob"]


def test_name_that_is_no_valid_text(store: Store) -> None:
    """It comes from a client."""
    name = "\ud800 \0 '\N{SNOWMAN}"
    enter(store, "one", entry("1", name, is_silent=True))
    assert users(store, "a") == [name]
    depart(store, "one", "a", "1")
    assert users(store, "a") == []
