"""What can go wrong with a client."""

import copy
import pickle

import pytest

from wsendpoints.client import ClientError, ClosedError, LostError, QueueFullError, RequestError

MAY_HAVE_ARRIVED = (
    "the connection was lost with code 1006 (abnormal closure): what was sent may have arrived, or "
    "not"
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ClosedError(1008), "the client is closed with code 1008 (policy violation)"),
        (ClosedError(4404, "Not Found"), "the client is closed with code 4404: 'Not Found'"),
        (
            LostError(1006),
            MAY_HAVE_ARRIVED,
        ),
        (RequestError("busy"), "the server answered with the error 'busy'"),
        (RequestError(7, "no", {"a": 1}), "the server answered with the error 7: no"),
        (QueueFullError(3), "3 messages wait, which are as many as may"),
    ],
)
def test_error_tells_what_happened(error: ClientError, text: str) -> None:
    """It has a text, and what it was made of; it can be copied and pickled."""
    assert str(error) == text
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (text, vars(error))
