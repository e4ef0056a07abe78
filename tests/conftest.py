"""What all tests share: each async test runs on asyncio and on trio."""

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop that a test marked with `anyio` runs on."""
    backend: str = request.param
    return backend
