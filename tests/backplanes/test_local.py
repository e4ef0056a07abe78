"""The processes of one server: each message reaches all of them, and users are counted over all."""

from pathlib import Path

import pytest

from tests.clocks import REAL_TIME
from wsendpoints.backplanes.local import LocalBackplane
from wsendpoints.testing import check_backplane

pytestmark = [pytest.mark.anyio]


@REAL_TIME
@pytest.mark.parametrize("seed", range(2))
async def test_it_keeps_the_contract(tmp_path: Path, seed: int) -> None:
    """Several of one process are as several processes."""
    await check_backplane(lambda: LocalBackplane(tmp_path / "place"), seed=seed)
    assert not (tmp_path / "place").exists()
