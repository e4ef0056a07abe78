"""Regular expressions of Python's and pydantic's, in the words that JSON Schema has for them.

It has those of ECMA-262, which its readers compile in the mode for Unicode: that refuses what is
escaped without need.
"""

import re
from typing import Final

__all__ = ["compiled", "portable"]

_TOKEN: Final = re.compile(
    r"""
    \\(?P<escaped>x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | .)
    | (?P<group>\(\?(?: P[<=] | <[=!] | [:=!] | ))
    | (?P<times>\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_SYNTAX: Final = frozenset("^$\\.*+?()[]{}|/")
"""What may be escaped (ECMA-262, SyntaxCharacter), beside `-` in a class."""

_CLASSES: Final = frozenset("dDwWsS")
_LETTERS: Final = frozenset("bBnrtfv0123456789")
_ANCHORS: Final = {"A": "^", "Z": "$", "z": "$"}
_GROUPS: Final = {"(?P<": "(?<", "(?P=": "\\k<"}
_QUANTIFIERS: Final = frozenset("*+?")


def portable(pattern: str) -> str | None:
    """Return a pattern that means the same in ECMA-262; `None` if there is none.

    There is none for flags, possessive quantifiers, atomic groups and conditions, nor for what is
    no pattern.
    """
    written: list[str] = []
    end = 0
    in_class = is_quantified = is_reference = False
    for token in _TOKEN.finditer(pattern):
        text, escaped, group = token[0], token["escaped"], token["group"]
        was_quantified, is_quantified = is_quantified, False
        if escaped is not None:
            found = _escape(escaped, in_class=in_class)
            if found is None:
                return None
            text = found
        elif in_class:
            in_class = text != "]" or token.start() == end
            text = _in_class(text, pattern, token.start(), in_class=in_class)
        elif group is not None:
            if group == "(?":
                return None
            is_reference = group == "(?P="
            text = _GROUPS.get(group, group)
        elif token["times"] is not None:
            if was_quantified:
                return None
            is_quantified = bool(token["least"] or token["most"])
            text = _times(token) if is_quantified else text.replace("{", r"\{").replace("}", r"\}")
        elif text in _QUANTIFIERS:
            # `*?` is lazy, and `*+` possessive.
            if was_quantified and text != "?":
                return None
            is_quantified = not was_quantified
        elif text == "[":
            in_class = True
            end = token.end() + pattern.startswith("^", token.end())
        elif text in "{}]":
            text = f"\\{text}"
        elif text == ")" and is_reference:
            is_reference, text = False, ">"
        written.append(text)
    found = "".join(written)
    try:
        compiled(found)
    except re.error:
        return None
    return found


def compiled(pattern: str) -> "re.Pattern[str]":
    """Return a pattern of ECMA-262, such as `portable` returns, as Python has it."""
    names = re.sub(r"\(\?<(?=\w)", "(?P<", pattern)
    return re.compile(re.sub(r"\\k<(\w+)>", r"(?P=\1)", names))


def _escape(escaped: str, *, in_class: bool) -> str | None:
    if len(escaped) > 1 or escaped in _CLASSES or escaped in _LETTERS:
        return f"\\{escaped}"
    if escaped in _ANCHORS and not in_class:
        return _ANCHORS[escaped]
    if escaped in _SYNTAX or (escaped == "-" and in_class):
        return f"\\{escaped}"
    return None if escaped.isascii() and escaped.isalnum() else escaped


def _in_class(text: str, pattern: str, start: int, *, in_class: bool) -> str:
    """Return a token of a class as it is written: a `-` beside a class of characters is none."""
    if not in_class:
        return text
    if text in "[]":
        return f"\\{text}"
    before, after = pattern[max(start - 2, 0) : start], pattern[start + 1 : start + 3]
    beside = [it for it in (before, after) if len(it) == 2 and it[0] == "\\" and it[1] in _CLASSES]
    return r"\-" if text == "-" and beside else text


def _times(token: "re.Match[str]") -> str:
    """Return a number of times: `{,3}` is `{0,3}`."""
    return f"{{{token['least'] or 0}{token['comma']}{token['most']}}}"
