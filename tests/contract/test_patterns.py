"""Patterns of Python's in the words of ECMA-262."""

import pytest

from wsendpoints.contract.patterns import compiled, portable

SAME = [
    r"^[a-z]+$",
    r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
    r"(?:a|b)*?(?<=x)(?<!y)(?=z)",
    r"\x41\u00e9\t\0\bé",
    r"[^\]\-a-z^]{2,}",
    r"a{2}b{1,3}?c??",
    r"[(?:{1}*+]",
    r"(a)\1",
]

CHANGED = {
    r"(?P<year>\d{4})-(?P=year)": r"(?<year>\d{4})-\k<year>",
    r"\A\w+\Z": r"^\w+$",
    r"\Aa\z": "^a$",
    r"\-\@\ ": r"-@ ",
    r"a{,3}": "a{0,3}",
    r"a{b}": r"a\{b\}",
    r"a{}": r"a\{\}",
    r"}]": r"\}\]",
    r"[]a]": r"[\]a]",
    r"[^]a]": r"[^\]a]",
    r"[[a]": r"[\[a]",
    r"[\w-.]": r"[\w\-.]",
    r"[.-\w]": r"[.\-\w]",
    r"[\-\.]": r"[\-\.]",
}

NOT_THERE = [
    "(?i)a",
    "(?>a)",
    "(?#comment)",
    "(a)?(?(1)b|c)",
    "a*+",
    "a++",
    "a?+",
    "a{2}+",
    "a{2}{3}",
    r"[\A]",
    "(",
    r"\N{BULLET}",
    r"\U0001F600",
    r"\p{L}",
]


@pytest.mark.parametrize("pattern", SAME)
def test_pattern_is_the_same(pattern: str) -> None:
    """What both have is left as it is."""
    assert portable(pattern) == pattern


@pytest.mark.parametrize("pattern", CHANGED)
def test_pattern_is_written_otherwise(pattern: str) -> None:
    """What ECMA-262 has under another name gets that."""
    assert portable(pattern) == CHANGED[pattern]


def test_pattern_is_one_of_pythons_again() -> None:
    """Named groups are all that Python writes otherwise."""
    found = compiled(r"(?<year>\d{4})-\k<year>(?<!x)")
    assert found.search("2025-2025")
    assert not found.search("2025-2024")


@pytest.mark.parametrize("pattern", NOT_THERE)
def test_there_is_no_such_pattern(pattern: str) -> None:
    """What ECMA-262 does not have has no pattern."""
    assert portable(pattern) is None
