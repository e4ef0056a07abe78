"""What a fuzzer needs of a server, however it reaches it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from wsendpoints.fuzzing.hostile import Frame
from wsendpoints.fuzzing.plan import Handshake

__all__ = ["Ended", "MisbehaviourError", "Opener", "Peer", "RefusedError"]


@dataclass(frozen=True, slots=True)
class Ended:
    """The server has closed the connection.

    Attributes:
        code: The close code; 1006 if the connection is lost without one.
    """

    code: int


class RefusedError(Exception):
    """The server refused a handshake.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class MisbehaviourError(Exception):
    """The server did what none may do: it failed, or did not end. The text tells it."""


class Peer(Protocol):
    """An open connection."""

    async def send(self, frame: Frame) -> None:
        """Send a frame; once the connection is over this does nothing."""

    async def receive(self, *, is_due: bool) -> Frame | Ended | None:
        """Return what comes next; `None` for nothing.

        Args:
            is_due: Whether something has to come, so that it is worth to wait for.
        """


class Opener(Protocol):
    """A way to a server."""

    def open(self, handshake: Handshake) -> AbstractAsyncContextManager[Peer]:
        """Open a connection, and close it in the end.

        Raises:
            RefusedError: On entering, if the server refuses it.
            MisbehaviourError: On entering or leaving, if the server fails, or does not end.
        """
        ...
