"""What an application is given to do: its frames, and what the replies to them must be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from benchmarks.contenders import Contender, Task

__all__ = ["JSON", "JSON_PAGE", "TEXT", "TYPES", "TYPES_LONG", "Workload", "WrongReplyError"]


class WrongReplyError(Exception):
    """An application answered something else than it should.

    Args:
        frame: What it was sent.
        reply: What it answered.

    Attributes:
        frame: What it was sent.
        reply: What it answered.
    """

    def __init__(self, frame: str, reply: str) -> None:
        super().__init__(frame, reply)
        self.frame: str = frame
        self.reply: str = reply

    def __str__(self) -> str:
        return f"{self.frame!r} was answered with {self.reply!r}"


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent to an application.

    Attributes:
        name: What it is called in the tables.
        task: What the application does.
        size: How long a frame is, about.
    """

    name: str
    task: Task
    size: int

    def frames(self, contender: Contender) -> list[str]:
        """Return the frames, to be sent again and again, as the contender takes them."""
        match self.task:
            case "text":
                return ["x" * self.size]
            case "json":
                return [_json(self.size)]
            case "types":
                return contender.dialect.make_frames(self.size)
            case _:
                assert_never(self.task)

    def check(self, contender: Contender, replies: Sequence[str]) -> None:
        """Check the replies to the frames, which were sent again and again.

        Raises:
            WrongReplyError: One is not what it should be.
        """
        frames = self.frames(contender)
        for number, reply in enumerate(replies):
            index = number % len(frames)
            if not self._is_right(contender, index, frames[index], reply):
                raise WrongReplyError(frames[index], reply)

    def _is_right(self, contender: Contender, index: int, frame: str, reply: str) -> bool:
        match self.task:
            case "text":
                return reply == frame
            case "json":
                return bool(json.loads(reply) == json.loads(frame))
            case "types":
                answer = contender.dialect.read(reply)
                return answer.number == index + 1 and f'"{answer.text}"' in frame
            case _:
                assert_never(self.task)


def _json(size: int) -> str:
    """Return JSON of about `size` bytes: a small object, or a page of them."""
    if size <= 100:
        return json.dumps(_record(1), separators=(",", ":"))
    items: list[object] = []
    while len(page := json.dumps({"type": "page", "items": items}, separators=(",", ":"))) < size:
        items.append(_record(len(items)))
    return page


def _record(number: int) -> dict[str, object]:
    return {
        "id": number,
        "name": f"the name of {number}",
        "price": 12.5,
        "tags": ["red", "blue"],
        "is_sold": False,
        "note": None,
    }


TEXT: Final = Workload("echo text, 100 B", "text", 100)
JSON: Final = Workload("echo JSON, 100 B", "json", 100)
JSON_PAGE: Final = Workload("echo JSON, 2 KB", "json", 2000)
TYPES: Final = Workload("five types, 100 B", "types", 100)
TYPES_LONG: Final = Workload("five types, 2 KB", "types", 2000)
