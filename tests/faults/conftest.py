"""What the tests of faults share."""

import gc
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite(
    "tests.faults.playing", "tests.faults.message_endpoints", "tests.faults.handshake_endpoints"
)


@pytest.fixture(scope="package", autouse=True)
def quick_garbage_collection() -> Iterator[None]:
    """Exempt older objects from each collection: most of these tests collect once."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
