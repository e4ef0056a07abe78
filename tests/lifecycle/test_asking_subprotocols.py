"""The encoding that a client chooses holds for all that goes on beside the loop."""

import pytest

from tests.lifecycle.speaking import check_encoding_that_the_client_chooses

pytestmark = pytest.mark.anyio


async def test_encoding_is_the_one_that_the_client_chose() -> None:
    """For questions, their answers, and errors."""
    await check_encoding_that_the_client_chooses()
