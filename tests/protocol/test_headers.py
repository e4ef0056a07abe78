"""Headers that we send: every form is normalised, and what no server should send is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from wsendpoints.protocol.headers import check_headers, is_token

HANDSHAKE = ["sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol"]
HOP_BY_HOP = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
]


@pytest.mark.parametrize("text", ["a", "chat.v1", "0", "!#$%&'*+-.^_`|~", "graphql-ws"])
def test_letters_digits_and_some_punctuation_are_a_token(text: str) -> None:
    """A token is made of the characters that RFC 9110 lists."""
    assert is_token(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "a,b", "a\n", "a\x00", "caf\xe9", "caf\xc3\xa9", "\u0663", "\ud800"]
    + [f"a{sign}" for sign in '"(),/:;<=>?@[\\]{}'],
)
def test_other_characters_are_not_in_a_token(text: str) -> None:
    """Nothing, a delimiter, a space, a control character and non-ASCII text are no token."""
    assert not is_token(text)


@pytest.mark.parametrize(
    ("headers", "checked"),
    [
        pytest.param(None, [], id="None"),
        pytest.param({}, [], id="no headers"),
        pytest.param({"X-A": "b"}, [(b"x-a", b"b")], id="h04 mapping, upper case"),
        pytest.param({b"X-A": b"B"}, [(b"x-a", b"B")], id="h04 bytes"),
        pytest.param([("a", "1"), (b"a", b"2")], [(b"a", b"1"), (b"a", b"2")], id="pairs"),
        pytest.param(iter([("a", "1")]), [(b"a", b"1")], id="iterator"),
        pytest.param([("a", "caf\xe9")], [(b"a", b"caf\xe9")], id="h13 latin-1"),
        pytest.param([("a", " \tb c\t ")], [(b"a", b"b c")], id="spaces around"),
        pytest.param([("a", "")], [(b"a", b"")], id="empty value"),
        pytest.param([("!#$%&'*+-.^_`|~0Az", "")], [(b"!#$%&'*+-.^_`|~0az", b"")], id="token"),
        pytest.param([("a", "b\tc")], [(b"a", b"b\tc")], id="tab within"),
    ],
)
def test_h04_headers_become_pairs_of_bytes(
    headers: Any, checked: list[tuple[bytes, bytes]]
) -> None:
    """Names are converted to lower case, as ASGI requires, and values are kept."""
    assert check_headers(headers) == checked


@pytest.mark.parametrize("name", [*HANDSHAKE, *HOP_BY_HOP])
@pytest.mark.parametrize("write", [str.lower, str.title, str.encode], ids=["", "title", "bytes"])
def test_h04_header_that_the_server_sends_is_refused(
    name: str, write: Callable[[str], Any]
) -> None:
    """A header that only the server may send is refused, however its name is written."""
    written = write(name)
    with pytest.raises(ValueError, match="own") as caught:
        check_headers([(written, "x")])
    assert str(caught.value) == f"the header {written!r} is the server's own to send"


@pytest.mark.parametrize(
    "name", ["", "a b", "a:", "a\r\n", "a\n", "a\x00", "caf\xe9", "(a)", "a,b", b"\xff"], ids=repr
)
def test_h04_header_name_that_is_not_a_token_is_refused(name: Any) -> None:
    """The error shows the name, escaped."""
    with pytest.raises(ValueError, match="name") as caught:
        check_headers([(name, "x")])
    assert str(caught.value) == f"{name!r} is no header name: use letters, digits and hyphens"


@pytest.mark.parametrize("control", [*range(0x09), *range(0x0A, 0x20), 0x7F])
def test_h04_header_value_with_a_control_character_is_refused(control: int) -> None:
    """The tab is the only control character that a value may hold."""
    value = f"a{chr(control)}b"
    with pytest.raises(ValueError, match="control") as caught:
        check_headers([("x", value)])
    assert str(caught.value) == f"the header 'x' has a value with a control character: {value!r}"


@pytest.mark.parametrize("pair", [("a", "€"), ("€", "a"), ("a", "\ud800")])
def test_h04_header_that_is_not_latin_1_is_refused(pair: tuple[str, str]) -> None:
    """The error shows the part that no header can carry."""
    part = max(pair)
    with pytest.raises(ValueError, match="latin-1") as caught:
        check_headers([pair])
    assert str(caught.value) == f"a header can't carry {part!r}: it is not latin-1"


@pytest.mark.parametrize("pair", [("a", 1), (1, "a"), ("a", None), (None, b"a")], ids=repr)
def test_h04_header_of_another_type_is_refused(pair: Any) -> None:
    """Neither a number nor `None` is converted to text."""
    part = next(part for part in pair if not isinstance(part, str | bytes))
    with pytest.raises(TypeError) as caught:
        check_headers([pair])
    assert str(caught.value) == f"a header is made of str or bytes, not {type(part).__name__}"
