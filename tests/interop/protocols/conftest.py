"""What the tests of protocols share."""

import pytest

from tests.interop.servers import SERVERS, Pool

SERVER_NAMES = ["uvicorn", "hypercorn-trio"]
"""One on each event loop."""


@pytest.fixture(params=SERVER_NAMES)
def netloc(request: pytest.FixtureRequest, pool: Pool) -> str:
    """Return where a server serves the protocols."""
    return pool.get(SERVERS[request.param], "tests.interop.protocols.app:app").netloc
