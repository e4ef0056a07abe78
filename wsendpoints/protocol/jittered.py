"""A time that differs a little each time, so that many that began together do not end together."""

import math
import random
from dataclasses import dataclass, fields

from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Jittered"]


@dataclass(frozen=True, slots=True)
class Jittered:
    """A time that is drawn anew for each connection: `Jittered(3600, 600)` is 50 to 70 minutes.

    All times in between are equally likely.

    Attributes:
        seconds: The time in the middle.
        jitter: How many seconds less, or more, it is at most; less than `seconds`.

    Raises:
        ConfigurationError: They are no such numbers.
    """

    seconds: float
    jitter: float

    def __post_init__(self) -> None:
        values: list[object] = [getattr(self, each.name) for each in fields(self)]
        are_numbers = all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in values
        )
        if not (are_numbers and 0 < self.jitter < self.seconds < math.inf):
            raise ConfigurationError(
                f"Jittered({self.seconds!r}, {self.jitter!r}): use seconds, and fewer seconds, "
                "above 0, that they differ by"
            )

    @property
    def least(self) -> float:
        """The shortest time that is drawn."""
        return self.seconds - self.jitter

    @property
    def most(self) -> float:
        """The longest one."""
        return self.seconds + self.jitter

    def draw(self) -> float:
        """Return one of the times."""
        return random.uniform(self.least, self.most)  # noqa: S311 - no secret
