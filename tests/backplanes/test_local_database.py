"""The file that workers share is made, found, and replaced, and its errors have a meaning."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from wsendpoints import BackplaneError
from wsendpoints.backplanes import local_database
from wsendpoints.backplanes.local_database import (
    Broken,
    identity,
    is_busy,
    opened,
    remove,
    translated,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where it is to be."""
    return tmp_path / "groups.db"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    """Return it, open."""
    with closing(opened(path)) as db:
        yield db


COUNT = "SELECT count(*) FROM groups"


def test_it_is_made_once(db: sqlite3.Connection, path: Path) -> None:
    """Whoever opens it later finds what is in it."""
    db.execute("INSERT INTO groups (name, head, forget) VALUES ('a', 1, 1)")
    with closing(opened(path)) as other:
        assert other.execute(COUNT).fetchone() == (1,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("PRAGMA synchronous").fetchone() == (0,)


def test_what_is_left_beside_it_is_no_part_of_it(db: sqlite3.Connection, path: Path) -> None:
    """As where a part of it was removed by what cleans up temporary files."""
    db.execute("INSERT INTO groups (name, head, forget) VALUES ('a', 1, 1)")
    assert Path(f"{path}-wal").stat().st_size
    before = identity(path)
    assert before is not None
    path.unlink()
    assert identity(path) is None
    with closing(opened(path)) as other:
        assert other.execute(COUNT).fetchone() == (0,)
        assert identity(path) not in (None, before)


def test_it_is_removed_whole(db: sqlite3.Connection, path: Path) -> None:
    """Also if it is not there."""
    db.execute(COUNT)
    remove(path)
    remove(path)
    assert [*path.parent.iterdir()] == []


def test_garbage_is_replaced(path: Path) -> None:
    """As after the machine lost its power."""
    path.write_bytes(b"garbage" * 1000)
    with closing(opened(path)) as db:
        assert db.execute(COUNT).fetchone() == (0,)


def test_it_can_not_be_opened(tmp_path: Path) -> None:
    """The text says why."""
    with pytest.raises(BackplaneError, match="unable to open database file"):
        opened(tmp_path / "nowhere" / "groups.db")


def test_another_has_it(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for."""
    monkeypatch.setattr(local_database, "BUSY", 0.25)
    path = db.execute("PRAGMA database_list").fetchone()[2]
    db.execute("BEGIN IMMEDIATE")
    with closing(opened(Path(path))) as other:
        with pytest.raises(BackplaneError, match=r"another worker held the store for 0\.25 s"):
            write(other)
        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("BEGIN IMMEDIATE")
        assert is_busy(caught.value)
    db.execute("COMMIT")


def write(db: sqlite3.Connection) -> None:
    """Change something."""
    with translated():
        db.execute("INSERT INTO groups (name, head, forget) VALUES ('a', 1, 1)")


def test_there_is_no_room(db: sqlite3.Connection) -> None:
    """It can be used all the same."""
    db.execute("PRAGMA max_page_count = 1")
    with (
        pytest.raises(BackplaneError, match=r"the store has no room: .*full") as caught,
        translated(),
    ):
        db.execute("CREATE TABLE something AS SELECT zeroblob(100000)")
    assert not isinstance(caught.value, Broken)


def test_other_errors_are_its_end(db: sqlite3.Connection) -> None:
    """It is not what it was."""
    with (
        pytest.raises(Broken, match="the store can't be used: no such table: missing"),
        translated(),
    ):
        db.execute("SELECT * FROM missing")
