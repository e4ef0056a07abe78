"""The instructions of an application for a message, or a connection, without a server.

A process for each task imports what its contenders share, and forks for each run, since to start
takes Valgrind longer than most runs. Each contender has a shorter run and a longer one; what the
longer takes more is counted.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from benchmarks.contenders import ITEM, App, load
from benchmarks.plain_server import ask_for, connect, converse, replies_of
from benchmarks.valgrind import counted, instructions_of, prepare
from benchmarks.workloads import JSON, JSON_PAGE, TEXT, TYPES, TYPES_LONG, Workload

__all__ = ["count_without_server"]

WARM_UP: Final = 2000
"""Messages, or connections, of the shorter run: by then the interpreter has adapted to them."""

NUMBER: Final = 1000
"""How many more the longer run has."""

CHECKED: Final = 50
"""How many replies are checked."""

_WORKLOADS: Final[Mapping[str, Workload]] = {
    "text": TEXT,
    "json": JSON,
    "types": TYPES,
    "msgspec json": JSON,
    "msgspec json page": JSON_PAGE,
    "msgspec types": TYPES,
    "msgspec types, long": TYPES_LONG,
}
_CONNECTING: Final[Mapping[str, str]] = {"connect": "types", "own connect": "own_connect"}
"""Tasks whose application is named otherwise."""


def count_without_server(task: str, names: Sequence[str], seed: int) -> dict[str, float]:
    """Return the instructions of one message, or connection, of each contender.

    Args:
        task: What they do.
        names: Their modules.
        seed: See `benchmarks.valgrind.counted`.

    Raises:
        RuntimeError: Valgrind failed, or what it ran.
    """
    with tempfile.TemporaryDirectory() as folder:
        served = [sys.executable, "-m", "benchmarks.without_server", task, *names]
        done = subprocess.run(  # noqa: S603 - the command is the one above
            counted(served, Path(folder), seed),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(served)} failed:\n{done.stderr}")
        counts = [instructions_of(Path(folder), int(process)) for process in done.stdout.split()]
        pairs = zip(counts[::2], counts[1::2], strict=True)
        return dict(zip(names, ((more - fewer) / NUMBER for fewer, more in pairs), strict=True))


def _do_all(task: str, names: Sequence[str]) -> None:
    """Fork for a shorter and a longer run of each contender, and print the processes' ids."""
    fork = get_context("fork")
    for name in names:
        for number in (WARM_UP, WARM_UP + NUMBER):
            process = fork.Process(target=_do, args=(task, name, number))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(f"{name} failed")
            print(process.pid)


def _do(task: str, name: str, number: int) -> None:
    """Serve so many messages or connections, and check the replies."""
    prepare()
    contender = load(name)
    workload = _WORKLOADS.get(task)
    named = _CONNECTING.get(task, task) if workload is None else workload.task
    app: App = getattr(contender, named)
    if task in _CONNECTING:
        asyncio.run(connect(app, number))
    elif workload is not None:
        _, sent = asyncio.run(converse(app, workload.frames(contender), number))
        assert len(sent) == number + 1
        # No more of them, since to check one takes longer than to answer it.
        workload.check(contender, replies_of(sent)[:CHECKED])
    else:
        assert replies_of(asyncio.run(ask_for(app, number))) == [ITEM] * number


if __name__ == "__main__":
    _do_all(sys.argv[1], sys.argv[2:])
