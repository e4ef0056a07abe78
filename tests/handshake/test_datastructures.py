"""The parts of a handshake: nothing that a client sends raises, and all of it has one meaning."""

import copy
import pickle
from typing import Any

import pytest

from wsendpoints.handshake.datastructures import (
    MAX_COOKIE_BYTES,
    MAX_COOKIES,
    MAX_QUERY_FIELDS,
    Headers,
    QueryParams,
    State,
    parse_cookies,
)

# Headers


RAW = [(b"host", b"a"), (b"X-Name", b"1"), (b"x-name", b"caf\xe9"), (b"x-n\xe4me", b"")]


def test_headers_are_looked_up_in_any_case() -> None:
    """A lookup returns the first value, whatever the case of the name."""
    headers = Headers(RAW)
    assert headers["host"] == headers["HOST"] == "a"
    assert headers["x-name"] == headers["X-NAME"] == "1"
    assert headers["X-n\xe4me"] == ""
    assert headers.get("Host") == "a"


def test_headers_give_all_values_of_a_name() -> None:
    """`getlist` returns the values in order, decoded as latin-1."""
    assert Headers(RAW).getlist("X-Name") == ["1", "caf\xe9"]
    assert Headers(RAW).getlist("missing") == []


@pytest.mark.parametrize("key", ["missing", "", "\u20ac", "ho\u017ft", "\ud800"])
def test_missing_header_is_a_key_error(key: str) -> None:
    """So is a name that no header can have."""
    headers = Headers(RAW)
    assert key not in headers
    assert headers.get(key) is None
    with pytest.raises(KeyError) as caught:
        headers[key]
    assert caught.value.args == (key,)


def test_headers_contain_their_names() -> None:
    """`in` ignores case, and is false for anything but a str."""
    headers = Headers(RAW)
    assert "HOST" in headers
    others: list[object] = [b"host", None, 1]
    assert [other in headers for other in others] == [False, False, False]


def test_headers_list_each_line() -> None:
    """Length, iteration and the three lists include duplicates; names are in lower case."""
    headers = Headers(RAW)
    assert len(headers) == 4
    assert list(headers) == headers.keys() == ["host", "x-name", "x-name", "x-n\xe4me"]
    assert headers.values() == ["a", "1", "caf\xe9", ""]
    assert headers.items() == list(zip(headers.keys(), headers.values(), strict=True))


def test_headers_keep_the_raw_pairs() -> None:
    """`raw` has the pairs as received, and does not change with the list that they were in."""
    source = list(RAW)
    headers = Headers(source)
    source.clear()
    assert headers.raw == tuple(RAW)
    assert Headers(iter(RAW)).raw == tuple(RAW)
    assert headers.raw is headers.raw is Headers(headers.raw).raw


@pytest.mark.parametrize("headers", [Headers(), Headers(None), Headers([])])
def test_headers_may_be_empty(headers: Headers) -> None:
    """`None` and no pairs mean no headers."""
    assert len(headers) == 0
    assert headers.raw == ()
    assert not headers
    assert "host" not in headers


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        pytest.param([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")], True, id="same"),
        pytest.param([(b"b", b"2"), (b"A", b"1"), (b"a", b"3")], True, id="other order of names"),
        pytest.param([(b"a", b"3"), (b"b", b"2"), (b"a", b"1")], False, id="other order of values"),
        pytest.param([(b"a", b"1"), (b"b", b"2")], False, id="one less"),
    ],
)
def test_headers_are_equal_by_name(other: list[tuple[bytes, bytes]], is_equal: bool) -> None:
    """Two are equal if each name has the same values in the same order."""
    headers = Headers([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
    assert (headers == Headers(other)) is is_equal
    assert (headers != Headers(other)) is not is_equal


def test_headers_are_not_equal_to_other_mappings() -> None:
    """A dict can't hold duplicate names."""
    assert Headers([(b"a", b"1")]) != {"a": "1"}


def test_headers_have_a_repr_that_recreates_them() -> None:
    """The repr shows every pair."""
    assert repr(Headers([(b"a", b"1")])) == "Headers([(b'a', b'1')])"
    assert repr(Headers()) == "Headers([])"


def test_headers_copy_and_pickle() -> None:
    """Headers copy and pickle, and have no `__dict__`."""
    headers = Headers(RAW)
    assert copy.deepcopy(headers) == pickle.loads(pickle.dumps(headers)) == headers  # noqa: S301
    assert not hasattr(headers, "__dict__")


# QueryParams


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(b"a=1&b=2", [("a", "1"), ("b", "2")], id="plain"),
        pytest.param("a=1&b=2", [("a", "1"), ("b", "2")], id="str"),
        pytest.param(b"a=1&a=2", [("a", "1"), ("a", "2")], id="duplicates"),
        pytest.param(b"a=&b", [("a", ""), ("b", "")], id="blank"),
        pytest.param(b"=1&=", [("", "1"), ("", "")], id="no name"),
        pytest.param(b"&&a=1&", [("a", "1")], id="empty fields"),
        pytest.param(b"a=1=2", [("a", "1=2")], id="two equals signs"),
        pytest.param(b"a=1;b=2", [("a", "1;b=2")], id="semicolon"),
        pytest.param(b"a+b=c+d%2B", [("a b", "c d+")], id="plus"),
        pytest.param(b"a=%C3%A9&%26=%3d", [("a", "\xe9"), ("&", "=")], id="percent-encoded"),
        pytest.param(b"a=%ff", [("a", "\ufffd")], id="not UTF-8"),
        pytest.param(b"a=%zz%", [("a", "%zz%")], id="not hexadecimal"),
        pytest.param(b"a=%00", [("a", "\x00")], id="NUL"),
        pytest.param(b"caf\xe9=\xc3\xa9", [("caf\ufffd", "\xe9")], id="raw bytes"),
        pytest.param("a=\xe9\ud800", [("a", "\xe9?")], id="raw characters"),
        pytest.param(b"", [], id="empty"),
        pytest.param("", [], id="empty str"),
        pytest.param(None, [], id="None"),
    ],
)
def test_query_is_parsed(query: bytes | str | None, expected: list[tuple[str, str]]) -> None:
    """A query is parsed as an HTML form is, and no text raises."""
    assert QueryParams(query).multi_items() == expected


