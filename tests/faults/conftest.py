"""What the tests of faults share."""

import gc

import pytest

pytest.register_assert_rewrite(
    "tests.faults.playing", "tests.faults.message_endpoints", "tests.faults.handshake_endpoints"
)


@pytest.fixture(scope="package", autouse=True)
def quick_garbage_collection() -> None:
    """Exempt older objects from each collection: most of these tests collect once."""
    gc.collect()
    gc.freeze()
