"""Level 3: what a broadcast costs that goes by a backplane to other processes too."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.compare import AGAIN, Comparison, Run, Sample, Target, take_turns
from benchmarks.contenders import ITEM, Contender
from benchmarks.load import Audience
from benchmarks.options import Options
from benchmarks.to_many import MEMBERS, QUANTITIES, sample_broadcasts
from tests.interop.servers import SERVERS, Process
from tests.ports import HOST, reserve_port

__all__ = ["compare_backplanes"]

BY_HAND: Final = "by hand"

QUIET: Final = replace(
    SERVERS["uvicorn"], arguments=f"{SERVERS['uvicorn'].arguments} --ws-ping-interval 3600"
)
"""Its pings would come between the messages: connecting so many clients takes a while."""

APPS: Final[Mapping[str, str]] = {
    BY_HAND: "benchmarks.contenders.by_hand:contender.broadcast",
    BY_HAND + AGAIN: "benchmarks.contenders.by_hand:contender.broadcast",
    "in memory": "benchmarks.shared:in_memory",
    "LocalBackplane": "benchmarks.shared:local",
    "... with history": "benchmarks.shared:local_history",
    "RedisBackplane": "benchmarks.shared:redis",
    "RedisBackplane with history": "benchmarks.shared:redis_history",
}
"""What is compared. By hand it is a loop of sends, in one process, with nothing beside it."""

TARGETS: Final = (
    Target("RedisBackplane", BY_HAND, 1.3),
    Target("RedisBackplane with history", BY_HAND, 1.35),
)


def compare_backplanes(
    contenders: Mapping[str, Contender],
    options: Options,
) -> Iterator[Comparison]:
    """Return the table."""
    title = f"broadcasts by a backplane, {len(ITEM)} B, uvicorn, {MEMBERS} members, for each"
    if options.wants(title) and shutil.which("redis-server"):
        yield Comparison(title, QUANTITIES, _measure(options), TARGETS)


def _measure(options: Options) -> dict[str, list[Sample]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["REDIS_URL"] = _start_redis(stack, folder)
        processes = {
            title: Process(QUIET, app, folder / f"{number}.log")
            for number, (title, app) in enumerate(APPS.items())
        }
        for process in processes.values():
            stack.callback(process.kill)
        runs: dict[str, Run] = {}
        audiences: list[Audience] = []
        for title, process in processes.items():
            process.wait_until_it_accepts()
            audience = Audience(process.port, MEMBERS, ITEM)
            # To warm up.
            audience.have_sent(10)
            audiences.append(audience)
            runs[title] = partial(sample_broadcasts, process, audience, MEMBERS, options.seconds)
        samples = take_turns(runs, options.rounds)
        for audience in audiences:
            audience.disconnect()
        assert not [process.output() for process in processes.values() if process.errors()]
    return {title: samples[title] for title in APPS}


def _start_redis(stack: ExitStack, folder: Path) -> str:
    """Start a Redis, and return its URL."""
    port = stack.enter_context(reserve_port()).getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
        [
            *("redis-server", "--port", str(port), "--bind", HOST, "--save", ""),
            *("--dir", str(folder), "--logfile", str(folder / "redis.log")),
        ]
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "Redis takes no connection after 20 s"
            time.sleep(0.02)  # until it listens: nothing tells it to wait for
        else:
            return f"redis://{HOST}:{port}/0"
