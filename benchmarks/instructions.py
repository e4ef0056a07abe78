"""What a message costs in instructions, as ratios: `python -m benchmarks.instructions`.

Unlike time, instructions hardly vary from run to run, whatever else the machine does, so this is
what `--check` tells a regression by. Valgrind counts them in processes that serve 1,000 messages,
or connections, more or less; the difference is what these take. The interpreter's start and all
that is done once cancel out, and the garbage collector is off.
"""

import argparse
import asyncio
import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.compare import Comparison, Quantity, Sample, Target
from benchmarks.contenders import load
from benchmarks.plain_server import connect, converse, replies_of
from benchmarks.tables import describe_run, to_text
from benchmarks.workloads import JSON, TEXT, TYPES, Workload
from wsendpoints.protocol.asgi import ASGIApp

__all__ = ["BOUNDS"]

WARM_UP: Final = 2000
"""Messages, or connections, of the shorter run: by then the interpreter has adapted to them."""

NUMBER: Final = 1000
"""How many more the longer run has."""

CHECKED: Final = 50

INSTRUCTIONS: Final = Quantity("instructions", "instructions", digits=0)

WORKLOADS: Final[Mapping[str, Workload]] = {"text": TEXT, "json": JSON, "types": TYPES}
CONNECT: Final = "connect"

CONTENDERS: Final[Mapping[str, Sequence[str]]] = {
    "text": ("by_hand", "ours", "starlette_endpoint"),
    "json": ("by_hand_on_core", "by_hand", "ours", "starlette_endpoint"),
    "types": ("by_hand_on_core", "by_hand", "ours", "starlette_endpoint"),
    CONNECT: ("by_hand", "ours", "starlette_endpoint"),
}
"""Who does what; the first is the reference."""

BOUNDS: Final[Mapping[str, float]] = {"text": 2.31, "json": 1.32, "types": 1.03, CONNECT: 9.35}
"""How many of the reference's instructions this library may take.

About 2 % above what it took with Python 3.11, pydantic 2.14 and anyio 4.16: other versions may need
others.
"""

Run: TypeAlias = tuple[str, str]
"""A task, and the module of the contender that does it."""


def app_of(task: str, name: str) -> tuple[ASGIApp, list[str]]:
    """Return a contender's application for a task, and the frames to send it."""
    contender = load(name)
    workload = WORKLOADS.get(task, TYPES)
    app = contender.app(workload.task)
    assert app is not None
    return app, workload.frames(contender)


def serve(task: str, name: str, number: int) -> None:
    """Serve so many messages or connections; this is what a counted process does."""
    app, frames = app_of(task, name)
    gc.disable()
    asyncio.run(connect(app, number) if task == CONNECT else converse(app, frames, number))


def check_replies(task: str, name: str) -> None:
    """Check what a contender answers, before anything is counted."""
    app, frames = app_of(task, name)
    _, sent = asyncio.run(converse(app, frames, CHECKED))
    WORKLOADS.get(task, TYPES).check(load(name), replies_of(sent))


def count(run: Run) -> float:
    """Return the instructions of one message, or connection."""
    fewer, more = (count_process(*run, number) for number in (WARM_UP, WARM_UP + NUMBER))
    return (more - fewer) / NUMBER


def count_process(task: str, name: str, number: int) -> int:
    """Return the instructions of a process.

    Raises:
        RuntimeError: Valgrind failed, or what it ran.
    """
    command = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        sys.executable,
        "-m",
        "benchmarks.instructions",
        "--serve",
        task,
        name,
        str(number),
    ]
    done = subprocess.run(  # noqa: S603 - the command is the one above
        command,
        cwd=Path(__file__).parents[1],
        # The order in which things are hashed is to be the same in both runs.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(found[1].replace(",", ""))


def compare(task: str, counts: Mapping[Run, float]) -> Comparison:
    """Return the table of a task."""
    names = {name: load(name).name for name in CONTENDERS[task]}
    samples: dict[str, list[Sample]] = {
        title: [{"instructions": counts[task, name]}] for name, title in names.items()
    }
    title = "connect and disconnect" if task == CONNECT else WORKLOADS[task].name
    bound = Target(names["ours"], next(iter(samples)), BOUNDS[task])
    return Comparison(title, [INSTRUCTIONS], samples, [bound])


def main() -> bool:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description=__doc__.splitlines()[0] if __doc__ else None,
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound is exceeded")
    parser.add_argument("--task", choices=CONTENDERS, help="only this one")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        task, name, number = arguments.serve
        serve(task, name, int(number))
        return True
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed: on Debian and Ubuntu, apt-get install valgrind")
    tasks = [task for task in CONTENDERS if arguments.task in {task, None}]
    runs: list[Run] = [(task, name) for task in tasks for name in CONTENDERS[task]]
    for run in runs:
        check_replies(*run)
    # Instructions are the same however many processes there are.
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        counts = dict(zip(runs, executor.map(count, runs), strict=True))
    print(*describe_run("benchmarks.instructions", sys.argv[1:]), sep="\n")
    comparisons = [compare(task, counts) for task in tasks]
    for comparison in comparisons:
        print(f"\n{to_text(comparison)}")
    return not arguments.check or all(comparison.is_reached for comparison in comparisons)


if __name__ == "__main__":
    sys.exit(not main())
