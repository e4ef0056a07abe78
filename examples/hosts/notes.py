"""What the notebooks of both frameworks have in common: their messages, and their database."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, Field

__all__ = ["USERS", "Count", "Counted", "Sessions", "Write", "database"]

USERS: Final = {"ada-token": "ada", "grace-token": "grace"}
"""Who is there, by the token that each shows."""

Sessions: TypeAlias = Callable[[], sqlite3.Connection]
"""Opens a session of the database."""


class Write(BaseModel):
    type: Literal["write"] = "write"
    text: str = Field(min_length=1, max_length=1000)


class Count(BaseModel):
    type: Literal["count"] = "count"


class Counted(BaseModel):
    type: Literal["counted"] = "counted"
    notes: int


@contextmanager
def database() -> Generator[Sessions]:
    with TemporaryDirectory() as folder:
        # A handler that is a plain function runs in a thread.
        sessions = partial(sqlite3.connect, Path(folder) / "notes.db", check_same_thread=False)
        with sessions() as session:
            session.execute("CREATE TABLE notes (owner TEXT, notebook TEXT, text TEXT)")
        session.close()
        yield sessions
