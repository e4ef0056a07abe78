"""A call of a dialect is cancelled by its id."""

import pytest

from tests.lifecycle.cancelled_call import check_call_that_the_client_cancels

pytestmark = pytest.mark.anyio


async def test_cancelled_call_is_answered_once() -> None:
    """By the error of the dialect; one that is unknown is not."""
    await check_call_that_the_client_cancels()
