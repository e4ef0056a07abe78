"""How frameworks mark what they resolve for a connection."""

import warnings
from typing import Annotated, Any

import fastapi
import fastapi.params
import litestar.di
import litestar.params
import pytest
from pydantic import Field

from wsendpoints.markers import Mark, marks_in, read_mark


class OwnQuery(fastapi.params.Query):  # type: ignore[misc]  # its base is a class of pydantic's
    """A subclass of a mark."""


FIELD: Any = Field()


def get_db() -> None:
    """Be what something depends on."""


FASTAPI: dict[str, tuple[Any, Mark]] = {
    "Depends": (fastapi.Depends(get_db), ("FastAPI", "dependency")),
    "Security": (fastapi.Security(get_db, scopes=["a"]), ("FastAPI", "dependency")),
    "Path": (fastapi.Path(), ("FastAPI", "parameter")),
    "Query": (fastapi.Query(), ("FastAPI", "parameter")),
    "Header": (fastapi.Header(), ("FastAPI", "parameter")),
    "Cookie": (fastapi.Cookie(), ("FastAPI", "parameter")),
    "OwnQuery": (OwnQuery(), ("FastAPI", "parameter")),
    "Body": (fastapi.Body(), ("FastAPI", "body")),
    "Form": (fastapi.Form(), ("FastAPI", "body")),
    "File": (fastapi.File(), ("FastAPI", "body")),
}

with warnings.catch_warnings():
    # `NamedDependency` replaces it, from Litestar 2.23 on.
    warnings.simplefilter("ignore")
    DEPENDENCY = litestar.params.DependencyKwarg()

ALIASES: dict[str, Mark] = {
    "NamedDependency": ("Litestar", "dependency"),
    "FromPath": ("Litestar", "parameter"),
    "FromQuery": ("Litestar", "parameter"),
    "FromHeader": ("Litestar", "parameter"),
    "FromCookie": ("Litestar", "parameter"),
    "JSONBody": ("Litestar", "body"),
}
NAMES: dict[str, Any] = {**vars(litestar.params), **vars(litestar.di)}

LITESTAR: dict[str, tuple[Any, Mark]] = {
    "Dependency": (DEPENDENCY, ("Litestar", "dependency")),
    "Parameter": (litestar.params.ParameterKwarg(), ("Litestar", "parameter")),
    "Body": (litestar.params.BodyKwarg(), ("Litestar", "body")),
    **{name: (NAMES[name][int].__metadata__[0], mark) for name, mark in ALIASES.items()},
}

MARKS = [
    *(pytest.param(*it, id=f"FastAPI {name}") for name, it in FASTAPI.items()),
    *(pytest.param(*it, id=f"Litestar {name}") for name, it in LITESTAR.items()),
]


@pytest.mark.parametrize(("value", "mark"), MARKS)
def test_mark_of_a_framework_is_known(value: Any, mark: Mark) -> None:
    """It says who resolves the attribute, and from what."""
    assert read_mark(value) == mark
    assert marks_in(["a comment", value]) == {mark: type(value).__name__}


@pytest.mark.parametrize("value", [None, "Depends", 5, FIELD, fastapi.Depends])
def test_any_other_value_is_no_mark(value: object) -> None:
    """Such as the class of a mark, or pydantic's field, of which some marks are subclasses."""
    assert read_mark(value) is None
    assert marks_in([value]) == {}


def test_annotation_may_be_for_both() -> None:
    """Each framework reads its own."""
    both: Any = Annotated[int, fastapi.Query(), litestar.params.ParameterKwarg()]
    assert [host for host, _ in marks_in(both.__metadata__)] == ["FastAPI", "Litestar"]
