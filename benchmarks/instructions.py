"""What a message costs in instructions, as ratios: `python -m benchmarks.instructions`.

Unlike time, instructions hardly vary from run to run, whatever else the machine does, so this is
what `--check` tells a regression by. Valgrind counts them; what is done once, such as the
interpreter's start, cancels out, and the garbage collector is off.

Tasks are done without a server: see `benchmarks.without_server`. With `--server` the instructions
are those of a real server's process, for the five types, and with `--broadcast` for each client of
a broadcast: see `benchmarks.over_servers`.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from benchmarks.compare import Comparison, Quantity, Sample, Target
from benchmarks.contenders import Contender, load, load_all
from benchmarks.over_servers import CONNECTIONS, MEMBERS, count_over_server
from benchmarks.tables import describe_run, to_text
from benchmarks.valgrind import is_installed
from benchmarks.without_server import count_without_server
from benchmarks.workloads import JSON, JSON_PAGE, TEXT, TYPES, TYPES_LONG, Workload
from tests.interop.servers import SERVERS

__all__ = ["TASKS", "Table", "table_over"]

INSTRUCTIONS: Final = Quantity("instructions", "instructions", digits=0)

STARLETTE, LITESTAR = "starlette_endpoint", "litestar_listener"
NOT_PEERS: Final = ("by_hand", "by_hand_on_core", "by_hand_on_msgspec", "ours", "ours_on_msgspec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is counted, of which contenders, and what this library may take.

    Attributes:
        title: What the contenders do.
        contenders: Their modules; the first is the reference.
        ours: The module that the target and the bounds are about.
        target: The ratio to the reference that this library is to reach. That to a peer is 1.
        bounds: The ratios to contenders that it may not exceed: about 2 % above those measured with
            Python 3.11, pydantic 2.14, anyio 4.16 and the newest servers. A peer's is 1, where that
            is reached. Other versions may need others.
    """

    title: str
    contenders: Sequence[str] = ("by_hand", "ours", STARLETTE)
    ours: str = "ours"
    target: float | None = None
    bounds: Mapping[str, float]

    @property
    def checked(self) -> list[str]:
        """The contenders that the bounds are about."""
        return [name for name in self.contenders if name == self.ours or name in self.bounds]

    @property
    def targets(self) -> dict[str, float]:
        """The ratios that this library is to reach, by the contender that it is compared with."""
        of_reference = {} if self.target is None else {self.contenders[0]: self.target}
        return of_reference | {name: 1.0 for name in self.contenders if name not in NOT_PEERS}

    def compare(self, counts: Mapping[str, Sequence[float]]) -> Comparison:
        """Return the table of what was counted, of each contender."""
        titles = {name: load(name).name for name in counts}

        def to_targets(ratios: Mapping[str, float]) -> list[Target]:
            return [
                Target(titles[self.ours], titles[name], at_most)
                for name, at_most in ratios.items()
                if name in titles
            ]

        samples: dict[str, list[Sample]] = {
            titles[name]: [{"instructions": instructions} for instructions in found]
            for name, found in counts.items()
        }
        return Comparison(
            self.title,
            [INSTRUCTIONS],
            samples,
            to_targets(self.targets),
            to_targets(self.bounds),
        )


WITH_CORE: Final = ("by_hand_on_core", "by_hand", "ours", STARLETTE)


def on_msgspec(workload: Workload, bound: float) -> Table:
    """Return the table of what a loop by hand on msgspec does, and Litestar's listener."""
    return Table(
        title=f"{workload.name}, by msgspec",
        contenders=("by_hand_on_msgspec", "ours_on_msgspec", LITESTAR),
        ours="ours_on_msgspec",
        target=1.15,
        bounds={"by_hand_on_msgspec": bound, LITESTAR: 1.0},
    )


TASKS: Final[Mapping[str, Table]] = {
    "text": Table(title=TEXT.name, target=2.0, bounds={"by_hand": 2.0, STARLETTE: 1.0}),
    "json": Table(
        title=JSON.name,
        contenders=WITH_CORE,
        bounds={"by_hand_on_core": 1.31, STARLETTE: 1.0},
    ),
    "types": Table(
        title=TYPES.name,
        contenders=WITH_CORE,
        bounds={"by_hand_on_core": 1.03, STARLETTE: 1.0},
    ),
    "msgspec json": on_msgspec(JSON, 1.33),
    "msgspec json page": on_msgspec(JSON_PAGE, 1.05),
    "msgspec types": on_msgspec(TYPES, 1.035),
    "msgspec types, long": on_msgspec(TYPES_LONG, 1.03),
    "connect": Table(title="connect and disconnect", bounds={"by_hand": 7.75}),
    "own connect": Table(
        title="connect and disconnect, in a hook of its own", target=6.0, bounds={"by_hand": 12.9}
    ),
    "push": Table(title="push from a task", target=1.3, bounds={"by_hand": 2.21, STARLETTE: 1.0}),
    "stream": Table(title="item of a stream", target=1.5, bounds={"by_hand": 2.02}),
}
"""What is counted without a server."""

