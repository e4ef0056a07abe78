"""`RedisBackplane` keeps what a backplane promises."""

import pytest

from tests.clocks import REAL_TIME
from wsendpoints.backplanes import RedisBackplane
from wsendpoints.testing import check_backplane

from .proxy import proxied
from .server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient")]


@REAL_TIME
@pytest.mark.parametrize("seed", range(2))
async def test_redis_keeps_it(redis: RedisServer, seed: int) -> None:
    """All of it, while connections are reset."""
    async with proxied(redis.port) as proxy:
        await check_backplane(
            lambda: RedisBackplane(proxy.url), disrupt=proxy.reset, seed=seed, messages=40
        )
