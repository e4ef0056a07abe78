"""How frameworks mark what they resolve for a connection, in the annotation of an attribute.

They are known by their names: no framework is imported.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

__all__ = ["Host", "Mark", "marks_in", "read_mark"]

Host: TypeAlias = Literal["FastAPI", "Litestar"]
"""A framework that resolves attributes."""

Mark: TypeAlias = tuple[Host, Literal["dependency", "parameter", "body"]]
"""Who resolves an attribute, and from what."""

_MARKS: Final[Mapping[tuple[str, str], Mark]] = {
    # `Security` is a `Depends`.
    ("fastapi.params", "Depends"): ("FastAPI", "dependency"),
    # Path, Query, Header and Cookie.
    ("fastapi.params", "Param"): ("FastAPI", "parameter"),
    # Form and File too.
    ("fastapi.params", "Body"): ("FastAPI", "body"),
    # What `Dependency(...)` returns, and what `NamedDependency` holds.
    ("litestar.params", "DependencyKwarg"): ("Litestar", "dependency"),
    ("litestar.di", "Dependency"): ("Litestar", "dependency"),
    # What `Parameter(...)` returns, and what `FromPath` and its like hold.
    ("litestar.params", "ParameterKwarg"): ("Litestar", "parameter"),
    ("litestar.params", "BodyKwarg"): ("Litestar", "body"),
}


def read_mark(value: object) -> Mark | None:
    """Return what a value says to a framework; `None` for any other value."""
    for klass in type(value).__mro__:
        if mark := _MARKS.get((klass.__module__, klass.__name__)):
            return mark
    return None


def marks_in(metadata: Iterable[Any]) -> Mapping[Mark, str]:
    """Return the marks among what stands behind the type in `Annotated`.

    Returns:
        The names of their classes, such as `"Query"`.
    """
    found = ((read_mark(value), type(value).__name__) for value in metadata)
    return {mark: name for mark, name in found if mark is not None}
