"""Parameters from headers and cookies, as `Header` and `Cookie` mark them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from wsendpoints import Cookie, Header
from wsendpoints.handshake.parameters import Parameters
from wsendpoints.handshake.request import Request
from wsendpoints.protocol.exceptions import ConfigurationError, Denied


def read(
    annotation: Any,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    query: bytes = b"",
    **path: Any,
) -> Any:
    """Return what a class with these parameters reads."""
    lines = headers if isinstance(headers, Sequence) else headers.items()
    scope: dict[str, Any] = {
        "type": "websocket",
        "query_string": query,
        "path_params": path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in lines],
    }
    return Parameters(annotation, "Chat.params").read(Request(scope))


def errors(annotation: Any, *given: Any, **path: Any) -> list[tuple[list[Any], str]]:
    """Return where a class with these parameters finds errors, and of which type."""
    with pytest.raises(Denied) as caught:
        read(annotation, *given, **path)
    assert caught.value.status == 422
    return [(it["loc"], it["type"]) for it in json.loads(caught.value.body)["errors"]]


class Model(BaseModel):
    """Has each of them."""

    tenant: Annotated[int, Header("X-Tenant")]
    user_agent: Annotated[str | None, Header()] = None
    languages: Annotated[list[str], Header("Accept-Language")] = []
    theme: Annotated[Literal["light", "dark"], Cookie(), AfterValidator(str)] = "light"
    session: Annotated[str, Cookie("__Host-session")] = Field(default="", max_length=3)
    page: int = 0


@dataclasses.dataclass
class Data:
    """Has two."""

    tenant: Annotated[int, Header("X-Tenant")]
    theme: Annotated[str, Cookie()] = "light"


class Dict(TypedDict):
    """Has two."""

    tenant: Annotated[int, Header("X-Tenant")]
    theme: Annotated[str, Cookie()]


def test_headers_and_cookies_are_read() -> None:
    """Each by its name, converted and checked as the query is."""
    found = read(
        Model,
        [
            ("x-tenant", "5"),
            ("user-agent", "curl"),
            ("accept-language", "de"),
            ("accept-language", "en"),
            ("cookie", "theme=dark; __Host-session=abc"),
        ],
        b"page=2",
    )
    assert found == Model(
        tenant=5,
        user_agent="curl",
        languages=["de", "en"],
        theme="dark",
        session="abc",
        page=2,
    )


def test_places() -> None:
    """Each field has one."""
    places = [it.place for it in Parameters(Model, "Chat.params").fields]
    assert places == ["header", "header", "header", "cookie", "cookie", "query"]


def test_what_is_not_sent_has_its_default() -> None:
    """A header that was sent several times has its last value, unless the field holds several."""
    headers = [("x-tenant", "5"), ("x-tenant", "6")]
    assert read(Model, headers) == Model(tenant=6)


@pytest.mark.parametrize("model", [Data, Dict])
def test_of_dataclasses_and_dicts(model: Any) -> None:
    """The marks mean the same."""
    headers = {"x-tenant": "5", "cookie": "theme=dark"}
    assert read(model, headers) == model(tenant=5, theme="dark")


def test_errors_tell_the_header_and_the_cookie() -> None:
    """By the name that the client knows."""
    headers = {"x-tenant": "secret", "cookie": "theme=blue; __Host-session=abcd"}
    assert errors(Model, headers, b"page=x") == [
        (["header", "X-Tenant"], "int_parsing"),
        (["cookie", "theme"], "literal_error"),
        (["cookie", "__Host-session"], "string_too_long"),
        (["query", "page"], "int_parsing"),
    ]
    assert errors(Model) == [(["header", "X-Tenant"], "missing")]


def test_they_are_read_from_nowhere_else() -> None:
    """Neither the query nor the path can stand for a header."""
    assert errors(Model, (), b"tenant=5") == [(["header", "X-Tenant"], "missing")]
    assert errors(Model, (), b"", tenant=5) == [(["header", "X-Tenant"], "missing")]
    assert read(Model, {"x-tenant": "5"}, b"theme=dark", tenant=6) == Model(tenant=5)


def test_model_that_forbids_others() -> None:
    """Headers and cookies that are not asked for are no parameters."""

    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")

        tenant: Annotated[str, Header()]

    headers = {"tenant": "a", "host": "localhost", "cookie": "theme=dark"}
    assert read(Closed, headers) == Closed(tenant="a")
    parameters = Parameters(Closed, "Chat.params")
    with pytest.raises(ConfigurationError, match="has a parameter 'tenant', which"):
        parameters.check_path("/{tenant}", {"tenant": None}, "Chat.params")


def test_name_is_that_of_the_alias() -> None:
    """The first one, if there are several."""

    class Aliased(BaseModel):
        one: Annotated[str, Header()] = Field(alias="x_first_one")
        two: Annotated[str, Cookie()] = Field(validation_alias=AliasChoices("b", "c"))
        three: Annotated[str, Header()] = Field(default="", validation_alias="X_Three")

    found = read(Aliased, {"x-first-one": "1", "cookie": "b=2; c=3", "x-three": "3"})
    assert vars(found) == {"one": "1", "two": "2", "three": "3"}


def test_field_that_nothing_can_be_called_like() -> None:
    """It is told with the class."""

    class Odd(BaseModel):
        größe: Annotated[int, Header()]

    with pytest.raises(ConfigurationError, match="no header can be called so"):
        Parameters(Odd, "Chat.params")