SERVER_BOUNDS: Final[Mapping[str, Mapping[str, float]]] = {
    "granian": {"by_hand": 0.90, STARLETTE: 1.0, LITESTAR: 1.0},
    "uvicorn": {"by_hand": 0.91, STARLETTE: 1.0, LITESTAR: 1.0},
}
"""The servers that are checked: a message takes the same path through this library on others."""


BROADCAST_BOUNDS: Final[Mapping[str, Mapping[str, float]]] = {
    "granian": {"by_hand": 1.55},
    "uvicorn": {"by_hand": 1.15},
}
"""The servers that broadcasts are checked over.

On granian each send has to wait, and the loop by hand waits for one after the other: what a switch
of threads costs for each of them is no instruction of the process. See `benchmarks.to_many`.
"""


def broadcasts_over(server: str) -> Table:
    """Return the table of broadcasts over a server."""
    return Table(
        title=f"broadcasts, 100 B, {server}, {MEMBERS} members, for each of them",
        contenders=("by_hand", "ours", STARLETTE, LITESTAR),
        bounds=BROADCAST_BOUNDS.get(server, {}),
    )


def table_over(server: str, contenders: Mapping[str, Contender]) -> Table:
    """Return the table of the five types over a server: that of the contenders that run there."""
    on_trio = SERVERS[server].facts.on_trio
    return Table(
        title=f"{TYPES.name}, {server}, {CONNECTIONS} connections",
        contenders=[
            name for name, one in contenders.items() if not (on_trio and one.needs_asyncio)
        ],
        target=1.0,
        bounds=SERVER_BOUNDS.get(server, {}),
    )


Count: TypeAlias = Callable[[int], dict[str, float]]
"""Returns the instructions of contenders, with a seed of `benchmarks.valgrind.counted`."""


def count_over(server: str, name: str, task: str, seed: int) -> dict[str, float]:
    """Count what a contender takes over a server."""
    return {name: count_over_server(server, name, seed, task)}


def compare_all(
    tables: Sequence[tuple[Table, Sequence[Count]]], rounds: int
) -> Iterator[Comparison]:
    """Return the tables, each as it is done."""
    # Instructions are the same however many processes there are.
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        running = [
            (table, [executor.submit(job, seed) for seed in range(rounds) for job in jobs])
            for table, jobs in tables
        ]
        for table, futures in running:
            counts: dict[str, list[float]] = {}
            for future in futures:
                for name, instructions in future.result().items():
                    counts.setdefault(name, []).append(instructions)
            yield table.compare(counts)


def main() -> bool:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description=__doc__.splitlines()[0] if __doc__ else None,
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="count what has bounds, and exit with 1 if one is exceeded",
    )
    parser.add_argument(
        "--task", action="append", choices=TASKS, help="only this one; may be given again"
    )
    parser.add_argument(
        "--server",
        action="append",
        choices=SERVERS,
        help="five types over this server; may be given again",
    )
    parser.add_argument(
        "--broadcast",
        action="append",
        choices=SERVERS,
        help="broadcasts over this server; may be given again",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=5,
        help="how often to count, each time with things at other places in memory (default: 5)",
    )
    arguments = parser.parse_args()
    if not is_installed():
        parser.error("valgrind is not installed: on Debian and Ubuntu, apt-get install valgrind")
    if arguments.task or arguments.server or arguments.broadcast:
        tasks, servers = arguments.task or (), arguments.server or ()
        broadcasts = arguments.broadcast or ()
    else:
        tasks, servers = TASKS, SERVER_BOUNDS if arguments.check else ()
        broadcasts = BROADCAST_BOUNDS if arguments.check else ()
    contenders, missing = load_all()
    run = describe_run("benchmarks.instructions", sys.argv[1:])
    print(*run, *missing, sep="\n", flush=True)
    tables: list[tuple[Table, list[Count]]] = []
    for task in tasks:
        table = TASKS[task]
        tables.append((table, [partial(count_without_server, task, table.contenders)]))
    for server in servers:
        table = table_over(server, contenders)
        # A server is started for each of them, which takes long.
        names = table.checked if arguments.check else table.contenders
        tables.append((table, [partial(count_over, server, name, "types") for name in names]))
    for server in broadcasts:
        table = broadcasts_over(server)
        names = [
            name
            for name in (table.checked if arguments.check else table.contenders)
            if name in contenders
        ]
        tables.append((table, [partial(count_over, server, name, "broadcast") for name in names]))
    are_kept = True
    for comparison in compare_all(tables, arguments.rounds):
        print(f"\n{to_text(comparison)}", flush=True)
        are_kept = are_kept and comparison.keeps_bounds
    return are_kept or not arguments.check


if __name__ == "__main__":
    sys.exit(not main())
