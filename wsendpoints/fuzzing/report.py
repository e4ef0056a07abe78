"""What came of the messages that were sent."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from wsendpoints.fuzzing.hostile import Frame
from wsendpoints.fuzzing.plan import Kind

__all__ = ["Failure", "Report"]

_SHOWN: Final = 2000


@dataclass(frozen=True, slots=True)
class Failure:
    """The first thing that a server did otherwise than it declares.

    Attributes:
        channel: The address of the endpoint.
        number: Which message it was, from 0; of a handshake, the first one after it.
        kind: What kind of message; `None` if it was the handshake.
        frame: The message; `None` if it was the handshake.
        earlier: How many were sent before it by the same connection.
        what: What the server did, in words.
    """

    channel: str
    number: int
    kind: Kind | None
    frame: Frame | None
    earlier: int
    what: str


@dataclass(slots=True)
class Report:
    """What was sent, and what came.

    Attributes:
        seed: What the messages were made of.
        sent: How many messages of each kind were sent.
        connections: How many connections were opened.
        answers: How many frames came.
        closed: How many connections the server closed, by the code.
        refused: How many handshakes it refused, by the status.
        failure: What went wrong; `None` for nothing.
    """

    seed: int
    sent: Counter[Kind] = field(default_factory=Counter["Kind"])
    connections: int = 0
    answers: int = 0
    closed: Counter[int] = field(default_factory=Counter[int])
    refused: Counter[int] = field(default_factory=Counter[int])
    failure: Failure | None = None

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.sent.items()))
        lines = [
            (
                f"seed {self.seed}: {self.sent.total()} messages ({kinds or 'none'}) by "
                f"{self.connections} connections, {self.answers} answers"
            )
        ]
        for what, counts in (("closed with", self.closed), ("refused with", self.refused)):
            if counts:
                told = ", ".join(f"{code} ({count})" for code, count in sorted(counts.items()))
                lines.append(f"{what} {told}")
        return "\n".join([*lines, self._told()])

    def _told(self) -> str:
        failure = self.failure
        if failure is None:
            return "no failure"
        where = f"failure: {failure.channel}"
        again = f"again: --seed {self.seed} --messages {failure.number + 1}"
        if failure.frame is None:
            return f"{where}: {failure.what}\n{again}"
        shown = repr(failure.frame)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}... ({len(failure.frame)} in all)"
        return (
            f"{where}: {failure.what}\n"
            f"after message {failure.number}, {failure.kind}, with {failure.earlier} before it on "
            f"its connection: {shown}\n{again}"
        )
