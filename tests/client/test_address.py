"""Where a client connects to."""

from typing import Any

import pytest

from wsendpoints import Credential
from wsendpoints.client.address import Target
from wsendpoints.client.socket import Address

pytestmark = pytest.mark.anyio


async def url_of(url: str, **options: Any) -> str:
    """Return the URL of a connection."""
    return (await Target(url, **options).address({})).url


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("ws://host", {}, "ws://host"),
        ("wss://host:1/a?b=1#c", {}, "wss://host:1/a?b=1"),
        ("http://host/", {}, "ws://host/"),
        ("https://host/", {}, "wss://host/"),
        ("ws://host/{room}", {"params": {"room": "a b/c?d"}}, "ws://host/a%20b%2Fc%3Fd"),
        ("ws://host/{n:int}/x", {"params": {"n": 7}}, "ws://host/7/x"),
        ("ws://host/{rest:path}", {"params": {"rest": "a/b c"}}, "ws://host/a/b%20c"),
        ("ws://host/", {"query": {"a": 1, "b": None}}, "ws://host/?a=1"),
        (
            "ws://host/?a=",
            {"query": {"a": ["x", "y&z"], "b": (1,)}},
            "ws://host/?a=&a=x&a=y%26z&b=1",
        ),
    ],
)
async def test_url_is_filled(url: str, options: Any, expected: str) -> None:
    """Parameters of the path and of the query are encoded, and what was there is kept."""
    assert await url_of(url, **options) == expected


@pytest.mark.parametrize("url", ["host/path", "ftp://host/", "ws:///path", ""])
def test_url_of_something_else_is_refused(url: str) -> None:
    """The text says what to write."""
    with pytest.raises(ValueError, match="use a URL such as") as caught:
        Target(url)
    assert str(caught.value) == (f'connect(..., {url!r}): use a URL such as "ws://localhost:8000/"')


@pytest.mark.parametrize("params", [{}, {"rom": "a"}, {"room": "a", "more": "b"}])
def test_parameters_are_those_of_the_path(params: Any) -> None:
    """One too few, or too many, is refused."""
    with pytest.raises(ValueError, match="give a value") as caught:
        Target("ws://host/{room}", params)
    assert str(caught.value) == (
        f"connect(..., 'ws://host/{{room}}', params={params!r}): give a value for each of ['room']"
    )


async def test_query_may_depend_on_the_positions() -> None:
    """It is asked for each connection."""
    target = Target("ws://host/", query=lambda positions: {"after": positions.get("News")})
    assert (await target.address({})).url == "ws://host/"
    assert (await target.address({"News": "n-7"})).url == "ws://host/?after=n-7"


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (
            Credential("bearer"),
            Address("ws://host/", ["a"], {"Cookie": "c=1", "Authorization": "Bearer t"}),
        ),
        (
            Credential("header", "X-Key"),
            Address("ws://host/", ["a"], {"Cookie": "c=1", "X-Key": "t"}),
        ),
        (Credential("query", "key"), Address("ws://host/?key=t", ["a"], {"Cookie": "c=1"})),
        (Credential("cookie", "s"), Address("ws://host/", ["a"], {"Cookie": "c=1; s=t"})),
    ],
    ids=lambda it: it.place if isinstance(it, Credential) else "",
)
async def test_token_goes_where_the_class_says(credential: Credential, expected: Address) -> None:
    """It is asked for anew each time, and may have to be waited for."""

    async def get_token() -> str:
        return "t"

    for get in (get_token, lambda: "t"):
        target = Target(
            "ws://host/",
            headers={"Cookie": "c=1"},
            subprotocols=["a"],
            get_token=get,
            credential=credential,
        )
        assert await target.address({}) == expected


async def test_cookie_may_be_the_only_one() -> None:
    """Then there is no other in front of it."""
    target = Target("ws://host/", get_token=lambda: "t", credential=Credential("cookie", "s"))
    assert (await target.address({})).headers == {"Cookie": "s=t"}
