"""A Redis of the tests' own."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Self, final

import pytest

from tests.clocks import GENEROUS
from tests.ports import HOST, reserve_port

__all__ = ["RedisServer", "require_redis"]

_BINARY: Final = "redis-server"


def require_redis() -> str:
    """Return the path of the server; where there is none, nothing of it can be tested."""
    path = shutil.which(_BINARY)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{_BINARY} is not installed")
        pytest.skip(f"{_BINARY} is not installed")
    return path


@final
class RedisServer:
    """A server that keeps nothing on the disk, on a port that stays its own.

    Attributes:
        port: Where it listens, also after it was started again.
    """

    def __init__(self, *options: str) -> None:
        self._path = require_redis()
        self._options = options
        self._reserved = reserve_port()
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[str] | None = None
        self._logged = threading.Condition()
        self._lines: list[str] = []
        self.port: int = self._reserved.getsockname()[1]

    @property
    def url(self) -> str:
        """How to connect to it."""
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        """Start it, and return once it listens."""
        process = subprocess.Popen(  # noqa: S603 - the command is the one above
            [
                *(self._path, "--port", str(self.port), "--bind", HOST),
                *("--save", "", "--appendonly", "no", "--dir", self._folder.name),
                *self._options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._process = process
        self._lines = []

        def read() -> None:
            # To the end, or it would wait for somebody who reads what it logs.
            assert process.stdout is not None
            with process.stdout:
                for line in process.stdout:
                    with self._logged:
                        self._lines.append(line)
                        self._logged.notify_all()

        threading.Thread(target=read, daemon=True).start()
        self.wait_for("Ready to accept connections")

    def has_logged(self, text: str) -> bool:
        """Whether it has said something since it was started."""
        return any(text in line for line in self._lines)

    def wait_for(self, text: str) -> None:
        """Wait until it has said something."""
        with self._logged:
            if not self._logged.wait_for(lambda: self.has_logged(text), GENEROUS):
                pytest.fail(f"Redis does not say {text!r}: {self._lines}")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(GENEROUS)

    @contextmanager
    def paused(self) -> Generator[None]:
        """Have it do nothing for a while: what it is sent is taken, and not answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End it for good."""
        # It has nothing to save.
        self.kill()
        self._reserved.close()
        self._folder.cleanup()
