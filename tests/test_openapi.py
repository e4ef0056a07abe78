"""What is added to the OpenAPI document of FastAPI, Litestar and Django Ninja."""

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, get
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud, Quiet
from wsendpoints import ConfigurationError, WebSocketEndpoint
from wsendpoints.openapi import add_to_openapi, openapi_schemas
from wsendpoints.protocol.asgi import ASGIApp


class Token(BaseModel):
    """Another one than that of `Assistant`."""

    value: int


class Done(BaseModel):
    """What only a later route has."""

    at: int


class Application:
    """An application with a route, and how its document is had."""

    def __init__(self, app: Any, serve: Callable[[], ASGIApp], path: str) -> None:
        self.app = app
        self._serve = serve
        self._path = path

    def document(self) -> Any:
        """Return the document that a client gets."""

        async def fetch() -> Any:
            transport = httpx.ASGITransport(self._serve())
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                response = await client.get(self._path)
            assert response.status_code == 200, response.text
            return response.json()

        return asyncio.run(fetch())

    def schemas(self) -> Mapping[str, Any]:
        """Return the schemas in it."""
        schemas: Mapping[str, Any] = self.document()["components"]["schemas"]
        return schemas

    def add_route(self) -> None:
        """Give the application one more route, which returns a `Done`."""
        raise NotImplementedError


class OfFastAPI(Application):
    """One of FastAPI's."""

    def __init__(self, _: pytest.MonkeyPatch) -> None:
        app = FastAPI()

        @app.get("/token")
        def token() -> Token:
            raise AssertionError

        super().__init__(app, lambda: app, "/openapi.json")

    def add_route(self) -> None:
        @self.app.get("/done")  # type: ignore[untyped-decorator]  # whatever the application is
        def done() -> Done:
            raise AssertionError


@get("/token", sync_to_thread=False)
def token_of_litestar() -> Token:
    """Return a token."""
    raise AssertionError


@get("/done", sync_to_thread=False)
def done_of_litestar() -> Done:
    """Return that it is done."""
    raise AssertionError


class OfLitestar(Application):
    """One of Litestar's."""

    def __init__(self, _: pytest.MonkeyPatch) -> None:
        app = Litestar([token_of_litestar])
        serve: Any = app
        super().__init__(app, lambda: serve, "/schema/openapi.json")

    def add_route(self) -> None:
        self.app.register(done_of_litestar)


class OfNinja(Application):
    """One of Django's, with an API of Ninja's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import_module("examples.mounting.django_app")  # it has the settings
        ninja: Any = import_module("ninja")
        urls: Any = import_module("django.urls")
        api = ninja.NinjaAPI(urls_namespace="tests")

        @api.get("/token", response=Token)  # type: ignore[untyped-decorator]  # without types
        def token(request: Any) -> None:
            raise AssertionError

        def serve() -> ASGIApp:
            conf: Any = ModuleType("urls_of_ninja")
            conf.urlpatterns = [urls.path("api/", api.urls)]
            settings: Any = import_module("django.conf").settings
            monkeypatch.setattr(settings, "ROOT_URLCONF", conf)
            monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["host"])
            urls.clear_url_caches()
            app: ASGIApp = import_module("django.core.asgi").get_asgi_application()
            return app

        super().__init__(api, serve, "/api/openapi.json")

    def add_route(self) -> None:
        @self.app.get("/done", response=Done)  # type: ignore[untyped-decorator]  # without types
        def done(request: Any) -> None:
            raise AssertionError


KINDS: Final[Mapping[str, Callable[[pytest.MonkeyPatch], Application]]] = {
    "fastapi": OfFastAPI,
    "litestar": OfLitestar,
    "ninja": OfNinja,
}


@pytest.fixture(params=KINDS)
def application(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Return an application of each framework."""
    return KINDS[request.param](monkeypatch)


def test_document_has_the_messages(application: Application) -> None:
    """What is served is a document of OpenAPI 3.1, with the schemas of the application and ours."""
    before = application.schemas()
    add_to_openapi(application.app, Chat, Calculator, Quiet, Loud)
    document = application.document()
    OpenAPIV31SpecValidator(document).validate()
    schemas = document["components"]["schemas"]
    assert schemas == {**before, **openapi_schemas(Chat, Calculator, Quiet, Loud)}
    assert {"ChatClientMessage", "ChatServerMessage"} <= {*schemas}


