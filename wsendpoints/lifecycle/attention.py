"""What a connection is at, as the ticker looks at it: what takes long is found, and cared for."""

from abc import ABC, abstractmethod
from contextvars import Context, copy_context

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.sends import Sends
from wsendpoints.lifecycle.deadlines import Deadlines
from wsendpoints.lifecycle.stage import Stage
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.lifecycle.ticker import Ticker, running_ticker

__all__ = ["Attention"]


class Attention(ABC):
    """Has the ticker look at what one connection is at: a handler, a reply, other sends.

    Its attributes are set by `Reader`, all in one function: another one takes each connection 500
    instructions.

    Attributes:
        tasks: Those of the connection.
        stage: What the loop does; `None` while it waits for the next event.
        is_unseen: Whether the ticker looks at this connection, and has not looked since the loop
            began what it does. If not, the loop calls `attend` when it begins something.
    """

    __slots__ = (
        "_connection",
        "_context",
        "_deadlines",
        "_is_attended",
        "_is_found_long",
        "_is_send_long",
        "_sends_seen",
        "_ticker",
        "is_unseen",
        "stage",
        "tasks",
    )

    _connection: Connection
    _context: Context
    _deadlines: Deadlines
    _is_attended: bool
    _is_found_long: bool
    _is_send_long: bool
    _sends_seen: Sends | None
    _ticker: Ticker | None
    is_unseen: bool
    stage: Stage | None
    tasks: Tasks

    @abstractmethod
    def _take_long(self) -> None:
        """Give the loop what it needs, since it takes long."""

    def retire(self) -> None:
        """Have the ticker look no more: the task group is about to end."""
        if self._ticker is not None:
            self._ticker.remove(self)
            del self._context
        self._connection.tells_sends = self._connection.tells_sent = False

    @property
    def is_handling(self) -> bool:
        """Whether the loop is at work, rather than waiting for an event."""
        return self.stage is not None

    @property
    def is_sending(self) -> bool:
        """Whether a send is under way: a reply of the loop, or any other."""
        return self.stage is Stage.REPLYING or self._connection.sends.are_under_way

    def attend(self) -> None:
        """Have the ticker look, now that the loop begins something."""
        self.attend_send()
        self.is_unseen = True
        self._is_found_long = False

    def watch_sends(self) -> None:
        """Have `attend_send` called for each send from now on."""
        if not self._is_attended:
            self._connection.tells_sends = True

    def attend_send(self) -> None:
        """Have the ticker look, now that a send begins."""
        if not self._is_attended:
            if self._ticker is None:
                self._ticker = running_ticker()
                # What is begun beside the loop is begun in its context.
                self._context = copy_context()
            self._ticker.add(self)
            self._is_attended = True
            self._connection.tells_sends = False

    def look(self, ticker: Ticker) -> bool:
        """Look at the loop and the sends; return whether there is anything to look at again."""
        connection = self._connection
        is_undecided = takes_long = False
        if not connection.is_send_long:
            seen, self._sends_seen = self._sends_seen, connection.mark_sends()
            if seen is not None and seen.are_under_way:
                takes_long = self._is_send_long = True
                connection.is_send_long = connection.tells_sent = True
            else:
                is_undecided = self._sends_seen is not None
        if self.stage is not None:
            if self.is_unseen:
                is_undecided = True
            elif not self._is_found_long:
                takes_long = self._is_found_long = True
        self.is_unseen = False
        if takes_long:
            ticker.takes_long(self)
        if not is_undecided:
            self._is_attended = False
            connection.tells_sends = True
        return is_undecided

    def take_care(self) -> None:
        """Have a task read meanwhile, and count the time of what takes long."""
        self._context.run(self._take_care)

    def _take_care(self) -> None:
        if self._is_send_long:
            self._is_send_long = False
            self.sent()
        # The loop may have begun something else since.
        if self.stage is not None and self._is_found_long:
            self._take_long()

    def sent(self) -> None:
        """A send has ended; if one took long, the others have their whole time."""
        connection = self._connection
        if not connection.is_send_long:
            return
        if connection.sends.are_under_way:
            self._deadlines.sending()
        else:
            self._deadlines.sent()
            connection.is_send_long = False
