"""The path of a route, with parameters, as it is written."""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Converter", "Parameter", "Pattern", "Segment", "is_int", "parse_pattern"]

Converter: TypeAlias = Literal["str", "int", "path"]
"""What a parameter takes: one segment, one of digits alone, or all that is left."""

_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::(.*))?\}")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_DIGITS: Final = 640
"""As many as `int` reads whatever Python's limit is set to; no id is as long."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment of a path that varies."""

    name: str
    converter: Converter


Segment: TypeAlias = str | Parameter
"""What is between two slashes: a text that is matched as it is, or a parameter."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """The path of a route.

    Attributes:
        text: The path as it is written: `"/rooms/{room}"`.
        segments: Its segments. The first slash begins one, and so does each further.
    """

    text: str
    segments: tuple[Segment, ...]

    @property
    def parameters(self) -> dict[str, Converter]:
        """Its parameters in order, by name."""
        return {it.name: it.converter for it in self.segments if isinstance(it, Parameter)}

    def joined(self, inner: "Pattern") -> "Pattern":
        """Return the path of a route within what is at this one.

        Raises:
            ConfigurationError: A parameter is in both, or takes all that is left in this one.
        """
        both = Pattern(self.text + inner.text, self.segments + inner.segments)
        _check_parameters(both)
        return both


def parse_pattern(text: object) -> Pattern:
    """Read the path of a route.

    Args:
        text: The path, decoded, with `{name}`, `{name:int}` or `{name:path}` where it varies.

    Raises:
        ConfigurationError: It is no such path.
    """
    if not isinstance(text, str):
        raise ConfigurationError(f"{text!r} is no path: use a str, such as '/chat/{{room}}'")
    if not text.startswith("/"):
        raise ConfigurationError(f"the path {text!r} does not begin with a slash: write '/{text}'")
    if "?" in text or "#" in text:
        raise ConfigurationError(
            f"the path {text!r} has a '?' or '#', which no path of a request has: an endpoint "
            "declares the parameters of its query in `params`"
        )
    if _ESCAPE.search(text):
        raise ConfigurationError(
            f"the path {text!r} is percent-encoded, and paths are matched decoded: write the "
            "characters themselves"
        )
    pattern = Pattern(text, tuple(_parse_segment(it, text) for it in text[1:].split("/")))
    _check_parameters(pattern)
    return pattern


def _parse_segment(segment: str, text: str) -> Segment:
    if "{" not in segment and "}" not in segment:
        return segment
    match = _PARAMETER.fullmatch(segment)
    if match is None:
        raise ConfigurationError(
            f"the path {text!r}: {segment!r} is no parameter: one is a whole segment, in braces, "
            "with the name of an identifier, such as {room}"
        )
    name: str = match[1]
    match match[2]:
        case None:
            return Parameter(name, "str")
        case "int" | "path" as converter:
            return Parameter(name, converter)
        case unknown:
            raise ConfigurationError(
                f"the path {text!r}: {unknown!r} is no converter: write {{{name}}} for a segment, "
                f"{{{name}:int}} for one of digits, {{{name}:path}} for all that is left"
            )


def _check_parameters(pattern: Pattern) -> None:
    names: set[str] = set()
    for number, segment in enumerate(pattern.segments, start=1):
        if isinstance(segment, str):
            continue
        if segment.name in names:
            raise ConfigurationError(
                f"the path {pattern.text!r} has two parameters of the name {segment.name!r}: "
                "rename one"
            )
        names.add(segment.name)
        if segment.converter == "path" and number < len(pattern.segments):
            raise ConfigurationError(
                f"the path {pattern.text!r} goes on behind {{{segment.name}:path}}, which takes "
                "all that is left: make it the last segment"
            )


def is_int(segment: str) -> bool:
    """Return whether `{name:int}` takes a segment: ASCII digits, at most 640."""
    return segment.isascii() and segment.isdigit() and len(segment) <= _DIGITS
