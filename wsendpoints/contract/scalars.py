"""What one schema of texts or of numbers takes and another one does not, in words."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wsendpoints.contract.examples import TEXTS
from wsendpoints.contract.validity import is_valid

__all__ = ["number_differences", "text_differences"]

_FREE: Final = frozenset({"binary", "directory-path", "file-path", "password", "path", "base64url"})
"""Formats that say what a text is for, and refuse none."""

_WIDER: Final[Mapping[str, frozenset[str]]] = {
    "date-time": frozenset({"date"}),
    "ipvanyaddress": frozenset({"ipv4", "ipv6"}),
    "ipvanyinterface": frozenset({"ipv4interface", "ipv6interface", "ipv4", "ipv6"}),
    "ipvanynetwork": frozenset({"ipv4network", "ipv6network", "ipv4", "ipv6"}),
    "uri": frozenset({"multi-host-uri"}),
    "uuid": frozenset({f"uuid{version}" for version in range(1, 9)}),
}
"""Formats all of whose texts may be those of the wider one."""

_SURE: Final = frozenset({"date", "date-time", "duration", "email", "time", "uuid"})
"""Formats of which none has the texts of another one, apart from those above."""

_SAMPLES: Final = ("", " ", "\n", "é", *TEXTS)


def text_differences(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, bool]]:
    """Yield what a schema of texts takes and the other does not, and whether that is certain.

    Args:
        one: Its keywords.
        other: Those of the other.
    """
    pattern, format_ = one.get("pattern"), _format_of(one)
    # What else restricts the length is not known.
    is_plain = pattern is None and format_ is None
    if other.get("minLength", 0) > one.get("minLength", 0):
        yield f"texts shorter than {other['minLength']}", is_plain
    if other.get("maxLength", math.inf) < one.get("maxLength", math.inf):
        yield f"texts longer than {other['maxLength']}", is_plain
    if (their := other.get("pattern")) is not None and their != pattern:
        only = {"type": "string", "pattern": their}
        samples = [it for it in _SAMPLES if is_valid(it, one, {}) and not is_valid(it, only, {})]
        yield f"texts that do not match {their}", bool(samples) and format_ is None
    their = _format_of(other)
    if their is not None and their != format_ and format_ not in _WIDER.get(their, ()):
        is_known = format_ is None or {their, format_} <= _SURE
        yield f"texts that are no {their}", is_known and pattern is None


def _format_of(schema: Mapping[str, Any]) -> str | None:
    found = schema.get("format")
    return None if found in _FREE else found


def number_differences(
    one: Mapping[str, Any], other: Mapping[str, Any], *, is_whole: bool
) -> Iterator[tuple[str, bool]]:
    """Yield what a schema of numbers takes and the other does not, and whether that is certain.

    Args:
        one: Its keywords.
        other: Those of the other.
        is_whole: Whether it takes integers alone.
    """
    least, is_least_taken = _least(one, is_whole=is_whole)
    their, is_their_taken = _least(other, is_whole=is_whole)
    if their > least or (their == least and is_least_taken and not is_their_taken):
        word = "below" if is_their_taken else "not above"
        yield f"numbers {word} {their:g}", True
    most, is_most_taken = _most(one, is_whole=is_whole)
    their, is_their_taken = _most(other, is_whole=is_whole)
    if their < most or (their == most and is_most_taken and not is_their_taken):
        word = "above" if is_their_taken else "not below"
        yield f"numbers {word} {their:g}", True
    if (step := other.get("multipleOf")) is not None:
        own = one.get("multipleOf", 1 if is_whole else None)
        if own is None or not is_valid(own, {"multipleOf": step}, {}):
            # Few numbers may all be multiples.
            yield f"numbers that are no multiples of {step:g}", most - least > 2 * (own or step)


def _least(schema: Mapping[str, Any], *, is_whole: bool) -> tuple[float, bool]:
    """Return the smallest number, and whether it is one of them."""
    least, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    if above >= least and above != -math.inf:
        return (math.floor(above) + 1, True) if is_whole else (above, False)
    return (math.ceil(least) if is_whole and math.isfinite(least) else least), True


def _most(schema: Mapping[str, Any], *, is_whole: bool) -> tuple[float, bool]:
    """Return the largest number, and whether it is one of them."""
    least, is_taken = _least(
        {
            "minimum": -schema.get("maximum", math.inf),
            "exclusiveMinimum": -schema.get("exclusiveMaximum", math.inf),
        },
        is_whole=is_whole,
    )
    return -least, is_taken
