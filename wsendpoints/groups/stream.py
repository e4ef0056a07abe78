"""How far a process has heard of a group whose messages come by a backplane, and what it missed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from wsendpoints.backplanes.logs import History
from wsendpoints.groups.group import Group

if TYPE_CHECKING:
    from anyio import Event

__all__ = ["Missing", "Stream"]

_LIFE: Final = 100_000
"""Numbers begin at the clock, in microseconds.

So a number that is further than this from the last one is of another life of the group, which
began at least a tenth of a second later; and if so many were lost, it hardly matters how many.
"""

Missing: TypeAlias = int | None
"""How many messages are missing; `None` if nobody can know."""


@final
class Stream:
    """The messages of one group, as they come.

    A message has one of four relations to the one before: it follows it; it is known already; some
    are missing in between; or the numbers have begun anew, and nobody can know what is missing.

    Args:
        name: The name of the group.
        group: The group, as who joined it first wrote it.

    Attributes:
        name: The name of the group.
        group: The group.
        last: The number of the last message that was handed to the members, or is lost.
        is_up: Whether whatever is published comes.
        current: The number of the message that is being handed to the members, or `last`.
        users: How many need it beside its members.
        reached: To how many members the last message was sent.
        seen: The number of the last message that came.
        saying: What tells of each message of ours that its number is known, or never will be.
    """

    __slots__ = (
        "_for_up",
        "_had",
        "_is_fenced",
        "_waiting",
        "_was",
        "current",
        "group",
        "is_up",
        "last",
        "name",
        "reached",
        "saying",
        "seen",
        "users",
    )

    def __init__(self, name: str, group: Group[Any] | str) -> None:
        self.name: str = name
        self.group: Group[Any] | str = group
        self.last: int = 0
        self.current: int = 0
        self.is_up: bool = False
        self.users: int = 0
        self.reached: int = 0
        self.seen: int = 0
        self.saying: set[Event] = set()
        self._is_fenced = False
        # Where it was as the backplane went down, until it is up again.
        self._was = 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []
        self._for_up: list[Callable[[], None]] = []
        self._had: set[int] = set()

    @property
    def history(self) -> History | None:
        """How much of the group is kept."""
        return self.group.history if isinstance(self.group, Group) else None

    def before(self, number: int) -> Missing:
        """Return how many messages are missing between the last one and this.

        Returns:
            0 if it follows; a negative number if it is known already; `None` if the numbers have
            begun anew.
        """
        if not self._is_fenced or number == self.last + 1:
            # Before the first fence nobody knows what came before.
            return 0
        if number > self.last:
            return self.missing(number - 1)
        return None if self._was and number <= self._was else -1

    def missing(self, until: int) -> Missing:
        """Return how many messages up to a number are missing; `None` if of another life."""
        if until - self.last >= _LIFE:
            return None
        return until - self.last - sum(self.last < number <= until for number in self._had)

    def had(self, number: int) -> None:
        """Take note that the members have a message, whether or not it comes: it is our own."""
        if number > self.last:
            self._had.add(number)

    def fenced(self, head: int) -> Missing:
        """Take note that all up to a message has come, or is lost; return how many are missing.

        Returns:
            0 if none are; `None` if the numbers have begun anew.
        """
        was, self._was = self._was, 0
        if not self._is_fenced:
            self._is_fenced = True
            self.reach(max(head, self.last))
            return 0
        if head < was:
            # It lost what it had told already, as a replica does that takes over too early.
            return None
        return self.missing(max(head, self.last))

    def begin_anew(self) -> None:
        """Know nothing of the numbers that were."""
        self.seen = self._was = 0
        self._had.clear()

    def went_down(self, seen: int) -> None:
        """Take note that nothing comes until the next fence.

        Args:
            seen: The number of the last message that came, whether or not it is handed on yet.
        """
        self.is_up = False
        self._was = self._was or seen

    def came_up(self) -> None:
        """Take note that whatever is published comes, and what was missing is dealt with."""
        self.is_up = True
        waiting, self._for_up = self._for_up, []
        for callback in waiting:
            callback()

    def when_up(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function once whatever is published comes.

        Returns:
            What ends that.
        """
        if self.is_up:
            callback()
            return _nothing
        self._for_up.append(callback)

        def forget() -> None:
            if callback in self._for_up:
                self._for_up.remove(callback)

        return forget

    def reach(self, number: int) -> None:
        """Have handed on a message, or know that it is lost."""
        self.last = self.current = number
        if self._had:
            self._had = {it for it in self._had if it > number}
        waiting, self._waiting = self._waiting, []
        for least, callback in waiting:
            if number >= least:
                callback()
            else:
                self._waiting.append((least, callback))

    def when(self, number: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function once a message was handed on, before anything else is.

        Returns:
            What ends that.
        """
        if self.last >= number and self.current == self.last:
            callback()
            return _nothing
        entry = (number, callback)
        self._waiting.append(entry)

        def forget() -> None:
            if entry in self._waiting:
                self._waiting.remove(entry)

        return forget


def _nothing() -> None:
    """End nothing."""