def test_query_is_empty_by_default() -> None:
    """No query is the same as an empty one."""
    assert QueryParams().multi_items() == []
    assert not QueryParams()


def test_query_is_a_mapping_of_last_values() -> None:
    """If a field was sent twice its last value counts; keys are unique."""
    params = QueryParams(b"a=1&b=2&a=3")
    assert params["a"] == "3"
    assert params.get("c") is None
    keys: list[object] = ["a", "c", b"a"]
    assert [key in params for key in keys] == [True, False, False]
    assert len(params) == 2
    assert list(params) == list(params.keys()) == ["a", "b"]
    assert list(params.values()) == ["3", "2"]
    assert list(params.items()) == [("a", "3"), ("b", "2")]
    with pytest.raises(KeyError):
        params["c"]


def test_query_gives_all_values_of_a_name() -> None:
    """`getlist` returns the values in order."""
    params = QueryParams(b"a=1&b=2&a=3")
    assert params.getlist("a") == ["1", "3"]
    assert params.getlist("c") == []


def test_query_cannot_be_changed_through_its_lists() -> None:
    """The lists that it returns are copies."""
    params = QueryParams(b"a=1")
    params.multi_items().clear()
    params.getlist("a").clear()
    assert params.multi_items() == [("a", "1")]


@pytest.mark.parametrize(
    ("extra", "count"), [(-1, MAX_QUERY_FIELDS - 1), (0, MAX_QUERY_FIELDS), (1, MAX_QUERY_FIELDS)]
)
def test_query_has_a_maximum_number_of_fields(extra: int, count: int) -> None:
    """Further fields are dropped; empty ones do not count."""
    names = [f"{number}" for number in range(MAX_QUERY_FIELDS + extra)]
    assert QueryParams("&&".join(names)).keys() == set(names[:count])


def test_query_of_a_hundred_thousand_fields_is_cut() -> None:
    """Only the maximum number of fields is read."""
    assert len(QueryParams(b"&".join([b"a=%ff"] * 100_000)).getlist("a")) == MAX_QUERY_FIELDS


def test_query_is_converted_back_to_a_string() -> None:
    """`str()` returns a query string with the same fields, which the repr shows."""
    params = QueryParams(b"a=1&a=&\xc3\xa9=%26+%ff")
    assert str(params) == "a=1&a=&%C3%A9=%26+%EF%BF%BD"
    assert QueryParams(str(params)) == params
    assert repr(params) == "QueryParams('a=1&a=&%C3%A9=%26+%EF%BF%BD')"


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        pytest.param("a=1&b=2&a=3", True, id="same"),
        pytest.param("b=2&a=1&a=3", True, id="other order of keys"),
        pytest.param("a=3&b=2&a=1", False, id="other order of values"),
        pytest.param("a=3&b=2", False, id="one less"),
        pytest.param("A=1&b=2&A=3", False, id="other case"),
    ],
)
def test_queries_are_equal_by_key(other: str, is_equal: bool) -> None:
    """Two are equal if each key has the same values in the same order."""
    assert (QueryParams("a=1&b=2&a=3") == QueryParams(other)) is is_equal
    assert (QueryParams("a=1&b=2&a=3") != QueryParams(other)) is not is_equal


def test_query_is_not_equal_to_other_mappings() -> None:
    """A dict can't hold duplicate names."""
    assert QueryParams("a=1") != {"a": "1"}


def test_query_copies_and_pickles() -> None:
    """A query copies and pickles, and has no `__dict__`."""
    params = QueryParams("a=1&a=2")
    assert copy.deepcopy(params) == pickle.loads(pickle.dumps(params)) == params  # noqa: S301
    assert not hasattr(params, "__dict__")


# parse_cookies


