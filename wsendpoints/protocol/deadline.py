"""What ends a connection once its time has passed."""

from typing import NamedTuple

__all__ = ["Deadline"]


class Deadline(NamedTuple):
    """What ends a connection.

    Attributes:
        limit: The name of the limit.
        seconds: How long it allows.
        code: The code to close with.
        level: The level of the log line that tells of it.
    """

    limit: str
    seconds: float
    code: int
    level: int

    @property
    def reason(self) -> str:
        """The reason to close with: it names the limit."""
        return f"{self.limit}: {self.seconds:g} s"
