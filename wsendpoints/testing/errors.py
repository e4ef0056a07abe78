"""How a test that talks to an app fails, told by what happened and what was expected.

AssertionError
├── UnexpectedEventError    the test awaited one thing, and another came, or nothing
├── ConnectionEndedError    the test sends on a connection that is over
├── IllegalEventError       the app sent an event that the ASGI specification does not allow
├── AppStillRunningError    the app did not end after the connection had
├── LeftoverTasksError      the app ended, but tasks that it started did not
└── LifespanFailedError     the app did not start, or did not shut down
HandshakeDenied             the app refused the connection
"""

from collections.abc import Sequence

from wsendpoints.testing.events import shorten

__all__ = [
    "AppStillRunningError",
    "ConnectionEndedError",
    "HandshakeDenied",
    "IllegalEventError",
    "LeftoverTasksError",
    "LifespanFailedError",
    "UnexpectedEventError",
]


class HandshakeDenied(Exception):
    """The app refused the connection.

    Attributes:
        status: The HTTP status that the client sees: 403 for a plain `websocket.close`, 500 if
            the app returned without an answer, else that of the app's denial response.
        headers: The headers of the denial response, names in lower case.
        body: Its whole body.
    """

    def __init__(
        self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b""
    ) -> None:
        super().__init__(status, headers, body)
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = list(headers)
        self.body = body

    def __str__(self) -> str:
        body = f" and the body {shorten(self.body)}" if self.body else ""
        return f"the app denied the handshake with status {self.status}{body}"


class UnexpectedEventError(AssertionError):
    """What the test awaited did not come.

    Attributes:
        awaited: What was awaited, in words.
        came: What came instead, in words.
    """

    def __init__(self, awaited: str, came: str) -> None:
        super().__init__(awaited, came)
        self.awaited = awaited
        self.came = came

    def __str__(self) -> str:
        return f"awaited {self.awaited}, but {self.came}"


class ConnectionEndedError(AssertionError):
    """The test used a connection that is over.

    Attributes:
        action: What was tried, in words.
        ending: What ended the connection, in words.
    """

    def __init__(self, action: str, ending: str) -> None:
        super().__init__(action, ending)
        self.action = action
        self.ending = ending

    def __str__(self) -> str:
        return f"cannot {self.action}: {self.ending}"


class IllegalEventError(AssertionError):
    """The app sent an event that the ASGI specification does not allow.

    It is raised into the app's `send`, and once more when the test leaves the connection, in
    case the app swallowed it.

    Attributes:
        event: What the app sent.
        problem: What is wrong with it, in words.
        consequence: What the server that is played would have done, or servers in general.
    """

    def __init__(self, event: object, problem: str, consequence: str) -> None:
        super().__init__(event, problem, consequence)
        self.event = event
        self.problem = problem
        self.consequence = consequence

    def __str__(self) -> str:
        return (
            f"the app sent an illegal event: {self.problem}; the event is {shorten(self.event)}; "
            f"{self.consequence}"
        )


class AppStillRunningError(AssertionError):
    """The connection is over, but the app did not end.

    Attributes:
        ending: What ended the connection, in words.
        timeout: How long the test waited for the app, in seconds.
        has_ended: Whether the app ended at least when it was cancelled.
    """

    def __init__(self, ending: str, timeout: float, has_ended: bool) -> None:
        super().__init__(ending, timeout, has_ended)
        self.ending = ending
        self.timeout = timeout
        self.has_ended = has_ended

    def __str__(self) -> str:
        then = "it was cancelled" if self.has_ended else "it did not even end when cancelled"
        return f"{self.ending}, but the app did not end within {self.timeout:g} s: {then}"


class LeftoverTasksError(AssertionError):
    """The app ended, but tasks that it started were still running; they are cancelled now.

    Attributes:
        tasks: The tasks, each by its name and its coroutine's.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__(tasks)
        self.tasks: list[str] = list(tasks)

    def __str__(self) -> str:
        return (
            f"the app ended, but {len(self.tasks)} of its tasks still ran: "
            f"{', '.join(self.tasks)}; await or cancel them before the app returns, or name those "
            "that are to go on in `connect(..., lasting_tasks=[...])`"
        )


class LifespanFailedError(AssertionError):
    """The app said that it can't start or shut down, or gave no answer to that.

    Attributes:
        phase: What it was told: `"startup"` or `"shutdown"`.
        message: What it said; `None` if it ended without an answer. Servers take an app that does
            so at its startup for one that has no lifespan, and serve it.
    """

    def __init__(self, phase: str, message: str | None) -> None:
        super().__init__(phase, message)
        self.phase = phase
        self.message = message

    def __str__(self) -> str:
        if self.message is None:
            return f"the app ended without an answer to lifespan.{self.phase}"
        return f"the app sent lifespan.{self.phase}.failed: {shorten(self.message)}"
