"""Whether a text repeats a part of what was sent, in whatever form."""

import html
import json
import unicodedata
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wsendpoints.messages.quoting import MAX_SEARCHED, Sent

FORMS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": str,
    "lower": str.lower,
    "upper": str.upper,
    "casefold": str.casefold,
    "title": str.title,
    "swapped": str.swapcase,
    "repr": repr,
    "ascii": ascii,
    "JSON": json.dumps,
    "HTML": html.escape,
    "URL": quote,
    "NFC": lambda text: unicodedata.normalize("NFC", text),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "NFKD": lambda text: unicodedata.normalize("NFKD", text),
    "no punctuation": lambda text: "".join(part for part in text if part.isalnum()),
    "hyphens": lambda text: "-".join(text),
    "one space": lambda text: " ".join(text.split()),
}

WITHIN: list[Callable[[str], Any]] = [lambda text: text, lambda text: [{"a": [1, text]}]]

TEXTS: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=4, max_size=30
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("within", WITHIN)
def test_text_that_holds_four_characters_of_what_was_sent_repeats_it(
    form: str, within: Callable[[str], Any]
) -> None:
    """Any four in a row, in any form of them."""

    @settings(deadline=None, database=None, max_examples=25)
    @given(TEXTS, st.data(), TEXTS | st.just(""), st.booleans())
    def check(sent: str, data: st.DataObject, other: str, is_long: bool) -> None:
        start = data.draw(st.integers(0, len(sent) - 4))
        part = FORMS[form](sent[start:] if is_long else sent[start : start + 4])
        assume(len(part.strip()) >= 4)
        if form in {"no punctuation", "hyphens"}:
            letters = filter(str.isalnum, unicodedata.normalize("NFKD", part))
            assume(len(list(letters)) >= 4)
        assert Sent(within(sent)).may_be_repeated_in(f"no {part} is {other}")

    check()


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("the name is taken", "Ada", id="another word"),
        pytest.param("at least 18", 17, id="a number"),
        pytest.param("between 100 and 200", 1000, id="a part of a number"),
        pytest.param("a or b", "a", id="a letter"),
        pytest.param("it is not so", "is", id="two letters"),
        pytest.param("canada", "ada", id="three letters in a word"),
        pytest.param("True or false: None", [True, False, None], id="no text at all"),
        pytest.param("nothing", "", id="nothing sent"),
        pytest.param("", "nothing", id="nothing told"),
        pytest.param("start is late", {"start": 1, "end": "late"}, id="words that are expected"),
    ],
)
def test_text_with_words_of_its_own_repeats_nothing(text: str, sent: Any) -> None:
    """Fewer characters are the same by chance."""
    assert not Sent(sent, {"start", "late"}).may_be_repeated_in(text)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("no ada here", "Ada", id="short word"),
        pytest.param("not 17.5", 17.5, id="number"),
        pytest.param("not 100", 100, id="short number"),
        pytest.param("not 987654", 987_654, id="long number"),
        pytest.param("1,234,567 is too much", 1_234_567, id="number with separators"),
        pytest.param("no b'sesame'", b"sesame", id="bytes"),
        pytest.param("no éàüö", "éàüö".encode(), id="bytes of UTF-8"),
        pytest.param("没有秘密", "秘密", id="short word in another script"),
        pytest.param("no start", {"start": 1}, id="key"),
        pytest.param("no strasse", "STRAßE", id="case that changes the length"),
        pytest.param("no ﬁle", "file", id="ligature"),
        pytest.param("nothing", r"\u0073esame", id="escapes in what was sent"),
        pytest.param("C:\\", "x", id="escapes in the text"),
        pytest.param("100%25", "x", id="escapes of a URL"),
        pytest.param("a &lt; b", "x", id="escapes of HTML"),
    ],
)
def test_text_that_may_repeat_what_was_sent(text: str, sent: Any) -> None:
    """It is not shown then."""
    assert Sent(sent).may_be_repeated_in(text)


def test_too_much_is_not_searched() -> None:
    """A text may repeat any part of it."""
    assert not Sent("x" * MAX_SEARCHED).may_be_repeated_in("nothing")
    assert Sent("x" * (MAX_SEARCHED + 1)).may_be_repeated_in("nothing")
    assert Sent(["x"] * (MAX_SEARCHED + 1)).may_be_repeated_in("nothing")


def test_value_of_json_is_searched() -> None:
    """Not its text, which has escapes; one that is too long is not read at all."""
    assert Sent(r'["\u0073esame"]', json=True).may_be_repeated_in("no sesame")
    assert not Sent(r'["\u0073esame"]', json=True).may_be_repeated_in("no entry")
    assert Sent("[" * (MAX_SEARCHED + 1), json=True).may_be_repeated_in("no entry")


def test_values_without_end_are_too_much_to_search() -> None:
    """Some formats have lists that are a part of themselves; any text may repeat them."""
    loop: list[Any] = []
    loop.extend([loop, loop, "x"])
    assert Sent(loop).may_be_repeated_in("none of it")
    assert Sent([[]] * (MAX_SEARCHED + 1)).may_be_repeated_in("none of it")
    assert not Sent([[]] * 10).may_be_repeated_in("none of it")


def test_number_that_is_too_long_for_a_text_is_not_searched() -> None:
    """Python makes no text of it; any text may repeat it."""
    assert Sent({"x": 10**5000}).may_be_repeated_in("none of it")