def cookies_of(*values: bytes) -> dict[str, str]:
    """Return the cookies of a client that sent one header for each value."""
    return parse_cookies(Headers([(b"cookie", value) for value in values]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"a=1; b=2", {"a": "1", "b": "2"}, id="plain"),
        pytest.param(b" a\t=\t1 ;b= 2 ", {"a": "1", "b": "2"}, id="spaces"),
        pytest.param(b"a=1; a=2", {"a": "2"}, id="last wins"),
        pytest.param(b"a=1=2", {"a": "1=2"}, id="two equals signs"),
        pytest.param(b"a=; =b", {"a": "", "": "b"}, id="empty value, empty name"),
        pytest.param(b"a", {"": "a"}, id="no equals sign"),
        pytest.param(b"", {}, id="empty"),
        pytest.param(b";;;", {}, id="semicolons"),
        pytest.param(b" = ;=", {}, id="equals signs"),
        pytest.param(b'a="b c"', {"a": "b c"}, id="quoted"),
        pytest.param(b'a=""', {"a": ""}, id="quoted empty"),
        pytest.param(b'a="', {"a": '"'}, id="one quote"),
        pytest.param(b'a="b', {"a": '"b'}, id="unclosed quote"),
        pytest.param(b'a=b"', {"a": 'b"'}, id="quote not opened"),
        pytest.param(rb'a="b\"c\\d\054\073\351"', {"a": 'b"c\\d,;\xe9'}, id="escapes"),
        pytest.param(rb'a="\\073"', {"a": "\\073"}, id="escaped backslash"),
        pytest.param(rb'a="\400\9\"', {"a": "4009\\"}, id="no octal numbers"),
        pytest.param(rb"a=\073", {"a": r"\073"}, id="escape without quotes"),
        pytest.param(b'a="b;c"', {"a": '"b', "": 'c"'}, id="semicolon in quotes"),
        pytest.param(b"a=%20+", {"a": "%20+"}, id="percent-encoded"),
        pytest.param(b"a=1,b=2", {"a": "1,b=2"}, id="two joined by daphne"),
        pytest.param(b"caf\xe9=\xff", {"caf\xe9": "\xff"}, id="latin-1"),
        pytest.param(b"a=\xc3\xa0", {"a": "\xc3\xa0"}, id="UTF-8 that ends like a space"),
        pytest.param(b"a=\x00\r\n", {"a": "\x00\r\n"}, id="control characters"),
    ],
)
def test_cookies_are_parsed(value: bytes, expected: dict[str, str]) -> None:
    """Cookies are parsed as browsers parse them, and no text raises."""
    assert cookies_of(value) == expected


def test_cookies_without_a_header() -> None:
    """Without a header there are no cookies."""
    assert cookies_of() == {}


def test_cookies_of_several_headers_are_joined() -> None:
    """Several cookie headers, as in HTTP/2, are read as one, in order."""
    assert cookies_of(b"a=1", b"b=2", b"a=3") == {"a": "3", "b": "2"}


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        pytest.param(0, {"a", "b"}, id="all fits"),
        pytest.param(1, {"a"}, id="one byte too many"),
        pytest.param(MAX_COOKIE_BYTES, {"a"}, id="far too many"),
    ],
)
def test_cookies_have_a_maximum_size(extra: int, expected: set[str]) -> None:
    """A cookie that ends beyond the maximum size is dropped whole."""
    value = b"a=1;b=".ljust(MAX_COOKIE_BYTES + extra, b"x")
    assert cookies_of(value).keys() == expected
    # A cookie that ends exactly at the maximum is kept.
    assert cookies_of(value[:MAX_COOKIE_BYTES] + b";c=1").keys() == {"a", "b"}


def test_single_cookie_over_the_maximum_size_is_dropped() -> None:
    """It is not cut to the maximum size."""
    assert cookies_of(b"a=".ljust(MAX_COOKIE_BYTES + 1, b"x")) == {}


@pytest.mark.parametrize("count", [MAX_COOKIES, MAX_COOKIES + 1, 10_000])
def test_cookies_have_a_maximum_number(count: int) -> None:
    """Further cookies are dropped."""
    value = ";".join(f"{number}=" for number in range(count))
    assert cookies_of(value.encode()).keys() == {f"{number}" for number in range(MAX_COOKIES)}


# State


def test_state_is_a_dict_with_attributes() -> None:
    """Entries are read, set and deleted as items or as attributes."""
    behind: dict[str, Any] = {"db": 1}
    state = State(behind)
    assert (state.db, state["db"], list(state), len(state)) == (1, 1, ["db"], 1)
    state.cache = 2
    state["user"] = 3
    assert behind == {"db": 1, "cache": 2, "user": 3}
    del state.cache
    del state["user"]
    assert behind == {"db": 1}
    assert repr(state) == "State({'db': 1})"


def test_missing_entry_of_a_state_is_an_attribute_error() -> None:
    """The error names the entry, whether it is read or deleted."""
    state = State({})
    text = "the state of this connection has no 'db'"
    with pytest.raises(AttributeError, match=text):
        _ = state.db
    with pytest.raises(AttributeError, match=text):
        del state.db
    with pytest.raises(KeyError):
        _ = state["db"]
