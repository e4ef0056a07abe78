"""What TypeScript is written with: literals, names, and comments that nothing breaks out of."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

__all__ = [
    "RESERVED",
    "comment",
    "indented",
    "key",
    "line_comment",
    "literal",
    "names_in",
    "type_name",
]

RESERVED: Final = frozenset(
    re.findall(
        r"\w+",
        """
        abstract accessor any arguments as assert asserts async await bigint boolean
        break case catch class const constructor continue debugger declare default defer
        delete do else enum eval export extends false finally for from function get
        global if implements import in infer instanceof interface intrinsic is keyof let
        module namespace never new null number object of out override package private
        protected public readonly require return satisfies set static string super
        switch symbol this throw true try type typeof undefined unique unknown using var
        void while with yield
        """,
    )
)
"""Words that are no name of a type, or are better none."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)

_MAX_SAFE: Final = 2**53 - 1


def literal(value: Any) -> str:
    """Return a value as JavaScript writes it, which is the type of just this value, too.

    Args:
        value: One of JSON. An integer that a number can't hold is `number`.
    """
    match value:
        case bool() | None | str():
            return json.dumps(value)
        case int():
            return str(value) if abs(value) <= _MAX_SAFE else "number"
        case list() | tuple():
            return f"[{', '.join(map(literal, cast('Sequence[Any]', value)))}]"
        case dict():
            entries = cast("Mapping[str, Any]", value)
            members = [f"{key(name)}: {literal(it)}" for name, it in entries.items()]
            return f"{{ {', '.join(members)} }}" if members else "{}"
        case _:
            return json.dumps(value)


def key(name: str) -> str:
    """Return the name of a property, in quotes where it needs them."""
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


def type_name(wanted: str) -> str:
    """Return the name that is wanted for a type, with a letter in front of a digit."""
    return f"N{wanted}" if wanted[:1].isdigit() else wanted


def names_in(source: str) -> frozenset[str]:
    """Return the names that are used in a source, and some more words of it."""
    return frozenset(_IDENTIFIER.findall(_COMMENT.sub("", source)))


def comment(paragraphs: Iterable[str]) -> str:
    """Return a JSDoc comment that ends with a line break; `""` if there is nothing to say."""
    lines = [line for it in paragraphs if it for line in ["", *_safe(it).split("\n")]][1:]
    if not lines:
        return ""
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "".join(["/**\n", *(f" * {line}".rstrip() + "\n" for line in lines), " */\n"])


def line_comment(text: str) -> str:
    """Return a comment to the end of the line."""
    return f"// {_safe(text)}".replace("\n", " ")


def _safe(text: str) -> str:
    """Return a text that ends no comment, and shows all that is in it.

    What is not printable, such as a character that turns the direction of text, is escaped.
    """
    shown = (it if it == "\n" or it.isprintable() else f"\\u{ord(it):04x}" for it in text)
    return "".join(shown).replace("*/", "*\\/").strip()


def indented(text: str, by: str = "  ") -> str:
    """Return lines with an indent, but for empty ones."""
    return re.sub(r"^(?=[^\n])", by, text, flags=re.MULTILINE)
