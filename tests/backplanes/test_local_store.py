"""The store gives numbers, keeps messages and histories, and tells what it keeps no longer."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from wsendpoints import BackplaneError, PositionLost
from wsendpoints.backplanes import local_database, local_store
from wsendpoints.backplanes.local_database import Broken, remove
from wsendpoints.backplanes.local_store import ROWS, Found, Store
from wsendpoints.groups import History

FIVE = History(messages=5, seconds=10)

DAY = 24 * 3600.0


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the clock of `store`."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where `store` is."""
    return tmp_path / "groups.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    """Return a store that is new."""
    with closing(Store(path, clock)) as store:
        yield store


def publish(store: Store, name: str, *texts: bytes, history: History | None = None) -> list[int]:
    """Publish messages, and return their numbers."""
    with store.writing():
        return [store.publish(name, text, history) for text in texts]


def after(store: Store, cursor: int, *names: str) -> Found:
    """Return what came after a place in the log."""
    with store.reading():
        return store.after(cursor, names)


def read(store: Store, name: str, number: int | None) -> list[tuple[int, bytes]]:
    """Return what is kept of a group."""
    with store.reading():
        return store.read(name, number)


def end(store: Store) -> int:
    """Return where the log ends."""
    with store.reading():
        return store.end()


def heads(store: Store, *names: str) -> dict[str, int]:
    """Return the heads of some groups."""
    with store.reading():
        return store.heads(names)


def test_numbers_begin_at_the_clock_and_have_no_hole(store: Store) -> None:
    """In microseconds, for each group."""
    first = 1_000_000_000
    assert publish(store, "a", b"1", b"2") == [first + 1, first + 2]
    assert publish(store, "b", b"1") == [first + 1]
    assert publish(store, "a", b"3") == [first + 3]
    assert heads(store, "a", "b", "unknown") == {"a": first + 3, "b": first + 1}


def test_group_is_counted_once(store: Store) -> None:
    """Whoever subscribes first begins."""
    with store.writing():
        store.count(["a", "b"])
        store.count(["a"])
    assert heads(store, "a", "b") == {"a": 1_000_000_000, "b": 1_000_000_000}
    assert publish(store, "a", b"1") == [1_000_000_001]


def test_log_is_read_in_one_order(store: Store) -> None:
    """That in which it was written, across groups, with the heads at its end."""
    assert end(store) == 0
    assert after(store, 0) == Found(0, heads={})
    (one,) = publish(store, "a", b"1")
    (two,) = publish(store, "b", b"\0\xff")
    (three,) = publish(store, "a", b"")
    rows = [("a", one, b"1"), ("b", two, b"\0\xff"), ("a", three, b"")]
    assert after(store, 0, "a", "c") == Found(3, rows, {"a": three})
    assert after(store, 2) == Found(3, rows[2:], {})
    assert after(store, 3, "b") == Found(3, [], {"b": two})
    assert end(store) == 3


def test_long_log_is_read_in_parts(store: Store) -> None:
    """The heads come with the last of them."""
    publish(store, "a", *[b"x"] * (ROWS + 1))
    first = after(store, 0, "a")
    assert (len(first.rows), first.heads, first.cursor) == (ROWS, None, ROWS)
    assert after(store, ROWS, "a").heads is not None


def test_transaction_that_fails_leaves_nothing(store: Store) -> None:
    """No number of it is missing."""
    (number,) = publish(store, "a", b"1")
    with pytest.raises(ZeroDivisionError), store.writing():
        store.publish("a", b"2", FIVE)
        store.execute("CREATE TABLE something (id)")
        raise ZeroDivisionError
    assert publish(store, "a", b"3") == [number + 1]
    assert after(store, 1).rows == [("a", number + 1, b"3")]


def test_history_keeps_the_last_ones(store: Store) -> None:
    """All that came after one of them is read, or nothing."""
    numbers = publish(store, "a", *[b"%d" % count for count in range(8)], history=FIVE)
    entries = [(number, b"%d" % count) for count, number in enumerate(numbers)]
    assert read(store, "a", None) == entries[3:]
    for count in range(2, 8):
        assert read(store, "a", numbers[count]) == entries[count + 1 :]
    for number in (numbers[1], 0, -1, numbers[7] + 1, 10**19):
        with pytest.raises(PositionLost, match=f"a: what came after {number} is not kept"):
            read(store, "a", number)


def test_group_of_which_nothing_is_kept(store: Store) -> None:
    """It is empty, and only its head is a position."""
    assert read(store, "a", None) == []
    with pytest.raises(PositionLost):
        read(store, "a", 0)
    (number,) = publish(store, "b", b"1")
    assert read(store, "b", None) == read(store, "b", number) == []
    with pytest.raises(PositionLost):
        read(store, "b", number - 1)


def test_what_is_said_without_a_history_is_kept_with_the_rest(store: Store) -> None:
    """As one process may not know of the history that others gave the group."""
    (first,) = publish(store, "a", b"1", history=FIVE)
    publish(store, "a", b"2")
    assert read(store, "a", first) == [(first + 1, b"2")]


def test_history_is_over_after_the_last_message(store: Store, clock: Clock) -> None:
    """Its number is known for longer."""
    (first,) = publish(store, "a", b"1", history=FIVE)
    clock.now += 9
    (second,) = publish(store, "a", b"2", history=FIVE)
    clock.now += 9
    assert len(read(store, "a", None)) == 2
    clock.now += 1
    assert read(store, "a", None) == read(store, "a", second) == []
    with pytest.raises(PositionLost):
        read(store, "a", first)
    (third,) = publish(store, "a", b"3")
    assert third == second + 1
    assert read(store, "a", None) == []
    publish(store, "a", b"4", history=FIVE)
    assert read(store, "a", third) == [(third + 1, b"4")]


def test_prune_removes_what_is_over(store: Store, clock: Clock) -> None:
    """Histories that are over, and the numbers of groups that nobody used for a day."""
    publish(store, "a", b"1", history=FIVE)
    publish(store, "b", b"1")
    with store.writing():
        clock.now += 11
        store.prune()
    assert store.execute("SELECT count(*) FROM history").fetchone() == (0,)
    assert heads(store, "a", "b").keys() == {"a", "b"}
    clock.now += DAY - 1
    with store.writing():
        store.touch(["b", "unknown"])
        store.prune()
    assert heads(store, "a", "b").keys() == {"b"}
    clock.now += DAY + 1
    publish(store, "b", b"2")
    with store.writing():
        store.prune()
    assert heads(store, "b").keys() == {"b"}


def test_long_history_keeps_its_number(store: Store, clock: Clock) -> None:
    """A group whose history is kept for a week is not forgotten after a day."""
    (number,) = publish(store, "a", b"1", history=History(messages=5, seconds=7 * DAY))
    clock.now += 6 * DAY
    with store.writing():
        store.prune()
    assert read(store, "a", None) == [(number, b"1")]


@pytest.mark.parametrize("is_long", [False, True], ids=["old", "too much"])
def test_worker_that_lags_behind_is_told_what_it_missed(
    store: Store, clock: Clock, *, is_long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on where the log begins now, and knows where the groups were there."""
    monkeypatch.setattr(local_store, "_KEPT_BYTES", 10_000)
    publish(store, "a", b"1")
    _, b = publish(store, "b", b"2", b"3")
    if not is_long:
        clock.now += 61
    size = 9_900 if is_long else 1
    (a,) = publish(store, "a", b"x" * size)
    with store.writing():
        store.prune()
    for cursor in (0, 1, 2):
        assert after(store, cursor, "a") == Found(cursor, is_pruned=True)
    assert not after(store, 3, "a").is_pruned
    with store.reading():
        found = store.beginning(["a", "b", "unknown"])
    assert found == Found(3, heads={"a": a - 1, "b": b})
    assert after(store, 3).rows == [("a", a, b"x" * size)]


