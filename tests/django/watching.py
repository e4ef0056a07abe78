"""What is known of connections to the database: which were opened, and which are open still."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation  # type: ignore[import-untyped]  # Django has no types
from django.db import connections  # type: ignore[import-untyped]  # Django has no types
from django.db.backends.signals import connection_created  # type: ignore[import-untyped]  # Django has no types

__all__ = ["Opened", "watching"]


class Opened:
    """The connections that were opened, in any thread."""

    def __init__(self) -> None:
        self.every: list[Any] = []

    def add(self, connection: Any, **_: object) -> None:
        """Take note of one."""
        self.every.append(connection)

    @property
    def left(self) -> int:
        """How many are open."""
        # One may have been opened several times.
        return len({id(it) for it in self.every if it.connection is not None})

    def breaks(self) -> None:
        """Break those that are open, as a database does that is started anew."""
        for it in self.every:
            if it.connection is not None:
                it.connection.close()


@contextmanager
def watching(max_age: int | None = 0) -> Generator[Opened]:
    """Watch connections; where no event loop runs, those of this thread are closed in the end.

    Args:
        max_age: The setting `CONN_MAX_AGE`.
    """
    opened = Opened()
    every: Any = connections
    created: Any = connection_created
    settings = every["default"].settings_dict
    settings["CONN_MAX_AGE"] = max_age
    created.connect(opened.add)
    try:
        yield opened
    finally:
        created.disconnect(opened.add)
        settings["CONN_MAX_AGE"] = 0
        with suppress(SynchronousOnlyOperation):
            every.close_all()
