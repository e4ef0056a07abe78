"""The contract test of backplanes: it passes those that keep it, and tells what others break."""

import pytest

from wsendpoints.backplanes import Hub, MemoryBackplane
from wsendpoints.testing import check_backplane

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("seed", range(3))
async def test_memory_keeps_it(seed: int) -> None:
    """Several share a hub."""
    hub = Hub()
    await check_backplane(lambda: MemoryBackplane(hub), seed=seed)
