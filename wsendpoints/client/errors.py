"""What can go wrong with a client.

ClientError
├── ClosedError       the client is closed, and does not come back
├── LostError         the connection was lost with what was asked, or sent
├── RequestError      the server answered a request with an error
└── QueueFullError    more messages wait than may
"""

from typing import Any

from wsendpoints.protocol.close_codes import describe

__all__ = ["ClientError", "ClosedError", "LostError", "QueueFullError", "RequestError"]


class ClientError(Exception):
    """The base class of what can go wrong with a client."""


class _EndedError(ClientError):
    """A connection ended.

    Attributes:
        code: The close code; 4000 and a status code of HTTP where the server refused the handshake.
        reason: The reason, `""` if there is none.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code: int = code
        self.reason: str = reason

    def _told(self) -> str:
        return describe(self.code) + (f": {self.reason!r}" if self.reason else "")


class ClosedError(_EndedError):
    """The client is closed, and does not come back; `code` and `reason` tell why."""

    def __str__(self) -> str:
        return f"the client is closed with code {self._told()}"


class LostError(_EndedError):
    """The connection was lost, with a `code` and a `reason`: what was sent may have arrived."""

    def __str__(self) -> str:
        told = self._told()
        return f"the connection was lost with code {told}: what was sent may have arrived, or not"


class RequestError(ClientError):
    """The server answered a request with an error.

    Attributes:
        code: What kind of error it is, such as `"invalid_message"`.
        message: What the server says of it, `""` if nothing.
        details: What else it tells of it; of an invalid message, what is wrong with it.
    """

    def __init__(self, code: str | int, message: str = "", details: Any = None) -> None:
        super().__init__(code, message, details)
        self.code: str | int = code
        self.message: str = message
        self.details: Any = details

    def __str__(self) -> str:
        because = f": {self.message}" if self.message else ""
        return f"the server answered with the error {self.code!r}{because}"


class QueueFullError(ClientError):
    """More messages wait than may: to be sent, or to be received.

    Attributes:
        bound: How many may wait.
    """

    def __init__(self, bound: int) -> None:
        super().__init__(bound)
        self.bound: int = bound

    def __str__(self) -> str:
        return f"{self.bound} messages wait, which are as many as may"
