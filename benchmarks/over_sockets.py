"""Level 2: messages over sockets, with a server's whole stack below the application.

Each contender has a process of the server's, with one worker; all are started first, and wait
while it is not their turn. The clients are in this process.
"""

import gc
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Final

from benchmarks.compare import AGAIN, Comparison, Quantity, Run, Sample, Target, take_turns
from benchmarks.contenders import Contender
from benchmarks.load import Load
from benchmarks.options import Options
from benchmarks.workloads import TEXT, TYPES, Workload
from tests.interop.servers import Process, Server

__all__ = ["SERVERS", "TELLS_CPU_TIME", "compare_over_sockets", "cpu_time"]

CONNECTIONS: Final = 50

SERVERS: Final = (
    Server(
        "uvicorn",
        "uvicorn {app} --host 127.0.0.1 --port {port} --log-level warning --no-access-log "
        "--ws websockets-sansio --loop uvloop",
    ),
    Server(
        "hypercorn",
        "hypercorn {app} --bind 127.0.0.1:{port} --log-level warning -k uvloop",
    ),
    Server(
        "hypercorn-trio",
        "hypercorn {app} --bind 127.0.0.1:{port} --log-level warning -k trio",
    ),
    Server(
        "granian",
        "granian {app} --interface asgi --host 127.0.0.1 --port {port} --log-level warning "
        "--loop uvloop --workers-kill-timeout 1",
    ),
)
"""All but trio on uvloop, so that the applications' share is as large as it gets."""

TARGETS: Final[Mapping[Workload, Sequence[Target]]] = {
    TYPES: (Target("wsendpoints", "by hand", 1.00),),
    TEXT: (),
}
"""What is to be reached over each server."""

PROCESSES: Final = Path("/proc")
TELLS_CPU_TIME: Final = (PROCESSES / "self" / "schedstat").exists()
"""Whether the system tells how long a process had a CPU, to the nanosecond, as Linux does."""

QUANTITIES: Final = (
    Quantity("time", "µs a message", scale=1e6, digits=1),
    # It stays the same where others use the machine at the same time.
    *([Quantity("cpu", "µs of the server's CPU", scale=1e6, digits=1)] if TELLS_CPU_TIME else []),
    Quantity("rate", "messages a second", digits=0, shows="nothing"),
    Quantity("p50", "p50, ms", scale=1e3),
    Quantity("p99", "p99, ms", scale=1e3),
)


def compare_over_sockets(
    contenders: Mapping[str, Contender], options: Options
) -> Iterator[Comparison]:
    """Return the tables of this level, each as it is done."""
    for server in SERVERS:
        for workload in TARGETS:
            title = f"{workload.name}, {server}, {CONNECTIONS} connections"
            if options.wants(title):
                samples = _measure(server, workload, contenders, options)
                yield Comparison(title, QUANTITIES, samples, TARGETS[workload])


def _measure(
    server: Server, workload: Workload, contenders: Mapping[str, Contender], options: Options
) -> dict[str, list[Sample]]:
    """Return the samples of each contender, and of the first one's copy, on a server."""
    able = [
        (name, one)
        for name, one in contenders.items()
        if one.app(workload.task) and not (one.needs_asyncio and server.facts.on_trio)
    ]
    copy = able[0][1].name + AGAIN
    entrants = {contender.name: (name, contender) for name, contender in able} | {copy: able[0]}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes: dict[str, Process] = {}
        for title, (name, _) in entrants.items():
            app = f"benchmarks.contenders.{name}:contender.{workload.task}"
            processes[title] = Process(server, app, folder / f"{len(processes)}.log")
            stack.callback(processes[title].kill)
        runs: dict[str, Run] = {}
        for title, (_, contender) in entrants.items():
            processes[title].wait_until_it_accepts()
            frames = workload.frames(contender)
            load = Load(processes[title].port, frames, partial(workload.check, contender))
            runs[title] = partial(_sample, processes[title], load, options.seconds)
            runs[title]()  # to warm up
        samples = take_turns(runs, options.rounds)
        assert not [process.output() for process in processes.values() if process.errors()]
    titles = [contender.name for contender in contenders.values()]
    return {title: samples.get(title, []) for title in (*titles, copy)}


def _sample(process: Process, load: Load, seconds: float) -> Sample:
    gc.collect()
    load.connect(CONNECTIONS)
    cpu = cpu_time(process)
    took, latencies = load.talk(seconds)
    cpu = cpu_time(process) - cpu
    load.disconnect()
    cuts = quantiles(latencies, n=100)
    return {
        "time": took / len(latencies),
        "cpu": cpu / len(latencies),
        "rate": len(latencies) / took,
        "p50": cuts[49],
        "p99": cuts[98],
    }


def cpu_time(process: Process) -> float:
    """Return the seconds that a server and its workers have had a CPU; 0 if it can't be told."""
    if not TELLS_CPU_TIME:
        return 0.0
    group = process.pid
    nanoseconds = 0
    for folder in PROCESSES.glob("[0-9]*"):
        # A process of others may end meanwhile.
        with suppress(OSError):
            # What stands before it has the command's name in brackets, with any characters.
            _, _, fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")
            if int(fields.split()[2]) == group:
                for thread in (folder / "task").iterdir():
                    schedule = (thread / "schedstat").read_text(encoding="ascii")
                    nanoseconds += int(schedule.split()[0])
    return nanoseconds / 1e9
