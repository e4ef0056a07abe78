"""The ASGI servers, as processes: how each is started and ended."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

from tests.ports import HOST, reserve_port
from wsendpoints.testing import ServerName
from wsendpoints.testing.facts import ServerFacts
from wsendpoints.testing.measured import FACTS

from .journal import DeliberateError

__all__ = ["SERVERS", "Pool", "Process", "Server", "spawn"]

ROOT: Final = Path(__file__).parents[2]

STARTED_WITHIN: Final = 60.0
"""Seconds that a server may take until it accepts connections, on a busy machine."""

ENDED_WITHIN: Final = 30.0
"""Seconds that a server may take after SIGTERM; then it is killed."""

LOGGED_WITHIN: Final = 60.0
POLL_EVERY: Final = 0.02

_ERROR: Final = re.compile(
    r"\b(?:ERROR|CRITICAL)\b|Traceback \(most recent call last\)|was never (?:awaited|retrieved)"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        name: What its tests are called.
        arguments: What follows `python -m`; `{app}` and `{port}` are filled in.
        pings: More arguments, for pings that find a dead client after three seconds.
    """

    name: str
    arguments: str
    pings: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def facts(self) -> ServerFacts:
        """What is known of it."""
        return next(facts for name, facts in FACTS.items() if name == self.name)

    def command(self, app: str, port: int) -> list[str]:
        """Return the command that serves `app`, as `module:name`."""
        arguments = [part.format(app=app, port=port) for part in self.arguments.split()]
        return [sys.executable, "-m", *arguments]


_UVICORN: Final = (
    "uvicorn {app} --host 127.0.0.1 --port {port} --no-access-log --timeout-graceful-shutdown 3 "
)
_HYPERCORN: Final = "hypercorn {app} --bind 127.0.0.1:{port} --graceful-timeout 1 "

_DAPHNE: Final = (
    "daphne {app} -b 127.0.0.1 -p {port} --access-log /dev/null "
    # Its default is that of `Limits.max_message_size`; all others take 16 MiB.
    "--websocket-max-message-size 16777216 --websocket-max-frame-size 16777216"
)
_UVICORN_PINGS: Final = "--ws-ping-interval 1 --ws-ping-timeout 2"
_HYPERCORN_PINGS: Final = "--websocket-ping-interval 1"

_ALL: Final[Mapping[ServerName, tuple[str, str]]] = {
    # Its three implementations of WebSockets, and both of its event loops.
    "uvicorn": (_UVICORN + "--ws websockets-sansio --loop uvloop", _UVICORN_PINGS),
    "uvicorn-wsproto": (_UVICORN + "--ws wsproto --loop asyncio", _UVICORN_PINGS),
    "uvicorn-legacy": (_UVICORN + "--ws websockets --loop asyncio", _UVICORN_PINGS),
    "hypercorn": (_HYPERCORN + "-k asyncio", _HYPERCORN_PINGS),
    "hypercorn-trio": (_HYPERCORN + "-k trio", _HYPERCORN_PINGS),
    "granian": (
        "granian {app} --interface asgi --host 127.0.0.1 --port {port} --workers-kill-timeout 1",
        "",
    ),
    "daphne": (_DAPHNE, "--ping-interval 1 --ping-timeout 2"),
    "gunicorn": (
        "gunicorn {app} -k asgi --bind 127.0.0.1:{port} --graceful-timeout 1 --no-control-socket",
        "",
    ),
}

SERVERS: Final[Mapping[str, Server]] = {
    name: Server(name, arguments, pings) for name, (arguments, pings) in _ALL.items()
}


class Process:
    """A server that runs.

    Args:
        server: Which.
        app: What it serves, as `module:name`.
        log: The file that gets what it prints.
        reserved: The port that it listens on: by default one of its own.
    """

    def __init__(
        self, server: Server, app: str, log: Path, reserved: socket.socket | None = None
    ) -> None:
        self.server = server
        self._reserved = reserve_port() if reserved is None else reserved.dup()
        self.port: int = self._reserved.getsockname()[1]
        self._log = log
        with log.open("wb") as output:
            self._popen = spawn(server.command(app, self.port), output)

    @property
    def netloc(self) -> str:
        """Where it listens."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process, which leads the group of those that it starts."""
        return self._popen.pid

    def wait_until_it_accepts(self, timeout: float = STARTED_WITHIN) -> None:
        """Wait until it takes connections.

        Raises:
            RuntimeError: It exited, or takes longer.
        """
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.server} did not start:\n{self.output()}")
            time.sleep(POLL_EVERY)

    def output(self, since: int = 0) -> str:
        """Return what it printed, from an offset in bytes on."""
        return self._log.read_bytes()[since:].decode(errors="replace")

    def printed(self) -> int:
        """Return how many bytes it printed so far."""
        return self._log.stat().st_size

    def errors(self, since: int = 0) -> list[str]:
        """Return the lines that it printed that speak of an error."""
        return [line for line in self.output(since).splitlines() if _ERROR.search(line)]

    def wait_for_output(self, text: str, since: int = 0) -> None:
        """Wait until it has printed `text`.

        Raises:
            TimeoutError: It did not.
        """
        deadline = time.monotonic() + LOGGED_WITHIN
        while text not in (output := self.output(since)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.server} did not print {text!r}, but:\n{output}")
            time.sleep(POLL_EVERY)

    def terminate(self) -> None:
        """Ask it to end."""
        self._popen.terminate()

    def wait(self, timeout: float = ENDED_WITHIN) -> float:
        """Wait until it ended, and kill what remains of it, its workers included.

        Returns:
            The seconds that it took.

        Raises:
            subprocess.TimeoutExpired: It took longer; it is gone all the same.
        """
        start = time.monotonic()
        try:
            self._popen.wait(timeout)
        finally:
            self.kill()
        return time.monotonic() - start

    def kill(self) -> None:
        """Kill what remains of it, its workers included."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._reserved.close()


class Pool:
    """Servers that run until the end, each started when it is first asked for.

    Args:
        folder: Where their logs go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[tuple[str, str], Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for process in self._processes.values():
            process.terminate()
        # All of them, before the first that fails.
        failures = [failure for one in self._processes.values() for failure in _end(one)]
        if failures:
            raise ExceptionGroup("the servers did not end well", failures)

    def get(self, server: Server, app: str) -> Process:
        """Return the process of a server that serves `app`, as `module:name`."""
        key = server.name, app
        if key not in self._processes:
            log = self._folder / f"{server}-{app.replace(':', '-')}.log"
            self._processes[key] = Process(server, app, log)
        process = self._processes[key]
        process.wait_until_it_accepts()
        return process


def _end(process: Process) -> Iterator[Exception]:
    try:
        process.wait()
    except subprocess.TimeoutExpired as exc:
        yield exc
    output = process.output()
    # A framework may fail over it in turn, and have it logged as the cause.
    tracebacks = output.count("Traceback (") - output.count("During handling of the above")
    if tracebacks != output.count(f"DeliberateError: {DeliberateError()}"):
        yield AssertionError(f"{process.server} logged a traceback too many:\n{output}")


def spawn(command: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program, with what it prints in a file.

    It leads a process group of its own, and does not outlive the tests.
    """
    return subprocess.Popen(  # noqa: S603 - the commands are those above
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        # A process group of its own, which is ended with it.
        start_new_session=True,
        # Nor does it outlive a test run that is killed.
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
