"""What FastAPI resolves, as parameters and credentials of the contract."""

from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, Path, Query, Security
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    OAuth2PasswordBearer,
)
from pydantic import BaseModel, Field, TypeAdapter

from wsendpoints.contract.description import Parameter
from wsendpoints.contract.resolved import NOTHING, Resolved, resolved_by
from wsendpoints.handshake.credentials import Credential


def resolved(function: Any) -> Resolved:
    """Return what FastAPI resolves for a function."""
    app = FastAPI()
    app.websocket("/{room}")(function)
    route: Any = app.routes[-1]
    return resolved_by(route.dependant)


def schema(parameter: Parameter) -> Any:
    """Return the schema of the type of a parameter."""
    return TypeAdapter(parameter.type).json_schema()


def test_route_of_starlette_resolves_nothing() -> None:
    """It has no dependant."""
    assert resolved_by(None) == NOTHING


def test_each_place_has_its_parameters() -> None:
    """They have the names, the constraints and the defaults that FastAPI knows."""

    def route(
        room: Annotated[int, Path(ge=1)],
        token: Annotated[str, Query(alias="t", min_length=3, description="Who.")],
        tags: Annotated[list[str], Query()],
        x_key: Annotated[str | None, Header()] = None,
        session: Annotated[str, Cookie()] = "none",
    ) -> None: ...

    found = resolved(route).parameters
    assert [(it.place, it.name, it.is_required, it.is_multiple) for it in found] == [
        ("path", "room", True, False),
        ("query", "t", True, False),
        ("query", "tags", True, True),
        ("header", "x-key", False, False),
        ("cookie", "session", False, False),
    ]
    assert schema(found[0]) == {"type": "integer", "minimum": 1}
    assert schema(found[1]) == {"type": "string", "minLength": 3, "description": "Who."}
    assert schema(found[4]) == {"type": "string", "default": "none"}


def test_fields_of_models_are_parameters() -> None:
    """Each has its alias; one of a header has hyphens where its name does not."""

    class Filters(BaseModel):
        limit: int = Field(10, le=100)
        since: Annotated[str, Field(alias="from")]
        until: Annotated[str, Field(validation_alias="to")]

    class Headers(BaseModel):
        x_trace: str

    def route(
        filters: Annotated[Filters, Query()], headers: Annotated[Headers, Header()]
    ) -> None: ...

    found = resolved(route).parameters
    assert [(it.place, it.name, it.is_required) for it in found] == [
        ("query", "limit", False),
        ("query", "from", True),
        ("query", "to", True),
        ("header", "x-trace", True),
    ]
    assert schema(found[0]) == {"type": "integer", "maximum": 100, "default": 10}


def test_what_dependencies_read_is_there_once() -> None:
    """It is required if one of them requires it."""

    def inner(token: str) -> str:
        return token

    def outer(token: Annotated[str, Depends(inner)]) -> str:
        return token

    def optional(token: str = "") -> str:
        return token

    def route(
        one: Annotated[str, Depends(optional)],
        two: Annotated[str, Depends(outer)],
        three: Annotated[str, Depends(optional)],
    ) -> None: ...

    (found,) = resolved(route).parameters
    assert (found.place, found.name, found.is_required) == ("query", "token", True)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (APIKeyHeader(name="x-key"), Credential("header", "x-key")),
        (APIKeyQuery(name="key", description="Ours."), Credential("query", "key", "Ours.")),
        (APIKeyCookie(name="session"), Credential("cookie", "session")),
        (HTTPBearer(), Credential("bearer")),
        (OAuth2PasswordBearer("token"), Credential("bearer")),
        (HTTPBasic(), None),
    ],
    ids=lambda it: type(it).__name__,
)
def test_security_becomes_credentials(scheme: Any, expected: Credential | None) -> None:
    """What the contract has no word for is left out."""

    def get_user(key: Annotated[Any, Security(scheme)]) -> object:
        return key

    def route(user: Annotated[Any, Depends(get_user)]) -> None: ...

    assert resolved(route) == Resolved((), () if expected is None else (expected,))
