"""Finding the route of a path, compared with trying each of them."""

import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from wsendpoints import ConfigurationError
from wsendpoints.routing.patterns import Parameter, parse_pattern
from wsendpoints.routing.tree import PathTree


def tree_of(*texts: str) -> PathTree[str]:
    """Return a tree with what each path is written as at its place."""
    return PathTree((parse_pattern(text), text) for text in texts)


NO_PARAMETERS: dict[str, Any] = {}

ALL = tree_of("/", "/a", "/a/b", "/a/{x}", "/a/{n:int}", "/a/{rest:path}", "/b/{x}/{y}/c")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("/", ("/", NO_PARAMETERS), id="root"),
        pytest.param("/a", ("/a", NO_PARAMETERS), id="text"),
        pytest.param("/a/b", ("/a/b", NO_PARAMETERS), id="text first"),
        pytest.param("/a/007", ("/a/{n:int}", {"n": 7}), id="then int"),
        pytest.param("/a/-7", ("/a/{x}", {"x": "-7"}), id="then str"),
        pytest.param("/a/{x}", ("/a/{x}", {"x": "{x}"}), id="braces are characters"),
        pytest.param("/a/é ü", ("/a/{x}", {"x": "é ü"}), id="decoded"),
        pytest.param("/a/b/d", ("/a/{rest:path}", {"rest": "b/d"}), id="then the rest"),
        pytest.param("/a/", ("/a/{rest:path}", {"rest": ""}), id="nothing is a rest"),
        pytest.param("/a/b/", ("/a/{rest:path}", {"rest": "b/"}), id="with its slash"),
        pytest.param("/b/d/e/c", ("/b/{x}/{y}/c", {"x": "d", "y": "e"}), id="two"),
        pytest.param("/b/d//c", None, id="a parameter is not empty"),
        pytest.param("/b/d/e/c/", None, id="trailing slash"),
        pytest.param("/b/d/e", None, id="too short"),
        pytest.param("/b/d/e/f", None, id="other text"),
        pytest.param("/A", None, id="case"),
        pytest.param("//a", None, id="two slashes"),
        pytest.param("a", None, id="no slash"),
        pytest.param("", None, id="empty"),
    ],
)
def test_what_a_path_leads_to(path: str, found: tuple[str, dict[str, Any]] | None) -> None:
    """The most specific route, with the values of its parameters."""
    assert ALL.find(path) == found


def test_search_goes_back() -> None:
    """Where a more specific segment leads nowhere, a less specific one is followed."""
    tree = tree_of("/a/{n:int}/x", "/a/{s}/y", "/{rest:path}", "/{t}/5/z")
    assert tree.find("/a/5/x") == ("/a/{n:int}/x", {"n": 5})
    assert tree.find("/a/5/y") == ("/a/{s}/y", {"s": "5"})
    assert tree.find("/a/5/z") == ("/{t}/5/z", {"t": "a"})
    assert tree.find("/a/5/w") == ("/{rest:path}", {"rest": "a/5/w"})


def test_tree_refuses_what_is_ambiguous() -> None:
    """As `check_unambiguous` does."""
    with pytest.raises(ConfigurationError, match="neither is more specific"):
        tree_of("/{a}/x", "/y/{b}")


# An oracle: each route is a regular expression, and all of them are tried.

_EXPRESSIONS = {"str": "([^/]+)", "int": "([0-9]{1,640})", "path": "(.*)"}


def matches(text: str, path: str) -> dict[str, Any] | None:
    """Return the parameters of a path, if a route matches it."""
    pattern = parse_pattern(text)
    parts = [
        _EXPRESSIONS[it.converter] if isinstance(it, Parameter) else re.escape(it)
        for it in pattern.segments
    ]
    match = re.fullmatch("".join(f"/{part}" for part in parts), path, re.DOTALL)
    if match is None:
        return None
    values = zip(pattern.parameters.items(), match.groups(), strict=True)
    return {name: int(it) if converter == "int" else it for (name, converter), it in values}


def rank(text: str) -> list[int]:
    """Return how specific each segment of a route is: the least is the most specific."""
    order = {"int": 1, "str": 2, "path": 3}
    return [
        order[it.converter] if isinstance(it, Parameter) else 0
        for it in parse_pattern(text).segments
    ]


def segments_of(*converters: str) -> st.SearchStrategy[list[str]]:
    """Return segments of routes: few texts, so that many of them meet."""
    parameters = [f"{{NAME{it}}}" for it in converters]
    return st.lists(st.sampled_from(["a", "b", "1", "", *parameters]), min_size=1, max_size=3)


@st.composite
def routes(draw: st.DrawFn) -> list[str]:
    """Return the paths of some routes."""
    texts: set[str] = set()
    for _ in range(draw(st.integers(1, 8))):
        segments = draw(segments_of("", ":int"))
        if draw(st.booleans()):
            segments[-1] = "{NAME:path}"
        named = (it.replace("NAME", f"p{number}") for number, it in enumerate(segments))
        texts.add("".join(f"/{it}" for it in named))
    return sorted(texts)


paths = st.lists(st.sampled_from(["a", "b", "c", "1", "02", "\n", ""]), min_size=1, max_size=4).map(
    lambda segments: "".join(f"/{it}" for it in segments)
)


@given(routes(), st.lists(paths, min_size=1, max_size=20))
@example(["/{p0}/a", "/a/{p1}", "/a/a"], ["/a/a", "/b/a", "/a/b", "/b/b"])
@example(["/{p0:int}/{p1:path}", "/{p0}/a", "/{p0:int}/a"], ["/1/a", "/a/a", "/1/b", "/1/"])
def test_tree_finds_what_trying_each_would(texts: list[str], some: list[str]) -> None:
    """For any unambiguous routes, and any path."""
    try:
        tree = tree_of(*texts)
    except ConfigurationError:
        assume(False)
        raise
    for path in some:
        matching = [text for text in texts if matches(text, path) is not None]
        if not matching:
            assert tree.find(path) is None
            continue
        best = min(matching, key=rank)
        # It is at least as specific everywhere, not only where they first differ.
        for other in matching:
            assert all(x <= y for x, y in zip(rank(best), rank(other), strict=False))
        assert tree.find(path) == (best, matches(best, path))


@given(routes(), st.randoms())
def test_order_of_the_routes_does_not_matter(texts: list[str], random: Any) -> None:
    """Neither for what is found, nor for what is refused."""
    shuffled = list(texts)
    random.shuffle(shuffled)
    outcomes: list[object] = []
    for some in (texts, shuffled):
        try:
            tree = tree_of(*some)
        except ConfigurationError:
            outcomes.append("refused")
        else:
            outcomes.append(
                [tree.find(path) for path in ("/a", "/1", "/a/1", "/1/a/b", "/b/", "/")]
            )
    assert outcomes[0] == outcomes[1]


@given(routes())
def test_routes_are_refused_only_for_a_path_that_shows_it(texts: list[str]) -> None:
    """The path of the error is matched by both, and by no third that is more specific than both."""
    try:
        tree_of(*texts)
    except ConfigurationError as exc:
        one, other, path = re.findall(r"'([^']*)'", str(exc))[:3]
        assert matches(one, path) is not None
        assert matches(other, path) is not None
        assert not all(x <= y for x, y in zip(rank(one), rank(other), strict=False))
        assert not all(x >= y for x, y in zip(rank(one), rank(other), strict=False))
