"""Level 3: one message to many clients, with a server's whole stack below the application.

What is measured is the CPU time of the server's process for each client: the clients are in this
process, and read one after the other.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.compare import AGAIN, Comparison, Quantity, Run, Sample, Target, take_turns
from benchmarks.contenders import ITEM, Contender
from benchmarks.load import Audience
from benchmarks.options import Options
from benchmarks.over_sockets import SERVERS, TELLS_CPU_TIME, cpu_time
from tests.interop.servers import Process, Server

__all__ = ["MEMBERS", "QUANTITIES", "compare_to_many", "sample_broadcasts"]

MEMBERS: Final = int(os.environ.get("BENCHMARKS_MEMBERS", "150"))
"""Clients of each broadcast, those of all contenders open at once: 1,000 need `ulimit -n 8192`."""

AT_ONCE: Final = 10
"""Broadcasts that are asked for together."""

TARGETS: Final[Mapping[str, float]] = {"uvicorn": 1.2, "granian": 1.0, "hypercorn": 1.3}
"""The ratio to the loop by hand that is to be reached, by the server."""

QUANTITIES: Final = (
    *([Quantity("cpu", "µs of the server's CPU", scale=1e6, digits=1)] if TELLS_CPU_TIME else []),
    Quantity("time", "µs a client", scale=1e6, digits=1),
)


def compare_to_many(contenders: Mapping[str, Contender], options: Options) -> Iterator[Comparison]:
    """Return the tables of this level, each as it is done."""
    for server in SERVERS:
        title = f"broadcasts, {len(ITEM)} B, {server}, {MEMBERS} members, for each of them"
        if options.wants(title):
            at_most = TARGETS.get(str(server))
            targets = () if at_most is None else (Target("wsendpoints", "by hand", at_most),)
            yield Comparison(title, QUANTITIES, _measure(server, contenders, options), targets)


def _measure(
    server: Server, contenders: Mapping[str, Contender], options: Options
) -> dict[str, list[Sample]]:
    able = [
        (name, one)
        for name, one in contenders.items()
        if one.broadcast and not (one.broadcast_needs_asyncio and server.facts.on_trio)
    ]
    copy = able[0][1].name + AGAIN
    entrants = {contender.name: name for name, contender in able} | {copy: able[0][0]}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes: dict[str, Process] = {}
        for title, name in entrants.items():
            app = f"benchmarks.contenders.{name}:contender.broadcast"
            processes[title] = Process(server, app, folder / f"{len(processes)}.log")
            stack.callback(processes[title].kill)
        runs: dict[str, Run] = {}
        audiences: list[Audience] = []
        for title, process in processes.items():
            process.wait_until_it_accepts()
            audience = Audience(process.port, MEMBERS, ITEM)
            # To warm up.
            audience.have_sent(AT_ONCE)
            audiences.append(audience)
            runs[title] = partial(sample_broadcasts, process, audience, MEMBERS, options.seconds)
        samples = take_turns(runs, options.rounds)
        for audience in audiences:
            audience.disconnect()
        assert not [process.output() for process in processes.values() if process.errors()]
    return {title: samples[title] for title in entrants}


def sample_broadcasts(process: Process, audience: Audience, members: int, seconds: float) -> Sample:
    """Have messages sent to many for a while; return what each of them cost for each client."""
    broadcasts = 0
    began, cpu = time.perf_counter(), cpu_time(process)
    while time.perf_counter() < began + seconds:
        audience.have_sent(AT_ONCE)
        broadcasts += AT_ONCE
    took, cpu = time.perf_counter() - began, cpu_time(process) - cpu
    return {"cpu": cpu / broadcasts / members, "time": took / broadcasts / members}
