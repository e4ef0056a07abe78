"""How the path of a route is written, and the text of each mistake in one."""

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.routing.patterns import Parameter, Segment, is_int, parse_pattern


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        pytest.param("/", ("",), id="root"),
        pytest.param("/chat", ("chat",), id="text"),
        pytest.param("/chat/", ("chat", ""), id="trailing slash"),
        pytest.param("/a//b", ("a", "", "b"), id="empty segment"),
        pytest.param("/café/100%", ("café", "100%"), id="decoded"),
        pytest.param("/{room}", (Parameter("room", "str"),), id="parameter"),
        pytest.param("/{n:int}/x", (Parameter("n", "int"), "x"), id="int"),
        pytest.param("/a/{_p1:path}", ("a", Parameter("_p1", "path")), id="path"),
    ],
)
def test_path_is_read_by_segments(text: str, segments: tuple[Segment, ...]) -> None:
    """Each slash begins a segment, and one in braces is a parameter."""
    pattern = parse_pattern(text)
    assert (pattern.text, pattern.segments) == (text, segments)


def test_parameters_are_in_order() -> None:
    """With what each takes."""
    pattern = parse_pattern("/{b}/x/{a:int}/{c:path}")
    assert list(pattern.parameters.items()) == [("b", "str"), ("a", "int"), ("c", "path")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(5, "5 is no path: use a str, such as '/chat/{room}'", id="no str"),
        pytest.param(
            "chat", "the path 'chat' does not begin with a slash: write '/chat'", id="no slash"
        ),
        pytest.param("", "the path '' does not begin with a slash: write '/'", id="empty"),
        pytest.param(
            "/chat?room={room}",
            "the path '/chat?room={room}' has a '?' or '#', which no path of a request has: an "
            "endpoint declares the parameters of its query in `params`",
            id="query",
        ),
        pytest.param(
            "/caf%C3%A9",
            "the path '/caf%C3%A9' is percent-encoded, and paths are matched decoded: write the "
            "characters themselves",
            id="encoded",
        ),
        pytest.param(
            "/{n:uuid}",
            "the path '/{n:uuid}': 'uuid' is no converter: write {n} for a segment, {n:int} for "
            "one of digits, {n:path} for all that is left",
            id="converter",
        ),
        pytest.param(
            "/{a}/{a:int}",
            "the path '/{a}/{a:int}' has two parameters of the name 'a': rename one",
            id="name twice",
        ),
        pytest.param(
            "/{p:path}/x",
            "the path '/{p:path}/x' goes on behind {p:path}, which takes all that is left: make it "
            "the last segment",
            id="behind the rest",
        ),
    ],
)
def test_mistake_in_a_path(text: object, told: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        parse_pattern(text)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "segment",
    ["{", "}", "{room", "room}", "{}", "{{room}}", "{1}", "{a-b}", "{a b}", "room-{a}", "{a}.json"],
)
def test_parameter_is_a_whole_segment(segment: str) -> None:
    """Braces that are anything else are a mistake."""
    with pytest.raises(ConfigurationError) as caught:
        parse_pattern(f"/x/{segment}")
    assert str(caught.value) == (
        f"the path '/x/{segment}': '{segment}' is no parameter: one is a whole segment, in braces, "
        "with the name of an identifier, such as {room}"
    )


def test_path_within_another() -> None:
    """Both of them, one after the other."""
    joined = parse_pattern("/v1/{team}").joined(parse_pattern("/chat/{room:int}"))
    assert joined == parse_pattern("/v1/{team}/chat/{room:int}")


@pytest.mark.parametrize(
    ("outer", "inner", "told"),
    [
        pytest.param("/{a}", "/{a}", "two parameters of the name 'a'", id="name twice"),
        pytest.param("/{p:path}", "/a", "goes on behind {p:path}", id="behind the rest"),
    ],
)
def test_path_that_can_have_none_within_it(outer: str, inner: str, told: str) -> None:
    """What one path may not be, two may not be together."""
    with pytest.raises(ConfigurationError, match=told):
        parse_pattern(outer).joined(parse_pattern(inner))


@pytest.mark.parametrize(
    ("segment", "is_one"),
    [
        ("0", True),
        ("007", True),
        ("9" * 640, True),
        ("9" * 641, False),
        ("", False),
        ("-1", False),
        ("+1", False),
        ("1_000", False),
        (" 1", False),
        ("1.0", False),
        ("²", False),
        ("٣", False),
    ],
)
def test_int_is_ascii_digits(segment: str, is_one: bool) -> None:
    """Nothing else that `int` reads, and never more than it does."""
    assert is_int(segment) is is_one
