"""How much is measured: rounds, messages, and which tables."""

from dataclasses import dataclass

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command's options say.

    Attributes:
        rounds: How often each contender has its turn.
        messages: How many messages a turn in process has at most.
        seconds: How long a turn over sockets takes.
        only: A part of the titles of the tables that are wanted; empty for all.
    """

    rounds: int
    messages: int
    seconds: float
    only: str = ""

    def wants(self, title: str) -> bool:
        """Whether a table is to be made."""
        return self.only.lower() in title.lower()
