"""Subprotocols: how offers are read, which one is chosen, and that a token never is."""

import pytest

from wsendpoints.protocol.subprotocols import (
    check_subprotocol,
    choose_subprotocol,
    parse_subprotocols,
    real_subprotocols,
)

TOKEN = "bearer.c2VjcmV0"  # noqa: S105 - an example

# What is offered.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(["b", "a"], ["b", "a"], id="list"),
        pytest.param(("b", "a"), ["b", "a"], id="tuple"),
        pytest.param(iter(["b", "a"]), ["b", "a"], id="iterator"),
        pytest.param(["a", "b", "a"], ["a", "b"], id="duplicates"),
        pytest.param(["a", "A"], ["a", "A"], id="case"),
        pytest.param(["", "a", " a", "a,b", "caf\xc3\xa9"], ["a"], id="not tokens"),
        pytest.param([b"b", None, 1, ["b"], "a"], ["a"], id="not strings"),
        pytest.param([], [], id="empty"),
        pytest.param(None, [], id="None"),
        pytest.param("chat", [], id="str"),
        pytest.param(b"chat", [], id="bytes"),
        pytest.param(1, [], id="int"),
        pytest.param(["a"] * 1000, ["a"], id="one a thousand times"),
        pytest.param(map(str, range(1000)), [f"{n}" for n in range(1000)], id="a thousand"),
    ],
)
def test_h03_offers_are_cleaned(value: object, expected: list[str]) -> None:
    """Duplicates and items that are not tokens are dropped; no value raises."""
    assert parse_subprotocols(value) == expected


OFFERS = [
    pytest.param([], [], id="none"),
    pytest.param(["a", "b"], ["a", "b"], id="no token"),
    pytest.param([TOKEN, "a"], ["a"], id="token first"),
    pytest.param(["b", TOKEN, "a"], ["b", "a"], id="token between"),
    pytest.param([TOKEN], [], id="token alone"),
    pytest.param(["bearer.", "bearer.!", "a"], ["a"], id="malformed tokens"),
    pytest.param(["bearer", "a"], ["bearer", "a"], id="without the dot"),
]


@pytest.mark.parametrize(("offered", "real"), OFFERS)
def test_real_subprotocols_are_the_offers_without_tokens(
    offered: list[str], real: list[str]
) -> None:
    """They are in the client's order, and a malformed token is not among them either."""
    assert real_subprotocols(offered) == real


# What is chosen.


@pytest.mark.parametrize(("offered", "real"), OFFERS)
def test_token_is_never_chosen(offered: list[str], real: list[str]) -> None:
    """Even a server that prefers exactly what is offered does not choose a token."""
    assert choose_subprotocol(offered, offered) == next(iter(real), None)


@pytest.mark.parametrize(
    ("preferred", "offered", "chosen"),
    [
        pytest.param(["a", "b"], ["b", "a"], "a", id="the server's order counts"),
        pytest.param(["a", "b"], ["b"], "b", id="the second choice"),
        pytest.param(["a", "b"], ["c", "b", TOKEN], "b", id="beside a token"),
        pytest.param(["a"], ["b"], None, id="none in common"),
        pytest.param(["a"], ["A"], None, id="case"),
        pytest.param(["a"], [], None, id="none offered"),
        pytest.param([], ["a"], None, id="none preferred"),
    ],
)
def test_subprotocol_is_chosen_by_the_server(
    preferred: list[str], offered: list[str], chosen: str | None
) -> None:
    """The first preferred subprotocol that the client offers is chosen."""
    assert choose_subprotocol(preferred, offered) == chosen


@pytest.mark.parametrize("subprotocol", ["chat", "chat.v2"])
def test_offered_subprotocol_may_be_chosen(subprotocol: str) -> None:
    """Any offer may be chosen, whatever its place."""
    assert check_subprotocol(subprotocol, ["chat", "chat.v2"]) == subprotocol


@pytest.mark.parametrize(
    "subprotocol",
    [
        pytest.param("soap", id="h01 not offered"),
        pytest.param("CHAT", id="h01 other case"),
        pytest.param("chat\r\nx: y", id="h02 CR and LF"),
        pytest.param("chat ", id="h02 space"),
        pytest.param("chät", id="h02 not ASCII"),
        pytest.param("", id="h02 empty"),
        pytest.param(b"chat", id="bytes"),
        pytest.param(None, id="None"),
        pytest.param([], id="a list"),
    ],
)
@pytest.mark.parametrize(
    ("offered", "offer"),
    [(["chat", "v2"], "the client offers chat, v2"), ([], "the client offers none")],
    ids=["some offered", "none offered"],
)
def test_h01_h02_any_other_subprotocol_is_refused(
    subprotocol: object, offered: list[str], offer: str
) -> None:
    """The error says what the client offers."""
    with pytest.raises(ValueError, match="subprotocol") as caught:
        check_subprotocol(subprotocol, offered)
    assert str(caught.value) == f"the subprotocol {subprotocol!r} can't be chosen: {offer}"


def test_token_that_is_offered_is_refused() -> None:
    """A token is not sent back, and no error shows it."""
    with pytest.raises(ValueError, match="can't be chosen") as caught:
        check_subprotocol(TOKEN, ["chat", TOKEN])
    assert str(caught.value) == (
        "a token among the subprotocols can't be chosen: it would be sent back"
    )
    with pytest.raises(ValueError, match=r"the client offers chat$"):
        check_subprotocol("other", ["chat", TOKEN])
    assert check_subprotocol("chat", [TOKEN, "chat"]) == "chat"
