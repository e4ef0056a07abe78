"""What stands for the end of a connection."""

import pytest

from wsendpoints.client.socket import Close, Lost, refusal


@pytest.mark.parametrize(
    ("status", "close"),
    [(401, (4401, "Unauthorized")), (503, (4503, "Service Unavailable")), (499, (4499, ""))],
)
def test_refusal_is_a_code_and_the_words_of_http(status: int, close: object) -> None:
    """So that it is told apart as close codes are."""
    assert refusal(status) == close


def test_lost_has_how_it_ended() -> None:
    """Without a close it is 1006."""
    assert Lost(Close()).close == (1006, "")
