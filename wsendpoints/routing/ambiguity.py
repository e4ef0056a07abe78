"""Which paths two patterns both match, and whether it is clear then which of them is meant."""

from collections.abc import Iterable
from itertools import combinations
from typing import Final, TypeAlias

from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.routing.patterns import Parameter, Pattern, Segment, is_int

__all__ = ["check_unambiguous"]

Shape: TypeAlias = tuple[Segment, ...]
"""The segments of a pattern, without the names of its parameters: they decide what it matches."""

_REST: Final = Parameter("", "path")

_EXAMPLES: Final = {"str": "x", "int": "1", "path": "x"}


def check_unambiguous(patterns: Iterable[Pattern]) -> None:
    """Check that of all patterns that match a path, one is more specific than the others.

    It is the one whose every segment is as specific as theirs, or more: a text is more so than
    `{name:int}`, which is more so than `{name}`, and `{name:path}` is the least.

    Raises:
        ConfigurationError: Two are equal but for the names of their parameters; or some paths are
            matched by two of which neither is more specific, and no third has just those paths.
    """
    shapes: dict[Shape, Pattern] = {}
    for pattern in patterns:
        shape = _shape_of(pattern)
        if shape in shapes:
            raise ConfigurationError(_told(shapes[shape], pattern, shape) + ": remove one")
        shapes[shape] = pattern
    # A pattern without parameters is more specific than any other that matches its only path.
    varying = [shape for shape in shapes if any(isinstance(it, Parameter) for it in shape)]
    for one, other in combinations(varying, 2):
        shared = _shared(one, other)
        if shared is not None and shared not in shapes:
            raise ConfigurationError(
                f"{_told(shapes[one], shapes[other], shared)}, and neither is more specific: "
                f"change one, or add a route for {_written(shared)!r}"
            )


def _shape_of(pattern: Pattern) -> Shape:
    return tuple(
        it if isinstance(it, str) else Parameter("", it.converter) for it in pattern.segments
    )


def _shared(one: Shape, other: Shape) -> Shape | None:
    """Return the shape of exactly the paths that both match; `None` if there are none."""
    shared: list[Segment] = []
    for index, (here, there) in enumerate(zip(one, other, strict=False)):
        if here == _REST:
            return (*shared, *other[index:])
        if there == _REST:
            return (*shared, *one[index:])
        narrower = _narrower(here, there)
        if narrower is None:
            return None
        shared.append(narrower)
    return tuple(shared) if len(one) == len(other) else None


def _narrower(one: Segment, other: Segment) -> Segment | None:
    """Return which of two segments matches only what both do; `None` if they share nothing."""
    if one == other or _takes(one, other):
        return other
    return one if _takes(other, one) else None


def _takes(wide: Segment, narrow: Segment) -> bool:
    if isinstance(wide, str):
        return False
    if wide.converter == "int":
        return isinstance(narrow, str) and is_int(narrow)
    return narrow != ""


def _told(one: Pattern, other: Pattern, shared: Shape) -> str:
    path = "".join("/" + (it if isinstance(it, str) else _EXAMPLES[it.converter]) for it in shared)
    return f"the paths {one.text!r} and {other.text!r} both match {path!r}"


def _written(shape: Shape) -> str:
    """Return a pattern of a shape, with names for its parameters."""
    segments = (
        it if isinstance(it, str) else f"{{p{number}:{it.converter}}}".replace(":str", "")
        for number, it in enumerate(shape, start=1)
    )
    return "".join(f"/{it}" for it in segments)
