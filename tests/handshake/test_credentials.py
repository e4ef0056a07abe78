"""What tells who a client is, as a class declares it."""

from typing import Any

import pytest

from wsendpoints import ConfigurationError, Credential, WebSocketEndpoint
from wsendpoints.handshake.credentials import check_security


def test_class_declares_its_credentials() -> None:
    """The credentials of a class are what it says."""

    class Private(WebSocketEndpoint):
        security = (Credential("bearer"), Credential("query", "access token", "From /login."))

    assert [it.place for it in Private.security] == ["bearer", "query"]
    assert Private.security[1].description == "From /login."


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("body",), 'Credential(\'body\'): use one of "bearer", "cookie", "header", "query"'),
        (
            ("bearer", "token"),
            'Credential("bearer", \'token\'): it has no name: use Credential("bearer")',
        ),
        (("cookie", "a b"), "Credential(\"cookie\", 'a b'): name the cookie that has it"),
        (("header",), "Credential(\"header\", ''): name the header that has it"),
        (("query",), "Credential(\"query\", ''): name the query that has it"),
    ],
)
def test_mistake_is_told(arguments: Any, text: str) -> None:
    """A credential that can't be one is an error."""
    with pytest.raises(ConfigurationError) as caught:
        Credential(*arguments)
    assert str(caught.value) == text


@pytest.mark.parametrize("security", [Credential("bearer"), ("bearer",), None])
def test_security_is_a_tuple_of_credentials(security: Any) -> None:
    """Anything else is an error when the class is made."""
    with pytest.raises(ConfigurationError) as caught:
        check_security(security, "Private")
    assert str(caught.value) == (
        f"Private.security is {security!r}: use a tuple of credentials, as in "
        '`(Credential("bearer"),)`'
    )
    with pytest.raises(ConfigurationError, match=r"^Wrong\.security is "):
        type("Wrong", (WebSocketEndpoint,), {"security": security})