def test_log_of_which_nothing_remains(store: Store, clock: Clock) -> None:
    """It goes on where it was."""
    (number,) = publish(store, "a", b"1")
    clock.now += 61
    with store.writing():
        store.prune()
    assert after(store, 0).is_pruned
    assert after(store, 1, "a") == Found(1, heads={"a": number})
    with store.reading():
        assert store.beginning(["a"]) == Found(1, heads={"a": number})
    publish(store, "a", b"2")
    assert after(store, 1).cursor == 2


def test_prune_of_an_empty_log(store: Store) -> None:
    """There is nothing to do."""
    with store.writing():
        store.prune()
    assert end(store) == 0


def test_news_are_messages(store: Store) -> None:
    """Nobody is woken for less."""
    with store.writing():
        store.count(["a"])
    assert not store.has_news
    publish(store, "a", b"1")
    assert store.has_news
    with store.writing():
        store.prune()
    assert not store.has_news


def test_store_is_there_for_all_that_open_it(store: Store, path: Path, clock: Clock) -> None:
    """And when all have closed it."""
    (number,) = publish(store, "a", b"1")
    with closing(Store(path, clock)) as other:
        assert publish(other, "a", b"2") == [number + 1]
    store.close()
    with closing(Store(path, clock)) as other:
        assert publish(other, "a", b"3") == [number + 2]


