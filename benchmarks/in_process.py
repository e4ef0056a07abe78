"""Level 1: what the application's side costs alone, without a server and sockets.

"Hot", the next message is there as soon as the application asks for it. Otherwise each message, or
each reply, takes a turn of the event loop, as with a server that reads from a socket, or whose
client is slow to read.
"""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from benchmarks.compare import AGAIN, Comparison, Quantity, Run, Sample, Target, take_turns
from benchmarks.contenders import Contender
from benchmarks.contenders.beside import BESIDE, BY_HAND, CONCURRENT, KEYED
from benchmarks.contenders.ours import MEMBERS, WITH_LIMITS
from benchmarks.contenders.traced import TRACED
from benchmarks.options import Options
from benchmarks.plain_server import Turn, connect, converse, hold, replies_of
from benchmarks.workloads import JSON, JSON_PAGE, TEXT, TYPES, TYPES_LONG, Workload
from wsendpoints.protocol.asgi import ASGIApp

__all__ = ["compare_in_process"]

CHECKED: Final = 50
"""Messages of each contender whose replies are checked before it is timed."""

TURN: Final = 0.06
"""Seconds that a contender's turn may take, about: the slow ones are given less to do."""

LEAST: Final = 200
"""Messages, or connections, that even the slowest is given."""

CONNECTIONS: Final = 1000
"""Connections that are opened and closed, in a turn."""

IDLE: Final = 2000
"""Connections that are open at once."""

MESSAGE: Final = Quantity("time", "µs a message", scale=1e6)
MORE: Final = Quantity("time", "µs a message", scale=1e6, shows="difference")
CONNECTION: Final = Quantity("time", "µs a connection", scale=1e6)
MEMORY: Final = Quantity("bytes", "bytes a connection", digits=0, shows="difference")

HAND, CORE, OURS = "by hand", "by hand, pydantic's core", "wsendpoints"
HAND_MSGSPEC, OURS_MSGSPEC, LITESTAR = (
    "by hand, msgspec",
    "wsendpoints, msgspec",
    "Litestar's listener",
)

ON_MSGSPEC: Final = (
    Target(OURS_MSGSPEC, HAND_MSGSPEC, 1.15),
    Target(OURS_MSGSPEC, LITESTAR, 1.0),
)

MESSAGES: Final[Mapping[tuple[Workload, Turn], tuple[Target, ...]]] = {
    (TEXT, "none"): (Target(OURS, HAND, 2.5),),
    (TEXT, "message"): (),
    (JSON, "none"): (Target(OURS, HAND, 0.35), *ON_MSGSPEC),
    (JSON, "message"): (),
    (JSON_PAGE, "none"): (Target(OURS, HAND, 0.55), *ON_MSGSPEC),
    (JSON_PAGE, "message"): (),
    (TYPES, "none"): (Target(OURS, HAND, 0.80), Target(OURS, CORE, 1.15), *ON_MSGSPEC),
    (TYPES, "message"): (Target(OURS, HAND, 0.88),),
    (TYPES, "reply"): (),
    (TYPES_LONG, "none"): (
        Target(OURS, HAND, 0.82),
        Target(OURS, CORE, 1.05),
        *ON_MSGSPEC,
    ),
    (TYPES_LONG, "message"): (),
}
"""What is measured, and what is to be reached."""

WITH_TURN: Final[Mapping[Turn, str]] = {
    "none": "hot",
    "message": "one loop turn a message",
    "reply": "one loop turn a reply",
}


def compare_in_process(
    contenders: Mapping[str, Contender], options: Options
) -> Iterator[Comparison]:
    """Return the tables of this level, each as it is done."""
    # Otherwise a garbage collection takes longer for what the other contenders have loaded.
    gc.collect()
    gc.freeze()
    for (workload, turn), targets in MESSAGES.items():
        title = f"{workload.name}, {WITH_TURN[turn]}"
        if options.wants(title):
            runs = {
                contender.name: _messages(contender, workload, app, turn, options.messages)
                if (app := contender.app(workload.task))
                else None
                for contender in contenders.values()
            }
            yield _compare(title, MESSAGE, runs, options.rounds, targets)
    yield from _compare_limits(contenders, options)
    yield from _compare_beside(contenders, options)
    yield from _compare_traced(contenders, options)
    yield from _compare_connections(contenders, options)


