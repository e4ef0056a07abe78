"""uvicorn with the endpoints of clients, which may end and come back on the same port."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from tests.interop.servers import SERVERS, Process
from tests.ports import HOST, reserve_port

__all__ = ["Uvicorn", "serving"]

APP: Final = "tests.client.endpoints:app"


@final
class Uvicorn:
    """A server that runs, is killed, or asked to end, and started again."""

    def __init__(self, folder: Path, app: str) -> None:
        self._app = app
        self._log = folder / "log"
        self._reserved = reserve_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ws://{HOST}:{self._reserved.getsockname()[1]}/"

    def start(self) -> None:
        """Start it; it takes connections as soon as it can."""
        self._process = Process(SERVERS["uvicorn"], self._app, self._log, self._reserved)

    def wait(self) -> None:
        """Wait until it takes connections."""
        assert self._process is not None
        self._process.wait_until_it_accepts()

    def kill(self) -> None:
        """Kill it: its connections are lost."""
        assert self._process is not None
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to end: it tells its clients so."""
        assert self._process is not None
        self._process.terminate()

    def end(self) -> None:
        """Leave nothing of it."""
        self.kill()
        self._reserved.close()


@contextmanager
def serving(folder: Path, app: str = APP) -> Generator[Uvicorn]:
    """Return a server that runs."""
    server = Uvicorn(folder, app)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.end()
