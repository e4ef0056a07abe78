"""Contenders take turns, and what counts is the ratio of two that ran one after the other.

So whatever else the machine does slows all of them alike. How much noise remains is shown by the
ratio of a second copy of the reference, which runs last in each round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal, TypeAlias

__all__ = ["AGAIN", "Comparison", "Quantity", "Run", "Sample", "Spread", "Target", "take_turns"]

AGAIN: Final = ", again"
"""What the name of the reference's copy ends in."""

Sample: TypeAlias = Mapping[str, float]
"""What one turn of one contender has shown: values, by the names of the quantities."""

Run: TypeAlias = Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that is measured.

    Attributes:
        name: What samples call it.
        unit: Its unit, as the tables name it.
        scale: What a value is multiplied by to be in that unit.
        digits: How many decimals the tables show.
        shows: What the tables show after the median: how a contender differs from the reference.
    """

    name: str
    unit: str
    scale: float = 1.0
    digits: int = 2
    shows: Literal["ratio", "difference", "nothing"] = "ratio"


@dataclass(frozen=True, slots=True)
class Target:
    """What a contender is to reach, or what it may not exceed.

    Attributes:
        contender: Its name.
        of: What it is compared with.
        at_most: The ratio, or the difference in the quantity's unit, that it may have.
    """

    contender: str
    of: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of several rounds."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of values."""
        return cls(median(values), min(values), max(values))


@dataclass(slots=True)
class Comparison:
    """A table: what several contenders cost, for the same.

    Attributes:
        title: What they did.
        quantities: What was measured; targets and bounds are about the first.
        samples: Those of each contender, round by round. The first contender is the reference. A
            contender without any has no answer to the title.
        targets: What is to be reached.
        bounds: What is reached, and is not to get worse.
    """

    title: str
    quantities: Sequence[Quantity]
    samples: dict[str, list[Sample]] = field(default_factory=dict[str, list[Sample]])
    targets: Sequence[Target] = ()
    bounds: Sequence[Target] = ()

    @property
    def reference(self) -> str:
        """The name of the contender that all are compared with."""
        return next(iter(self.samples))

    def value(self, contender: str, quantity: Quantity) -> float:
        """Return the median of what a contender has shown, in the quantity's unit."""
        return median(sample[quantity.name] for sample in self.samples[contender]) * quantity.scale

    def relation(self, contender: str, quantity: Quantity, of: str | None = None) -> Spread:
        """Return how a contender differs from another, by default the reference.

        Round by round: as a ratio, or as a difference in the quantity's unit.
        """
        theirs = self.samples[of or self.reference]
        pairs = [
            (mine[quantity.name], its[quantity.name])
            for mine, its in zip(self.samples[contender], theirs, strict=True)
        ]
        if quantity.shows == "difference":
            return Spread.of([(mine - its) * quantity.scale for mine, its in pairs])
        return Spread.of([mine / its for mine, its in pairs])

    def reached(self, target: Target) -> float | None:
        """Return what a target's contender has reached; `None` if it, or the other, is missing."""
        if not all(self.samples.get(name) for name in (target.contender, target.of)):
            return None
        return self.relation(target.contender, self.quantities[0], target.of).median

    @property
    def keeps_bounds(self) -> bool:
        """Whether no bound is exceeded, of those that can be checked."""
        reached = [(self.reached(bound), bound.at_most) for bound in self.bounds]
        return all(value is None or value <= at_most for value, at_most in reached)


def take_turns(runs: Mapping[str, Run], rounds: int) -> dict[str, list[Sample]]:
    """Return the samples of each run, which take turns."""
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            samples[name].append(run())
    return samples
