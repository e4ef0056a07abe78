"""What stands for the end of a connection."""

import math
import time

import pytest

from wsendpoints.client.socket import Close, Lost, refusal


@pytest.mark.parametrize(
    ("status", "close"),
    [(401, (4401, "Unauthorized")), (503, (4503, "Service Unavailable")), (499, (4499, ""))],
)
def test_refusal_is_a_code_and_the_words_of_http(status: int, close: object) -> None:
    """So that it is told apart as close codes are."""
    assert refusal(status).close == close


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, 0),
        ("0", 0),
        ("120", 120),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("1 Jan 99999999999 00:00:00 GMT", 0),
        ("9" * 400, math.inf),
        ("Fri, 13 Feb 2009 23:31:40 GMT", 10),
        ("Fri, 13 Feb 2009 23:31:29 GMT", 0),
    ],
)
def test_server_asks_the_client_to_stay_away(
    monkeypatch: pytest.MonkeyPatch, retry_after: str | None, seconds: float
) -> None:
    """Seconds or a date; what is neither is as good as nothing."""
    monkeypatch.setattr(time, "time", lambda: 1234567890.0)
    assert refusal(503, retry_after).retry_after == seconds


def test_lost_has_how_it_ended() -> None:
    """Without a close it is 1006."""
    lost = Lost(Close())
    assert (lost.close, lost.retry_after) == ((1006, ""), 0)
