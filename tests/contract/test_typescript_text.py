"""Literals, names and comments of TypeScript."""

from typing import Any

import pytest

from wsendpoints.contract.typescript_text import (
    RESERVED,
    comment,
    indented,
    key,
    line_comment,
    literal,
    names_in,
    type_name,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-7, "-7"),
        (2**53 - 1, "9007199254740991"),
        (2**53, "number"),
        (1.5, "1.5"),
        (1e300, "1e+300"),
        ("it's", '"it\'s"'),
        ('"\\\n\u2028</script>', '"\\"\\\\\\n\\u2028</script>"'),
        ("𝄞", '"\\ud834\\udd1e"'),
        ([1, ["a"]], '[1, ["a"]]'),
        ({}, "{}"),
        ({"a": 1, "b-c": None}, '{ a: 1, "b-c": null }'),
    ],
)
def test_literal(value: Any, written: str) -> None:
    """It is ASCII, and the type of this value alone where there is one."""
    assert literal(value) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [("a", "a"), ("$_9", "$_9"), ("9", '"9"'), ("a-b", '"a-b"'), ("grüß", '"gr\\u00fc\\u00df"')],
)
def test_key(name: str, written: str) -> None:
    """What is no name in JavaScript is in quotes."""
    assert key(name) == written


@pytest.mark.parametrize(("wanted", "name"), [("Say", "Say"), ("2D", "N2D"), ("", "")])
def test_type_name(wanted: str, name: str) -> None:
    """It does not begin with a digit."""
    assert type_name(wanted) == name


def test_names_in_a_source() -> None:
    """Those in comments are none."""
    source = "/* Not\nthese */ class Own<T> { $a_1 = 0; } // nor Those\nlet it;"
    assert names_in(source) == {"class", "Own", "T", "$a_1", "let", "it"}


@pytest.mark.parametrize("word", ["class", "interface", "string", "never", "yield"])
def test_words_of_the_language_are_reserved(word: str) -> None:
    """No type is called so."""
    assert word in RESERVED


@pytest.mark.parametrize(
    ("paragraphs", "written"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param(["", ""], "", id="empty"),
        pytest.param(["One."], "/** One. */\n", id="a line"),
        pytest.param(
            ["One.", "", "Two\n\nlines."],
            "/**\n * One.\n *\n * Two\n *\n * lines.\n */\n",
            id="lines",
        ),
        pytest.param(["*/ alert(1) /*"], "/** *\\/ alert(1) /* */\n", id="end"),
        pytest.param(
            ["a\u2028b\u202ec\x00\td\r"],
            "/** a\\u2028b\\u202ec\\u0000\\u0009d\\u000d */\n",
            id="hidden",
        ),
    ],
)
def test_comment(paragraphs: list[str], written: str) -> None:
    """Nothing ends it, and nothing in it is hidden."""
    assert comment(paragraphs) == written


def test_comment_to_the_end_of_a_line() -> None:
    """It stays on its line."""
    assert line_comment("a\nb\u2028c") == "// a b\\u2028c"


def test_indented() -> None:
    """Empty lines stay empty."""
    assert indented("a\n\nb\n") == "  a\n\n  b\n"
    assert indented("a", "    ") == "    a"
