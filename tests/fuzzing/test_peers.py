"""What ways to a server share."""

from wsendpoints.fuzzing.peers import RefusedError


def test_refusal_has_its_status() -> None:
    """The status is an attribute, and what the exception is made of."""
    assert (RefusedError(403).status, RefusedError(403).args) == (403, (403,))
