"""The backend, as Django looks for it."""

# pyright: basic
# Django has no types.

from django.db.backends.sqlite3 import base  # type: ignore[import-untyped]  # Django has no types
from django.db.utils import Error  # type: ignore[import-untyped]  # Django has no types

__all__ = ["DatabaseWrapper"]


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # it has no types
    """A connection, which is usable as long as it answers."""

    def is_usable(self) -> bool:
        """Ask it."""
        try:
            self.cursor().execute("SELECT 1")
        except Error:
            return False
        return True
