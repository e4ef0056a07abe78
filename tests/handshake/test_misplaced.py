"""Marks in a model of parameters, where nothing reads them."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import fastapi
import pytest
from litestar.params import FromCookie, FromQuery
from pydantic import BaseModel
from typing_extensions import TypeAliasType

from wsendpoints import Cookie, Header
from wsendpoints.handshake.parameters import Parameters
from wsendpoints.protocol.exceptions import ConfigurationError

T = TypeVar("T")

Tenant = TypeAliasType("Tenant", Annotated[str, Header("X-Tenant")])


class Inner(BaseModel):
    """A part of a model."""

    tenant: Annotated[str, Header("X-Tenant")]


def params(annotation: Any, default: Any = ...) -> Any:
    """Return a model with one field."""
    values = {} if default is ... else {"a": default}
    return type("P", (BaseModel,), {"__annotations__": {"a": annotation}, **values})


def refusal(annotation: Any) -> str:
    """Return why a model can't be that of parameters."""
    with pytest.raises(ConfigurationError) as caught:
        Parameters(annotation, "Chat.params")
    return str(caught.value)


@pytest.mark.parametrize("mark", [Header("X-A"), Cookie()], ids=repr)
def test_mark_is_no_default(mark: Any) -> None:
    """The parameter would be in the query, and the mark its value."""
    assert refusal(params(str, mark)) == (
        f"Chat.params: P has {mark!r} as the default of a field, where nothing reads it: annotate "
        f"the field, as in `token: Annotated[str, {mark!r}]`"
    )


@pytest.mark.parametrize("kind", [dataclass, None], ids=["dataclass", "model"])
def test_mark_is_no_default_of_other_kinds(kind: Any) -> None:
    """So it is in a dataclass."""
    body = {"__annotations__": {"a": str}, "a": Header()}
    model = dataclass(type("P", (), body)) if kind else params(str, Header())
    assert "Header() as the default of a field" in refusal(model)


@pytest.mark.parametrize(
    "annotation",
    [Inner, list[Inner], Inner | None, list[Annotated[str, Header("X-Tenant")]]],
    ids=str,
)
def test_mark_is_of_a_field_of_the_model_itself(annotation: Any) -> None:
    """A part of a field has no header of its own."""
    assert refusal(params(annotation)) == (
        "Chat.params: P has Header('X-Tenant') within the type of a field, where nothing reads it: "
        "annotate a field of its own with it"
    )


@pytest.mark.parametrize(
    ("annotation", "default", "mark"),
    [
        (Annotated[str, fastapi.Header()], ..., "Header of FastAPI's"),
        (Annotated[str, fastapi.Cookie()], "5", "Cookie of FastAPI's"),
        (str, fastapi.Header(), "Header of FastAPI's"),
        (Annotated[str, fastapi.Depends(str)], "", "Depends of FastAPI's"),
        (FromCookie[str], ..., "CookieParameter of Litestar's"),
    ],
    ids=str,
)
def test_mark_is_none_of_a_framework(annotation: Any, default: Any, mark: str) -> None:
    """The parameter would be in the query."""
    assert f"Chat.params: P.a has {mark}, which nothing reads there: " in refusal(
        params(annotation, default)
    )


def test_text_of_a_mark_of_a_framework() -> None:
    """It says whose marks are meant."""
    assert refusal(params(Annotated[str, fastapi.Header()])) == (
        "Chat.params: P.a has Header of FastAPI's, which nothing reads there: `Header` and "
        "`Cookie` of wsendpoints are for the fields of P, and what FastAPI is to resolve is an "
        "attribute of the endpoint"
    )


MARKED: Any = Annotated[str, Header()]
READ: dict[str, Any] = {
    "header": MARKED,
    "several cookies": Annotated[list[str] | None, Cookie("b")],
    "header or nothing": MARKED | None,
    "alias": Tenant,
    "FastAPI's query": Annotated[str, fastapi.Query(min_length=3)],
    "Litestar's query": FromQuery[int],
}


@pytest.mark.parametrize("annotation", READ.values(), ids=READ)
def test_any_other_mark_may_be_there(annotation: Any) -> None:
    """What is marked for the query is read from there."""
    assert [it.names for it in Parameters(params(annotation), "Chat.params").fields] == [["a"]]


def test_alias_may_mark_several_fields() -> None:
    """For pydantic it is one definition."""

    class Twice(BaseModel):
        a: Tenant
        b: Tenant | None = None

    fields = Parameters(Twice, "Chat.params").fields
    assert [it.source for it in fields] == [Header("X-Tenant")] * 2


def test_local_names_are_no_matter() -> None:
    """A model may be of types that only pydantic knows."""

    class Paging(BaseModel):
        page: "Number"  # type: ignore[name-defined]  # noqa: F821 - pydantic is told below
        token: Annotated[str, Header()]

    Paging.model_rebuild(_types_namespace={"Number": int})
    assert [it.place for it in Parameters(Paging, "Chat.params").fields] == ["query", "header"]