@contextmanager
def held(path: Path) -> Generator[sqlite3.Connection]:
    """Hold the store as a worker does that was stopped in a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def test_store_that_is_held_by_another(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read meanwhile; who wants to write is refused after a while."""
    monkeypatch.setattr(local_database, "BUSY", 0.01)
    (number,) = publish(store, "a", b"1")
    with held(path):
        with pytest.raises(BackplaneError, match=r"another worker held the store for 0\.01 s"):
            publish(store, "a", b"2")
        assert after(store, 0).rows == [("a", number, b"1")]
    assert publish(store, "a", b"2") == [number + 1]


def test_store_that_is_held_for_a_moment(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wants to write waits for it, with short pauses."""
    pauses: list[float] = []
    with held(path) as holder:

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                holder.execute("COMMIT")

        monkeypatch.setattr("time.sleep", sleep)
        assert publish(store, "a", b"1")
    assert pauses == [0.0002, 0.0004, 0.0008]


def test_store_that_nobody_can_read_for_a_moment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only reads waits, too, as while another mends what a worker left that was killed."""
    (number,) = publish(store, "a", b"1")
    execute = store.execute
    failures = iter([sqlite3.SQLITE_BUSY_RECOVERY])

    def fail_once(sql: str, *values: Any) -> sqlite3.Cursor:
        code = next(failures, None) if sql.startswith("SELECT") else None
        if code is not None:
            exc = sqlite3.OperationalError("database is locked")
            exc.sqlite_errorcode = code
            raise exc
        return execute(sql, *values)

    monkeypatch.setattr(store, "execute", fail_once)
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert after(store, 0).rows == [("a", number, b"1")]
    assert next(failures, None) is None
    assert pauses == [0.0002]


def test_store_without_room(store: Store) -> None:
    """It is refused, and the store goes on."""
    store.execute("PRAGMA max_page_count = 20")
    with pytest.raises(BackplaneError, match="no room: database or disk is full") as caught:
        publish(store, "a", b"x" * 1_000_000)
    assert not isinstance(caught.value, Broken)
    assert publish(store, "a", b"1")


def test_store_that_was_removed(store: Store, path: Path, clock: Clock) -> None:
    """Nothing is written in what nobody else finds; another one begins anew."""
    publish(store, "a", b"1")
    store.check()
    path.unlink()
    with pytest.raises(Broken, match=r"groups\.db was removed"):
        store.check()
    with pytest.raises(Broken):
        publish(store, "a", b"2")
    with closing(Store(path, clock)) as other:
        assert after(other, 0) == Found(0, heads={})
        with pytest.raises(Broken):
            store.check()


def test_store_that_was_removed_whole(store: Store, path: Path) -> None:
    """So it is if no file of it is there."""
    remove(path)
    assert [*path.parent.iterdir()] == []
    with pytest.raises(Broken):
        store.check()


def test_store_that_is_no_store_is_replaced(path: Path) -> None:
    """As after the machine lost its power."""
    path.write_bytes(b"garbage" * 1000)
    with closing(Store(path)) as store:
        publish(store, "a", b"1")
        assert end(store) == 1


def test_store_that_turns_into_garbage(store: Store, path: Path) -> None:
    """It can't be used any more."""
    publish(store, "a", b"1")
    store.execute("DROP TABLE wire")
    with pytest.raises(Broken, match="can't be used: no such table: wire"):
        publish(store, "a", b"2")


def test_store_that_can_not_be_opened(tmp_path: Path) -> None:
    """The text says why."""
    with pytest.raises(BackplaneError, match="unable to open database file"):
        Store(tmp_path / "nowhere" / "groups.db")
