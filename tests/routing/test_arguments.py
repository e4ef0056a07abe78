"""The arguments of a router, and the text for each that is wrong."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.groups import Group, Groups
from wsendpoints.routing.arguments import (
    check_lifespan,
    check_live,
    check_routes,
    check_servers,
    check_text,
    groups_of,
)


def test_routes_are_a_mapping() -> None:
    """A list, as Starlette has it, is none."""
    check_routes({})
    with pytest.raises(ConfigurationError) as caught:
        check_routes([("/", 1)])
    assert str(caught.value) == (
        "routes=[('/', 1)]: use a mapping from paths to endpoints, such as {'/chat/{room}': Chat}"
    )


@pytest.mark.parametrize("text", [None, 2, b"x", ""])
def test_text_is_one(text: object) -> None:
    """And not an empty one."""
    with pytest.raises(ConfigurationError) as caught:
        check_text("version", text)
    assert str(caught.value) == f"version={text!r}: use a text"


def test_text_may_be_empty() -> None:
    """Where there may be nothing to tell."""
    check_text("description", "", may_be_empty=True)
    check_text("description", "x", may_be_empty=True)
    with pytest.raises(ConfigurationError):
        check_text("description", None, may_be_empty=True)


@pytest.mark.parametrize(
    "url",
    ["ws://localhost", "wss://example.com/api", "wss://example.com:8443/api/", "ws://[::1]:8000"],
)
def test_server_has_a_url(url: str) -> None:
    """With a host, and perhaps a path."""
    check_servers({"a-B_1": url})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/api",
        "https://example.com",
        "wss:///api",
        "wss://example.com?a=1",
        "wss://example.com#a",
        "wss://ada@example.com",
        "wss://:secret@example.com",
        "wss://{region}.example.com",
        None,
    ],
)
def test_server_has_another_url(url: object) -> None:
    """The error says which it may have."""
    with pytest.raises(ConfigurationError) as caught:
        check_servers({"production": url})
    assert str(caught.value) == (
        f"servers['production'] is {url!r}: use a URL of 'ws' or 'wss' with a host, and perhaps a "
        "path, such as 'wss://example.com/api'"
    )


@pytest.mark.parametrize("name", ["", "a b", "ä", None])
def test_server_has_another_name(name: object) -> None:
    """The error says what it may be made of."""
    with pytest.raises(ConfigurationError) as caught:
        check_servers({name: "wss://example.com"})
    assert str(caught.value) == (f"servers: {name!r} is no name: use letters, digits, '-' and '_'")


def test_servers_are_a_mapping() -> None:
    """A list has no names."""
    with pytest.raises(ConfigurationError) as caught:
        check_servers(["wss://example.com"])
    assert str(caught.value) == (
        "servers=['wss://example.com']: use a mapping, such as "
        "{'production': 'wss://example.com/api'}"
    )


def test_groups_are_a_tuple() -> None:
    """However many there are."""
    one, other = Groups(), Groups()
    assert groups_of(one) == (one,)
    assert groups_of([one, other]) == (one, other)
    assert groups_of(()) == ()


class Room(Group[str]):
    """Is no `Groups`."""

    name = "room"


@pytest.mark.parametrize("groups", [None, (Room,), Room(), "room"], ids=repr)
def test_groups_are_something_else(groups: object) -> None:
    """A group of an endpoint is not what starts."""
    with pytest.raises(ConfigurationError) as caught:
        groups_of(groups)
    assert str(caught.value) == (
        f"groups={groups!r}: use the `Groups()` of the endpoints, or a list of such"
    )


async def generator(app: Any) -> AsyncGenerator[None]:
    """Be one without its decorator."""
    yield


def test_lifespan_is_a_function_of_a_context_manager() -> None:
    """Or is not there."""
    check_lifespan(None)
    check_lifespan(asynccontextmanager(generator))
    check_lifespan(nullcontext)


@pytest.mark.parametrize("lifespan", [nullcontext(), "x", generator], ids=["made", "text", "bare"])
def test_lifespan_is_something_else(lifespan: object) -> None:
    """The error says what is missing."""
    with pytest.raises(ConfigurationError) as caught:
        check_lifespan(lifespan)
    assert str(caught.value) == (
        f"lifespan={lifespan!r}: use a function that returns an async context manager, such as an "
        "async generator with `@asynccontextmanager` above it"
    )


def test_live_is_a_function_and_a_part_of_the_console() -> None:
    """Or is not there."""
    check_live(None, None)
    check_live(None, "/docs")
    check_live(bool, "/docs")
    with pytest.raises(ConfigurationError, match=r"^live=True: use a function that takes the "):
        check_live(True, "/docs")
    with pytest.raises(ConfigurationError, match=r"^live is a part of the console, and docs=None"):
        check_live(bool, None)
