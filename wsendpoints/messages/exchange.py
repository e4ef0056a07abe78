"""What is in a frame of a dialect, and what is answered to it, as one is handled."""

from collections.abc import Callable, Sequence
from typing import Any, Final, final

from wsendpoints.dialects.records import Close, Id, InvalidRecordError, Record
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.procedure import Arguments, Results
from wsendpoints.protocol.asgi import Event

__all__ = ["Called", "Exchange", "Gathering", "Written"]

_NONE: Final = Arguments((), {}, None)
_ANYTHING: Final = Results(MISSING, "a call")


@final
class Written:
    """A frame of a dialect's, ready to be sent.

    Attributes:
        event: What sends it.
    """

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        self.event: Event = event


@final
class Gathering:
    """The answers to a batch, which are sent together once all are there.

    Args:
        number: How many there will be.
        write: Writes them as a frame.
    """

    __slots__ = ("_answers", "_missing", "_write")

    def __init__(self, number: int, write: Callable[[Sequence[Any]], Any]) -> None:
        self._answers: dict[int, Any] = {}
        self._missing = number
        self._write = write

    def add(self, place: int, answer: Any) -> Any:
        """Add an answer; return the frame of all, if this is the last one.

        Args:
            place: That of its call in the batch.
            answer: The answer; `None` for none.
        """
        self._answers[place] = answer
        self._missing -= 1
        if self._missing:
            return None
        every = [self._answers[it] for it in sorted(self._answers)]
        return self._write(sent) if (sent := [it for it in every if it is not None]) else None


@final
class Called:
    """A record that is being handled: a call, or what is no record, which are answered once.

    Args:
        id: That of the call; `None` for what is no record with an id.
        is_answered: Whether it gets no answer, as a notification.
        gathering: Its batch, if it is one of a batch.
        place: Its place there.

    Attributes:
        id: That of the call; `None` for what is no record with an id.
        is_answered: Whether there is an answer already, or is never to be one.
        is_streamed: Whether its answer is a stream of items.
        arguments: What its method is called with.
        results: What makes a value of its result, or of an item.
    """

    __slots__ = (
        "_gathering",
        "_place",
        "arguments",
        "id",
        "is_answered",
        "is_streamed",
        "results",
    )

    def __init__(
        self,
        id: Id,
        *,
        is_answered: bool = False,
        gathering: Gathering | None = None,
        place: int = 0,
    ) -> None:
        self.id: Id = id
        self.is_answered: bool = is_answered
        self.is_streamed: bool = False
        self.results: Results = _ANYTHING
        self.arguments: Arguments = _NONE
        self._gathering = gathering
        self._place = place

    @property
    def data(self) -> Any:
        """The params of the call, validated."""
        return self.arguments.data

    def answer(self, value: Any) -> Any:
        """Answer it once; return what is to be sent now, `None` for nothing.

        Args:
            value: The answer, as the dialect wrote it.
        """
        if self.is_answered:
            return None
        self.is_answered = True
        if self._gathering is None or isinstance(value, Close):
            return value
        return self._gathering.add(self._place, value)


@final
class Exchange:
    """The records in a frame.

    Attributes:
        records: What each says, or why it is none.
        is_batch: Whether their answers are sent together.
        frame: The frame.
        called: The record that is being handled.
        judged: The `id` of the exception that is to be raised on.
    """

    __slots__ = ("called", "frame", "is_batch", "judged", "records")

    def __init__(
        self,
        records: Sequence[Record | InvalidRecordError],
        frame: str | bytes,
        *,
        is_batch: bool = False,
    ) -> None:
        self.records: Sequence[Record | InvalidRecordError] = records
        self.is_batch: bool = is_batch
        self.frame: str | bytes = frame
        self.called: Called | None = None
        self.judged: int | None = None

    @property
    def data(self) -> Any:
        """The params of the call that is being handled."""
        return None if self.called is None else self.called.data
