"""Close codes: which ones may be sent, what they are called, and how a reason is cut."""

import pytest

from wsendpoints.protocol.close_codes import (
    MAX_REASON_BYTES,
    CloseCode,
    check_close_code,
    cut_reason,
    describe,
)

SENDABLE = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
HOW = "use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, section 7.4)"


def test_every_code_up_to_65536_is_either_sendable_or_refused() -> None:
    """Of all numbers that a close frame can hold, exactly the assigned ones pass."""
    passed: set[int] = set()
    for code in range(-1, 65537):
        try:
            passed.add(check_close_code(code))
        except ValueError:
            continue
    assert passed == SENDABLE


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(0, id="zero"),
        pytest.param(-1, id="negative"),
        pytest.param(999, id="below all"),
        pytest.param(1004, id="reserved"),
        pytest.param(CloseCode.NO_STATUS_RECEIVED, id="1005"),
        pytest.param(CloseCode.ABNORMAL_CLOSURE, id="1006"),
        pytest.param(CloseCode.TLS_HANDSHAKE, id="1015"),
        pytest.param(1016, id="unassigned"),
        pytest.param(2999, id="last unassigned"),
        pytest.param(5000, id="above all"),
        pytest.param(65536, id="over 16 bits"),
        pytest.param(10**5000, id="huge"),
        pytest.param("x", id="text"),
        pytest.param("1000", id="digits"),
        pytest.param(True, id="bool"),
        pytest.param(1000.0, id="float"),
        pytest.param(None, id="None"),
        pytest.param([], id="unhashable"),
    ],
)
def test_h06_code_that_may_not_be_sent_is_refused(code: object) -> None:
    """A code that no close frame may carry is a ValueError."""
    with pytest.raises(ValueError, match=r"close code|digits"):
        check_close_code(code)


def test_h06_refusal_names_the_code_and_the_allowed_ones() -> None:
    """The error says which codes to use."""
    with pytest.raises(ValueError, match="1005") as caught:
        check_close_code(1005)
    assert str(caught.value) == f"1005 is no close code that may be sent: {HOW}"


def test_sendable_code_of_an_enum_is_returned_as_a_plain_int() -> None:
    """The server gets an int, not a member of an enum."""
    code = check_close_code(CloseCode.GOING_AWAY)
    assert (code, type(code)) == (1001, int)


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        pytest.param(None, "", id="None"),
        pytest.param("", "", id="empty"),
        pytest.param("bye", "bye", id="short"),
        pytest.param("a" * 123, "a" * 123, id="exact"),
        pytest.param("a" * 124, "a" * 123, id="one over"),
        pytest.param("é" * 62, "é" * 61, id="two bytes cut"),
        pytest.param("a" + "é" * 61, "a" + "é" * 61, id="two bytes exact"),
        pytest.param("€" * 42, "€" * 41, id="three bytes exact"),
        pytest.param("a" + "€" * 41, "a" + "€" * 40, id="three bytes cut"),
        pytest.param("😀" * 31, "😀" * 30, id="four bytes cut"),
        pytest.param("a\ud800b", "a?b", id="lone surrogate"),
        pytest.param("\udfff" * 200, "?" * 123, id="lone surrogates"),
    ],
)
def test_h07_reason_is_cut_between_characters(reason: str | None, cut: str) -> None:
    """A cut reason is valid UTF-8 of at most 123 bytes."""
    assert cut_reason(reason) == cut
    assert len(cut_reason(reason).encode()) <= MAX_REASON_BYTES


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1000, "1000 (normal closure)"),
        (CloseCode.MESSAGE_TOO_BIG, "1009 (message too big)"),
        (1015, "1015 (tls handshake)"),
        (1004, "1004"),
        (4001, "4001"),
        (-5, "-5"),
    ],
)
def test_describe_names_registered_codes(code: int, text: str) -> None:
    """A registered code is followed by its name; any other code is not."""
    assert describe(code) == text
