"""Level 3: how late a message reaches the others while one member of a group does not read.

It is the time from when a client says something until each of them has it. The one that does not
read has joined just before, so that each turn has all that becomes of it: the system's buffers take
what is sent to it, then its outbox does, then it is closed with 1013.
"""

import gc
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Final

from benchmarks.compare import AGAIN, Comparison, Quantity, Sample, take_turns
from benchmarks.contenders import Contender
from benchmarks.deliveries import Listeners, Silent
from benchmarks.options import Options
from benchmarks.over_sockets import SERVERS
from tests.interop.servers import Process

__all__ = ["compare_slow_member"]

UVICORN: Final = SERVERS[0]

MEMBERS: Final = 100
"""Clients that read."""

PAGE: Final = "x" * 20_000
"""What is said: long enough for the buffers to be full soon."""

TIMES: Final = 400
"""How often, in a turn: Linux has buffers for some 207, and the outbox is full with 52 more."""

AT_MOST: Final = 1.0
"""Seconds that count for what comes later, or not at all: a loop by hand waits for ever."""

WARM_UP: Final = 20

CLOSED_WITH: Final[Mapping[str, int]] = {"ours": 1013}
"""The code that the one that does not read is closed with, by the contender."""

ALL, NOT_ONE = "all read", "one does not read"

QUANTITIES: Final = (
    Quantity("p99", "p99, ms", scale=1e3),
    Quantity("p50", "p50, ms", scale=1e3),
    Quantity("longest", "the longest, ms", scale=1e3),
)


def compare_slow_member(
    contenders: Mapping[str, Contender], options: Options
) -> Iterator[Comparison]:
    """Return a table of each contender, as it is done."""
    for name, contender in contenders.items():
        title = (
            f"broadcasts, {len(PAGE) // 1000} KB, {UVICORN}, {MEMBERS} members that read "
            f"and one that does not, {contender.name}"
        )
        if contender.relay and options.wants(title):
            yield Comparison(title, QUANTITIES, _measure(name, options.rounds))


def _measure(name: str, rounds: int) -> dict[str, list[Sample]]:
    with tempfile.TemporaryDirectory() as folder:
        app = f"benchmarks.contenders.{name}:contender.relay"
        process = Process(UVICORN, app, Path(folder) / "log")
        try:
            process.wait_until_it_accepts()
            _say(process.port, WARM_UP)
            runs = {
                ALL: partial(_all_read, process.port),
                NOT_ONE: partial(_one_does_not, process.port, CLOSED_WITH.get(name)),
                ALL + AGAIN: partial(_all_read, process.port),
            }
            samples = take_turns(runs, rounds)
        finally:
            process.kill()
        assert not process.errors(), process.output()
    return samples


def _all_read(port: int) -> Sample:
    gc.collect()
    return _sample(_say(port, TIMES))


def _one_does_not(port: int, closed_with: int | None) -> Sample:
    gc.collect()
    silent = Silent(port)
    listeners = Listeners(port, MEMBERS, PAGE)
    latencies = listeners.latencies(TIMES, AT_MOST)
    if closed_with is None:
        # It ends what waits for it.
        silent.reset()
    else:
        number, code = silent.read_to_close(PAGE)
        assert number < TIMES
        assert code == closed_with
    listeners.disconnect()
    return _sample(latencies)


def _say(port: int, times: int) -> list[float]:
    listeners = Listeners(port, MEMBERS, PAGE)
    latencies = listeners.latencies(times, AT_MOST)
    listeners.disconnect()
    return latencies


def _sample(latencies: list[float]) -> Sample:
    cuts = quantiles(latencies, n=100)
    return {"p99": cuts[98], "p50": cuts[49], "longest": max(latencies)}
