"""Finds the route of a path: as fast as it has segments, however many routes there are."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, final

from wsendpoints.routing.ambiguity import check_unambiguous
from wsendpoints.routing.patterns import Converter, Pattern, is_int

__all__ = ["PathTree"]

T = TypeVar("T")

Found: TypeAlias = tuple[tuple[Pattern, T], list[Any]]
"""A route, and the values of its parameters, the last one first."""


class _Node(Generic[T]):
    """Where some segments lead.

    Attributes:
        texts: Where segments lead from here that are matched as they are.
        parameters: The same for parameters.
        route: What ends here, if anything does.
    """

    __slots__ = ("parameters", "route", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, _Node[T]] = {}
        self.parameters: dict[Converter, _Node[T]] = {}
        self.route: tuple[Pattern, T] | None = None


@final
class PathTree(Generic[T]):
    """Routes, by the segments of their paths.

    Args:
        routes: The path of each route, with what is there. Their order does not matter.

    Raises:
        ConfigurationError: It is not clear which of two routes a path is for.
    """

    __slots__ = ("_root",)

    def __init__(self, routes: Iterable[tuple[Pattern, T]]) -> None:
        routes = list(routes)
        check_unambiguous(pattern for pattern, _ in routes)
        self._root: _Node[T] = _Node()
        for route in routes:
            node = self._root
            for segment in route[0].segments:
                if isinstance(segment, str):
                    node = node.texts.setdefault(segment, _Node())
                else:
                    node = node.parameters.setdefault(segment.converter, _Node())
            node.route = route

    def find(self, path: str) -> tuple[T, dict[str, Any]] | None:
        """Return what is at a path, the most specific that matches it, with the path's parameters.

        Args:
            path: A decoded path. Slashes are segments' ends: a path with one more at its end is
                another path.
        """
        if not path.startswith("/"):
            return None
        found = _find(self._root, path.split("/"), 1)
        if found is None:
            return None
        (pattern, value), values = found
        return value, dict(zip(pattern.parameters, reversed(values), strict=True))


def _find(node: _Node[T], segments: Sequence[str], index: int) -> Found[T] | None:
    """Search below a node. Each node is at one depth, and so is looked at once at most."""
    if index == len(segments):
        return None if node.route is None else (node.route, [])
    segment = segments[index]
    for child, value in _children(node, segment):
        found = _find(child, segments, index + 1)
        if found is not None:
            found[1].extend(value)
            return found
    rest = node.parameters.get("path")
    if rest is None or rest.route is None:
        return None
    return rest.route, ["/".join(segments[index:])]


def _children(node: _Node[T], segment: str) -> Iterator[tuple[_Node[T], tuple[Any, ...]]]:
    """Yield where a segment leads, the most specific first, with the value of a parameter."""
    if (child := node.texts.get(segment)) is not None:
        yield child, ()
    if (child := node.parameters.get("int")) is not None and is_int(segment):
        yield child, (int(segment),)
    if (child := node.parameters.get("str")) is not None and segment:
        yield child, (segment,)
