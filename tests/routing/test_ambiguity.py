"""Paths that two routes match: the more specific one wins, or it is a mistake."""

from itertools import permutations

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.routing.ambiguity import check_unambiguous
from wsendpoints.routing.patterns import parse_pattern


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([], id="none"),
        pytest.param(["/a/b", "/a/{x}", "/a/{x:int}", "/a/{x:path}"], id="each more specific"),
        pytest.param(["/a/1", "/a/{x:int}"], id="a number"),
        pytest.param(["/a/{x}", "/{x:path}"], id="all that is left"),
        pytest.param(["/{a}", "/{a}/{b}"], id="lengths"),
        pytest.param(["/a/{x}", "/a/{x}/"], id="trailing slash"),
        pytest.param(["/{a:int}/x", "/b/{x}"], id="an int is no text"),
        pytest.param(["/{a}/x", "/{b}/y"], id="texts"),
        pytest.param(["/{a}/", "/{a}/{b}"], id="a parameter is not empty"),
        pytest.param(["/{a}/x", "/y/{b}", "/y/x"], id="what both match has its own"),
        pytest.param(["/{a:int}/{b}", "/{a}/{b:int}", "/{a:int}/{b:int}"], id="likewise"),
    ],
)
def test_it_is_clear_which_is_meant(texts: list[str]) -> None:
    """Whatever their order."""
    for some in permutations(texts):
        check_unambiguous(map(parse_pattern, some))


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        pytest.param(
            ["/a", "/a"], "the paths '/a' and '/a' both match '/a': remove one", id="equal"
        ),
        pytest.param(
            ["/a/{x}", "/a/{y}"],
            "the paths '/a/{x}' and '/a/{y}' both match '/a/x': remove one",
            id="names",
        ),
        pytest.param(
            ["/{a:path}", "/{b:path}"],
            "the paths '/{a:path}' and '/{b:path}' both match '/x': remove one",
            id="the rest",
        ),
        pytest.param(
            ["/{a}/x", "/y/{b}"],
            "the paths '/{a}/x' and '/y/{b}' both match '/y/x', and neither is more specific: "
            "change one, or add a route for '/y/x'",
            id="crossed",
        ),
        pytest.param(
            ["/{a}/{b:int}/z", "/{a:int}/{rest:path}"],
            "the paths '/{a}/{b:int}/z' and '/{a:int}/{rest:path}' both match '/1/1/z', and "
            "neither is more specific: change one, or add a route for '/{p1:int}/{p2:int}/z'",
            id="crossed with the rest",
        ),
        pytest.param(
            ["/{a:int}/{rest:path}", "/{a}/{b}"],
            "the paths '/{a:int}/{rest:path}' and '/{a}/{b}' both match '/1/x', and neither is "
            "more specific: change one, or add a route for '/{p1:int}/{p2}'",
            id="the rest first",
        ),
    ],
)
def test_it_is_not_clear_which_is_meant(texts: list[str], told: str) -> None:
    """The error names both, and a path that both match."""
    with pytest.raises(ConfigurationError) as caught:
        check_unambiguous(map(parse_pattern, texts))
    assert str(caught.value) == told
    with pytest.raises(ConfigurationError):
        check_unambiguous(map(parse_pattern, reversed(texts)))