def test_own_schema_is_kept(application: Application) -> None:
    """Where the application has another schema of the same name, ours gets a number."""
    before = application.schemas()["Token"]
    add_to_openapi(application.app, Assistant)
    document = application.document()
    OpenAPIV31SpecValidator(document).validate()
    schemas = document["components"]["schemas"]
    assert schemas["Token"] == before
    assert schemas["Token2"]["properties"]["type"] == {"const": "token", "type": "string"}
    union = schemas["AssistantServerMessage"]
    assert union["discriminator"]["mapping"]["token"] == union["oneOf"][0]["$ref"]
    assert union["oneOf"][0] == {"$ref": "#/components/schemas/Token2"}


def test_classes_are_added_once(application: Application) -> None:
    """Adding one again changes nothing; another one is added to those that are there."""
    add_to_openapi(application.app, Assistant)
    first = application.document()
    add_to_openapi(application.app, Assistant)
    assert application.document() == first
    add_to_openapi(application.app, Chat, Assistant)
    assert {*application.schemas()} - {*openapi_schemas(Assistant, Chat)} <= {"Token2"}
    assert "ChatClientMessage" in application.schemas()


def test_routes_may_come_later(application: Application) -> None:
    """What is added to the application afterwards is in the document, beside ours."""
    add_to_openapi(application.app, Chat, Assistant)
    application.add_route()
    document = application.document()
    assert len(document["paths"]) == 2
    schemas = document["components"]["schemas"]
    assert [*schemas["Done"]["properties"]] == ["at"]
    assert "ChatClientMessage" in schemas


def test_document_that_was_read_before_has_them(application: Application) -> None:
    """The application may have made its document already."""
    application.document()
    add_to_openapi(application.app, Chat)
    assert "ChatClientMessage" in application.schemas()


@pytest.mark.parametrize("kind", KINDS)
def test_other_applications_have_none(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added to one application is in no other."""
    app, other = KINDS[kind](monkeypatch), KINDS[kind](monkeypatch)
    add_to_openapi(app.app, Chat)
    assert [*other.schemas()] == ["Token"]


def test_what_litestar_writes_to_a_file_has_them() -> None:
    """Its command line asks the application for the document, not the plugin."""
    app = Litestar([])
    add_to_openapi(app, Chat)
    document: Any = app.openapi_schema.to_schema()
    assert app.openapi_schema.to_schema() == document
    assert document["components"]["schemas"] == openapi_schemas(Chat)


def test_document_without_components_gets_some() -> None:
    """An application without schemas of its own has ours."""
    app = FastAPI()
    add_to_openapi(app, Chat)
    assert app.openapi()["components"] == {"schemas": openapi_schemas(Chat)}


@pytest.mark.parametrize("wrong", [Token, Chat.as_asgi(), "Chat"], ids=["model", "app", "text"])
def test_what_is_no_endpoint_is_refused(wrong: Any) -> None:
    """The text says what to give instead."""
    with pytest.raises(ConfigurationError) as caught:
        add_to_openapi(FastAPI(), wrong)
    assert str(caught.value) == (
        f"add_to_openapi(..., {wrong!r}): use a subclass of WebSocketEndpoint"
    )


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(None, id="nothing"), pytest.param(Chat.as_asgi(), id="an endpoint")],
)
def test_what_has_no_document_is_refused(wrong: object) -> None:
    """The text says what to do with a document of another kind."""
    with pytest.raises(ConfigurationError) as caught:
        add_to_openapi(wrong, Chat)
    assert str(caught.value) == (
        f"add_to_openapi({wrong!r}): use a FastAPI, a Litestar or a NinjaAPI, or put what "
        "openapi_schemas(...) returns into components/schemas of its document"
    )


def test_class_that_fails_changes_nothing() -> None:
    """Those that were added before are still there."""
    app = FastAPI()
    add_to_openapi(app, Chat)
    before = app.openapi()
    with pytest.raises(ConfigurationError):
        add_to_openapi(app, WebSocketEndpoint)
    assert app.openapi() == before
