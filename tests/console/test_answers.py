"""The responses of the console."""

import pytest

from tests.console.test_documents import SECURITY, headers_of
from wsendpoints.console.answers import JSON, answer


@pytest.mark.parametrize(("method", "body"), [("GET", b"{}"), ("HEAD", b""), ("POST", b"{}")])
def test_each_has_the_headers_and_head_has_no_body(method: str, body: bytes) -> None:
    """The length is that of the body that GET has."""
    found = answer(method, JSON, b"{}")
    assert (found.status, found.body) == (200, body)
    kind = {"content-type": "application/json", "content-length": "2"}
    assert headers_of(found) == {**SECURITY, **kind}
