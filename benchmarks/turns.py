"""Level 3: the longest turn of the event loop while one message goes to 10,000 members.

Everything else waits for so long. It is CPU time, on asyncio, in this process.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

from benchmarks.compare import AGAIN, Comparison, Quantity, Run, Sample, Target, take_turns
from benchmarks.contenders import ITEM, Contender
from benchmarks.crowd import Crowd
from benchmarks.options import Options

__all__ = ["compare_longest_turn"]

MEMBERS: Final = 10_000

AT_ONCE: Final = 256
"""Sends that the longest turn is compared with."""

NAMES: Final = ("by_hand", "ours", "starlette_endpoint")
"""Those that need no lifespan."""

REFERENCE: Final = f"{AT_ONCE} sends by hand"

QUANTITIES: Final = (
    Quantity("turn", "ms of CPU time", scale=1e3),
    Quantity("all", "ms until all have it", scale=1e3, digits=0, shows="nothing"),
)


def compare_longest_turn(
    contenders: Mapping[str, Contender], options: Options
) -> Iterator[Comparison]:
    """Return the table."""
    title = f"broadcasts, {len(ITEM)} B, {MEMBERS:,} members in process, the longest turn"
    if options.wants(title):
        samples = _measure(contenders, options.rounds)
        targets = (Target("wsendpoints", REFERENCE, 3.0),)
        yield Comparison(title, QUANTITIES, samples, targets)


def _measure(contenders: Mapping[str, Contender], rounds: int) -> dict[str, list[Sample]]:
    with ExitStack() as stack:
        runs: dict[str, Run] = {}
        for name in NAMES:
            contender = contenders.get(name)
            if contender is not None and contender.broadcast is not None:
                crowd = stack.enter_context(Crowd(contender.broadcast, MEMBERS))
                # The members of the first are sent to without it, too.
                runs.setdefault(REFERENCE, partial(_sends, crowd))
                runs[contender.name] = partial(_longest_turn, crowd)
        runs[REFERENCE + AGAIN] = runs[REFERENCE]
        # All contenders' members are in this process, and what they hold is nobody's turn.
        gc.collect()
        gc.disable()
        stack.callback(gc.enable)
        for run in runs.values():
            run()  # to warm up
        return take_turns(runs, rounds)


def _sends(crowd: Crowd) -> Sample:
    seconds = crowd.send_by_hand(ITEM)
    return {"turn": seconds / crowd.number * AT_ONCE, "all": seconds}


def _longest_turn(crowd: Crowd) -> Sample:
    turn, seconds = crowd.tell("1")
    return {"turn": turn, "all": seconds}
