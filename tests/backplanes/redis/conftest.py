"""A Redis and a Redis Cluster for all tests of a process, and a Redis that a test may kill."""

from collections.abc import Iterator

import pytest

from tests.clocks import GENEROUS

from .cluster import RedisCluster
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


@pytest.fixture(scope="session")
def cluster() -> Iterator[RedisCluster]:
    """A cluster, for tests that leave it whole."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing given up that nothing holds up, however busy the machine is."""
    monkeypatch.setattr("wsendpoints.backplanes.redis._SOON", GENEROUS)
