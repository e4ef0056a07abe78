"""What the tests on real servers share."""

import os
import tempfile
from collections.abc import Iterator

import pytest

from .clients import CLIENTS
from .conversation import Conversation
from .servers import SERVERS, Pool, Process


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run the tests on asyncio alone: the clients need it."""
    return "asyncio"


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Return the servers that run, each from its first test to the end of the session."""
    # Its path has room for sockets.
    with tempfile.TemporaryDirectory(prefix="wse") as folder:
        os.environ["WSENDPOINTS_DJANGO"] = folder
        with Pool(tmp_path_factory.mktemp("servers")) as pool:
            yield pool


@pytest.fixture(params=SERVERS.values(), ids=str)
def process(request: pytest.FixtureRequest, pool: Pool) -> Process:
    """Return each server in turn, serving `tests.interop.app`."""
    return pool.get(request.param, "tests.interop.app:app")


@pytest.fixture
def client() -> str:
    """Return the name of the client, where a test does not use all of them."""
    return "websockets"


@pytest.fixture
def conversation(process: Process, client: str) -> Iterator[Conversation]:
    """Return a conversation that has not begun; in the end the server's log is checked."""
    conversation = Conversation(process, CLIENTS[client])
    yield conversation
    conversation.check_log()
