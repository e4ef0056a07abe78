"""The instructions of a real server's process for a message, counted while clients talk to it.

The server's process writes its count before and after the messages, so that its start, the
handshakes and the warm-up are not in the difference. The clients are in this process, which is not
counted.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from benchmarks.contenders import ITEM, load
from benchmarks.load import Audience, Load
from benchmarks.valgrind import counted, instructions_of
from benchmarks.workloads import TYPES
from tests.interop.servers import SERVERS, Process, Server

__all__ = ["CONNECTIONS", "MEMBERS", "count_over_server"]

CONNECTIONS: Final = 10

WARM_UP: Final = 100
"""Messages of each connection before those that are counted."""

NUMBER: Final = 200
"""Messages of each connection that are counted."""

MEMBERS: Final = 100
"""Clients of a broadcast."""

BROADCASTS: Final = 50
"""How many are counted, and how many come before, to warm up."""

PATIENCE: Final = 120.0
"""Seconds that a server may take to start, and to answer: Valgrind makes it slow."""


@dataclass(frozen=True, slots=True)
class CountedServer(Server):
    """A server that runs under Valgrind, with all the processes that it starts.

    Attributes:
        contender: The module of the application that it serves.
        task: What that does.
        folder: Where its processes write what they have counted.
        seed: See `benchmarks.valgrind.counted`.
    """

    contender: str = ""
    task: str = "types"
    folder: Path = Path()
    seed: int = 0

    def command(self, app: str, port: int) -> list[str]:
        """Return the command that serves `app`, as `module:name`."""
        command = counted(super(CountedServer, self).command(app, port), self.folder, self.seed)
        named = f"BENCHMARKS_CONTENDER={self.contender}", f"BENCHMARKS_TASK={self.task}"
        return ["env", *named, *command]


def count_over_server(name: str, contender: str, seed: int, task: str = "types") -> float:
    """Return the instructions of one message, of a server that serves the five types.

    With the task `"broadcast"` they are those of one message to one of many.

    Raises:
        RuntimeError: It did not start, or it logged an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        counts.mkdir()
        server = CountedServer(
            name,
            SERVERS[name].arguments,
            contender=contender,
            task=task,
            folder=counts,
            seed=seed,
        )
        process = Process(server, "benchmarks.served:app", Path(folder) / "log")
        try:
            process.wait_until_it_accepts(PATIENCE)
            count = _count if task == "types" else _count_broadcasts
            instructions = count(process.port, contender, counts)
        finally:
            process.kill()
        if process.errors():
            raise RuntimeError(f"{name} logged errors:\n{process.output()}")
        return instructions


def _count(port: int, contender: str, counts: Path) -> float:
    one = load(contender)
    clients = Load(port, TYPES.frames(one), partial(TYPES.check, one), PATIENCE)
    _ask_for_count(port)  # to warm up
    clients.connect(CONNECTIONS)
    clients.take_turns(WARM_UP)
    instructions = _instructions(port, counts, partial(clients.take_turns, NUMBER))
    clients.disconnect()
    return instructions / (CONNECTIONS * NUMBER)


def _count_broadcasts(port: int, _contender: str, counts: Path) -> float:
    _ask_for_count(port)
    members = Audience(port, MEMBERS, ITEM, PATIENCE)
    members.have_sent(BROADCASTS)
    instructions = _instructions(port, counts, partial(members.have_sent, BROADCASTS))
    members.disconnect()
    return instructions / (MEMBERS * BROADCASTS)


def _instructions(port: int, counts: Path, talk: Callable[[], None]) -> float:
    """Return the instructions of the server's process while clients talk to it."""
    # Nothing is between the first two: their difference is what asking for a count takes.
    processes = [_ask_for_count(port), _ask_for_count(port)]
    talk()
    processes.append(_ask_for_count(port))
    start, before, after = (instructions_of(counts, process) for process in processes)
    return (after - before) - (before - start)


def _ask_for_count(port: int) -> int:
    """Have the server's process write its count, and return the id that the count has."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        return int(connection.getresponse().read())
    finally:
        connection.close()
