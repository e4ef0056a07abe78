"""What the tests of faults share."""

import gc
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.faults.playing")


@pytest.fixture(scope="package", autouse=True)
def quick_garbage_collection() -> Iterator[None]:
    """Leave out of each collection what there was before: these tests collect once a row."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
