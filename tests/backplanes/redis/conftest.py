"""A Redis for all tests of a process, and one that a test may kill."""

from collections.abc import Iterator

import pytest

from .server import RedisServer


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """Redis, for tests that leave it alone."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def mortal_redis() -> Iterator[RedisServer]:
    """Redis, for a test that ends it, or says how it is configured."""
    with RedisServer() as server:
        yield server