def _compare_limits(contenders: Mapping[str, Contender], options: Options) -> Iterator[Comparison]:
    for turn in WITH_TURN:
        title = f"limits, {WITH_TURN[turn]}"
        if options.wants(title) and "ours" in contenders:
            runs: dict[str, Run | None] = {
                name: _messages(contenders["ours"], TYPES, app, turn, options.messages)
                for name, app in WITH_LIMITS.items()
            }
            without, *_, with_all = WITH_LIMITS
            targets = (Target(with_all, without, 1.10),)
            yield _compare(title, MESSAGE, runs, options.rounds, targets)


def _compare_beside(contenders: Mapping[str, Contender], options: Options) -> Iterator[Comparison]:
    title = "handlers beside each other, one loop turn a message"
    if options.wants(title) and "ours" in contenders:
        runs: dict[str, Run | None] = {
            name: _messages(contenders["ours"], TYPES, app, "message", options.messages)
            for name, app in BESIDE.items()
        }
        targets = (Target(CONCURRENT, BY_HAND, 3), Target(KEYED, BY_HAND, 3))
        yield _compare(title, MORE, runs, options.rounds, targets)


def _compare_traced(contenders: Mapping[str, Contender], options: Options) -> Iterator[Comparison]:
    title = f"telemetry, {WITH_TURN['message']}"
    if options.wants(title) and "ours" in contenders:
        runs: dict[str, Run | None] = {
            name: _messages(contenders["ours"], TYPES, app, "message", options.messages)
            for name, app in TRACED.items()
        }
        yield _compare(title, MORE, runs, options.rounds, ())


def _compare_connections(
    contenders: Mapping[str, Contender], options: Options
) -> Iterator[Comparison]:
    apps = {
        contender.name: (contender, contender.types)
        for contender in contenders.values()
        if contender.types is not None
    }
    if options.wants(title := "connect and disconnect"):
        runs: dict[str, Run | None] = {name: _connections(app) for name, (_, app) in apps.items()}
        # Ten times is what was aimed at, not what is reached: docs/performance.md says why.
        yield _compare(title, CONNECTION, runs, options.rounds, (Target(OURS, HAND, 10),))
    for has_spoken in (False, True):
        title = f"memory of an idle connection, {'after' if has_spoken else 'before'} a message"
        if options.wants(title):
            held: dict[str, Run | None] = {
                name: partial(_held, app, TYPES.frames(contender)[0] if has_spoken else None)
                for name, (contender, app) in apps.items()
            }
            yield _compare_memory(title, held, options, Target(OURS, HAND, 3 * 1024))
    if options.wants(title := "memory of an idle connection, in groups"):
        held = {name: partial(_held, app, None) for name, app in MEMBERS.items()}
        without, with_one, _ = MEMBERS
        yield _compare_memory(title, held, options, Target(with_one, without, 1024))


def _compare_memory(
    title: str, held: Mapping[str, Run | None], options: Options, target: Target
) -> Comparison:
    # It hardly varies.
    return _compare(title, MEMORY, held, min(options.rounds, 3), (target,))


def _compare(
    title: str,
    quantity: Quantity,
    runs: Mapping[str, Run | None],
    rounds: int,
    targets: tuple[Target, ...],
) -> Comparison:
    """Have them take turns, with the first one's copy; those that are `None` have no answer."""
    reference = next(iter(runs))
    able = {name: run for name, run in runs.items() if run is not None}
    samples = take_turns({**able, reference + AGAIN: able[reference]}, rounds)
    return Comparison(
        title,
        [quantity],
        {name: samples.get(name, []) for name in (*runs, reference + AGAIN)},
        targets,
    )


def _messages(contender: Contender, workload: Workload, app: ASGIApp, turn: Turn, most: int) -> Run:
    """Check what it answers, and return what times it."""
    frames = workload.frames(contender)

    def time_messages(number: int) -> float:
        gc.collect()
        seconds, sent = asyncio.run(converse(app, frames, number, turn=turn))
        assert len(sent) == number + 1
        if number == CHECKED:
            workload.check(contender, replies_of(sent))
        return seconds / number

    time_messages(CHECKED)
    return _in_time(time_messages, most)


def _connections(app: ASGIApp) -> Run:
    def time_connections(number: int) -> float:
        gc.collect()
        return asyncio.run(connect(app, number)) / number

    return _in_time(time_connections, CONNECTIONS)


def _in_time(measure: Callable[[int], float], most: int) -> Run:
    """Return what measures as many times as there is time for in a turn."""
    measure(LEAST)
    number = max(min(int(TURN / measure(LEAST)), most), LEAST)

    def run() -> Sample:
        return {"time": measure(number)}

    return run


def _held(app: ASGIApp, frame: str | None) -> Sample:
    tracemalloc.start()
    try:
        return {"bytes": asyncio.run(hold(app, frame, IDLE))}
    finally:
        tracemalloc.stop()
