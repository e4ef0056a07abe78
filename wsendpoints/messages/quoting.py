"""Whether a text repeats what a client sent: as it is, or in another form, or a part of it."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, Final, final

from pydantic_core import from_json

__all__ = ["MAX_SEARCHED", "Sent"]

MAX_SEARCHED: Final = 16 * 1024
"""Characters of what was sent that are searched. Any text may repeat what is longer."""

_RUN: Final = 4
"""Characters in a row that a text and a message are not to share: fewer are so by chance."""

_ESCAPED: Final = re.compile(r"\\|%[0-9a-f]{2}|&#?\w+;", re.ASCII | re.IGNORECASE)
_NO_LETTER: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"[^\W_]+")


@final
class Sent:
    """What a client sent, as texts are compared with it.

    It is read when the first text is compared, and once.

    Args:
        value: A text, bytes, a number, or a list or dict of such. What its numbers and texts hold
            counts, and the names in it.
        words: Those of the application's own, which it does not matter to repeat.
        json: Whether it is JSON, whose value counts.
    """

    def __init__(self, value: Any, words: Collection[str] = (), *, json: bool = False) -> None:
        self._value = value
        self._words = words
        self._is_json = json

    def may_be_repeated_in(self, text: str) -> bool:
        """Whether a text may hold a part of it.

        It does if both have four characters in a row in common, in any case and any normal form
        of Unicode, with or without the punctuation between them; or one of its words is all of a
        short value. It may if either has escapes, or there is too much to search.
        """
        parts = self._parts
        if parts is None or _ESCAPED.search(text):
            return True
        runs, short = parts
        folded = _fold(text)
        letters = _NO_LETTER.sub("", folded)
        return (
            not runs.isdisjoint(_runs(folded))
            or not runs.isdisjoint(_runs(letters))
            or not short.isdisjoint(_WORD.findall(folded))
            # In some scripts a word is that short, and has no space around it.
            or any(part in letters for part in short if not part.isascii())
        )

    @cached_property
    def _parts(self) -> tuple[set[str], set[str]] | None:
        """What is not to be repeated, runs and short values; `None` if that is too much."""
        value = self._value
        if self._is_json:
            if len(value) > MAX_SEARCHED:
                return None
            value = from_json(value)
        runs: set[str] = set()
        short: set[str] = set()
        size = 0
        for number, text in enumerate(_values(value)):
            if number == MAX_SEARCHED or text is None:
                return None
            if text in self._words:
                continue
            size += len(text)
            if size > MAX_SEARCHED or "\\" in text:
                return None
            folded = _fold(text)
            letters = _NO_LETTER.sub("", folded)
            runs |= _runs(folded) | _runs(letters)
            # A word of two letters of ours, or a number of two digits, is one by chance.
            if len(letters) == _RUN - 1 or (1 < len(letters) < _RUN and not letters.isascii()):
                short.add(letters)
        return runs, short


def _fold(text: str) -> str:
    """Return a text without what may differ in another form of it."""
    # By way of the upper case, which some letters have in common that differ when folded.
    return unicodedata.normalize("NFKD", text.upper()).upper().casefold()


def _runs(text: str) -> set[str]:
    return {text[start : start + _RUN] for start in range(len(text) - _RUN + 1)}


def _values(sent: Any) -> Iterator[str | None]:
    """Yield all texts, and the numbers as texts; `None` for a number that is too long for one.

    A list or dict is an empty text. Those of some formats may be a part of themselves, so there is
    no end to it then.
    """
    pending: list[Any] = [sent]
    while pending:
        match pending.pop():
            case str(value):
                yield value
            case bytes(value):
                yield value.decode("latin-1")
                yield value.decode("utf-8", "ignore")
            case {**members}:
                pending.extend(members)
                pending.extend(members.values())
                yield ""
            case [*items]:
                pending.extend(items)
                yield ""
            case value if value is not None and not isinstance(value, bool):
                yield _as_text(value)
            case _:
                pass


def _as_text(value: Any) -> str | None:
    try:
        return str(value)
    except ValueError:  # sys.get_int_max_str_digits
        return None
