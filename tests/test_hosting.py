"""An endpoint class as a function of FastAPI's, which resolves attributes of it."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import field
from types import ModuleType
from typing import Annotated, Any, Generic, TypeVar
from unittest.mock import patch

import fastapi
import pytest
from fastapi import (
    APIRouter,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Path,
    Query,
    Security,
    WebSocketException,
)
from fastapi.exceptions import WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import SecurityScopes
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from typing_extensions import TypeAliasType

from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints import (
    ConfigurationError,
    Given,
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketEndpoint,
    WebSocketRouter,
)
from wsendpoints.hosting import Hosted, hosted_in
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio

Events = list[str]


class DB:
    """A connection of a database."""


class Recording(WebSocketEndpoint):
    """Says what it was given, and records what happens."""

    encoding = "text"
    events: Given[Events]

    async def on_connect(self, websocket: WebSocket) -> None:
        """Record it."""
        self.events.append(f"connect with {self.told()}")
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        """Say it."""
        if data == "fail":
            raise ValueError(data)
        return self.told()

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Record it."""
        self.events.append("disconnect")

    def told(self) -> str:
        """Return what it was given, but for what all are given."""
        own = {name: it for name, it in vars(self).items() if not name.startswith("_")}
        return str({name: it for name, it in own.items() if name not in {"events", "websocket"}})


def routed(cls: type[WebSocketEndpoint[Any]], path: str = "/", **attributes: Any) -> FastAPI:
    """Return an application with the class at a path."""
    app = FastAPI()
    app.websocket(path)(cls.as_route(**attributes))
    return app


async def told(app: Any, path: str = "/", **options: Any) -> str:
    """Return what the endpoint at a path says."""
    async with connect(app, path, timeout=GENEROUS, **options) as client:
        await client.send_text("")
        return await client.receive_text()


async def get_user(authorization: Annotated[str, Header()]) -> str:
    """Return who is there."""
    return authorization.removeprefix("Bearer ")


async def get_grant(scopes: SecurityScopes, user: Annotated[str, Depends(get_user)]) -> str:
    """Return who may do what."""
    return f"{user} may {scopes.scope_str}"


class EveryKind(Recording):
    """Has an attribute of each kind."""

    user: Annotated[str, Depends(get_user)]
    grant: Annotated[str, Security(get_grant, scopes=["read", "write"])]
    room: Annotated[int, Path()]
    last: Annotated[list[int], Query()]
    session: Annotated[str, Cookie()]
    user_agent: Annotated[str, Header()]


HEADERS = [("authorization", "Bearer Ada"), ("cookie", "session=abc"), ("user-agent", "test")]


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_each_kind_is_resolved(prefix: str) -> None:
    """By FastAPI, for a route of its application, and of a router with a prefix."""
    router = APIRouter(prefix=prefix)
    events: Events = []
    router.websocket("/rooms/{room}")(EveryKind.as_route(events=events))
    app = FastAPI()
    app.include_router(router)
    expected = {
        "user": "Ada",
        "grant": "Ada may read write",
        "room": 5,
        "last": [1, 2],
        "session": "abc",
        "user_agent": "test",
    }
    said = await told(app, f"{prefix}/rooms/5?last=1&last=2", headers=HEADERS)
    # In whatever order they were resolved.
    assert eval(said) == expected  # noqa: S307 - our own
    assert events == [f"connect with {said}", "disconnect"]


def opened(name: str, events: Events) -> Callable[[], AsyncIterator[str]]:
    """Return a dependency that is closed again."""

    async def dependency() -> AsyncIterator[str]:
        events.append(f"open {name}")
        try:
            yield name
        except ValueError as exc:
            events.append(f"failed with {exc}")
            raise
        finally:
            events.append(f"close {name}")

    return dependency


async def test_what_is_opened_is_closed_after_the_endpoint() -> None:
    """After `on_disconnect`, that is; and it is open before `on_connect`."""
    events: Events = []

    class Chat(Recording):
        db: Annotated[str, Depends(opened("db", events))]

    assert await told(routed(Chat, events=events)) == "{'db': 'db'}"
    assert events == ["open db", "connect with {'db': 'db'}", "disconnect", "close db"]


async def test_what_is_opened_gets_the_exception_of_a_handler() -> None:
    """So that a transaction is rolled back."""
    events: Events = []

    class Chat(Recording):
        db: Annotated[str, Depends(opened("db", events))]

    with pytest.raises(ValueError, match="fail"):
        async with connect(routed(Chat, events=events)) as client:
            await client.send_text("fail")
            await client.expect_close(1011)
    assert events[2:] == ["disconnect", "failed with fail", "close db"]


async def test_dependency_of_two_attributes_is_asked_once() -> None:
    """As in a function of FastAPI's."""

    async def get_db() -> object:
        return object()

    class Chat(Recording):
        db: Annotated[object, Depends(get_db)]
        same: Annotated[object, Depends(get_db)]
        other: Annotated[object, Depends(get_db, use_cache=False)]

        def told(self) -> str:
            return f"{self.db is self.same} {self.db is self.other}"

    assert await told(routed(Chat, events=[])) == "True False"


async def test_dependency_may_be_overridden() -> None:
    """Where tests of FastAPI's do so."""
    app = routed(EveryKind, "/rooms/{room}", events=[])

    async def get_grace() -> str:
        return "Grace"

    app.dependency_overrides[get_user] = get_grace
    said = await told(app, "/rooms/5?last=1", headers=HEADERS[1:])
    assert "'grant': 'Grace may read write'" in said


T = TypeVar("T")


class Telling(Recording):
    """Says of which class its store is."""

    def told(self) -> str:
        """Return the name of the class."""
        return type(vars(self)["store"]).__name__


class Stored(Telling, Generic[T]):
    """A base class."""

    store: Annotated[T, Depends()]


class Bound(Stored[DB]):
    """Says what is stored."""


class Inherited(Bound):
    """Says nothing more."""


class Plain:
    """Is no endpoint."""

    store: Annotated[DB, Depends(DB)]


class Mixed(Plain, Telling):
    """Takes over what is annotated there."""


Alias = TypeAliasType("Alias", Annotated[DB, Depends(DB)])


class Aliased(Telling):
    """Has a named alias."""

    store: Alias


class Both(Telling):
    """Says that it must be given, too."""

    store: Given[Annotated[DB, Depends(DB)]]


class ForwardDB(DB):
    """Is defined below an annotation that names it."""


class Within(Telling):
    """Has a string within an annotation."""

    store: Annotated["ForwardDB", Depends(ForwardDB)]


@REAL_TIME
@pytest.mark.parametrize("cls", [Bound, Inherited, Mixed, Aliased, Both, Within])
async def test_annotation_means_what_it_says(cls: Any) -> None:
    """In a generic class, in one above, as an alias, with `Given`, with a string in it."""
    name = "ForwardDB" if cls is Within else "DB"
    assert await told(routed(cls, events=[])) == name


FUTURE = "from __future__ import annotations\n"

STRINGS = {
    "in a module": "class Chat(Recording):\n    store: Annotated[DB, Depends(DB)]",
    "local": (
        "def make():\n    class Own(DB): ...\n    class Base(Recording):\n"
        "        store: Annotated[Own, Depends(Own)]\n    return Base\nclass Chat(make()): ..."
    ),
    "an alias": "It = Annotated[DB, Depends(DB)]\nclass Chat(Recording):\n    store: It",
}
UNKNOWN = "class Chat(Recording):\n    store: Annotated[Nowhere, Depends(DB)]"


def endpoint_of(code: str) -> Any:
    """Return the class `Chat` of a module."""
    module = ModuleType("strings")
    vars(module).update(Annotated=Annotated, DB=DB, Depends=Depends, Recording=Recording)
    with patch.dict(sys.modules, strings=module):
        exec(compile(FUTURE + code, "strings.py", "exec"), vars(module))  # noqa: S102 - our own
    return vars(module)["Chat"]


@REAL_TIME
@pytest.mark.parametrize("code", STRINGS.values(), ids=[*STRINGS])
async def test_annotation_may_be_a_string(code: str) -> None:
    """It is resolved while its class is made."""
    said = await told(routed(endpoint_of(code), events=[]))
    assert said.startswith("{'store': <")


def test_annotation_that_nobody_can_resolve_is_an_error() -> None:
    """FastAPI could not, either."""
    with pytest.raises(ConfigurationError, match=r"Chat\.store: the annotation .* names 'Nowhere'"):
        endpoint_of(UNKNOWN)


@REAL_TIME
async def test_type_need_not_be_known_beside_a_dependency() -> None:
    """Where FastAPI has no need of it: it may be imported for type checkers alone."""

    class Chat(Telling):
        store: Annotated["Nowhere", Depends(DB)]  # type: ignore[name-defined]  # noqa: F821 - on purpose  # pyright: ignore[reportUndefinedVariable]

    assert await told(routed(Chat, events=[])) == "DB"


class Defaults(Recording):
    """Has attributes that clients may leave out."""

    language: Annotated[str, Query()] = "en"
    tags: Annotated[list[str], Query()] = field(default_factory=lambda: ["none"])

    def told(self) -> str:
        """Return what it was given, and change it."""
        said = f"{self.language} {self.tags}"
        self.tags.append("one more")
        return said


class German(Defaults):
    """Has another default."""

    language = "de"


async def test_parameter_may_have_a_default() -> None:
    """A subclass may change it, and each connection has its own."""
    app = routed(German, events=[])
    assert await told(app) == "de ['none', 'one more']"
    assert await told(app) == "de ['none', 'one more']"
    assert await told(app, "/?language=fr&tags=a") == "fr ['a', 'one more']"


async def test_what_is_given_is_not_resolved() -> None:
    """It is the same for all connections of the route."""
    app = routed(EveryKind, "/rooms/{room}", events=[], user="Grace", grant="none", last=[])
    said = await told(app, "/rooms/5", headers=HEADERS[1:])
    assert said.startswith("{'user': 'Grace', 'grant': 'none', 'last': [], 'room': 5")


async def test_limits_may_be_given() -> None:
    """As for `as_asgi`."""
    app = routed(EveryKind, "/rooms/{room}", events=[], limits=Limits(max_message_size=1))
    async with connect(app, "/rooms/5?last=1", headers=HEADERS) as client:
        await client.send_text("xy")
        await client.expect_close(1009)


class Nothing(WebSocketEndpoint):
    """Has nothing to resolve."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        """Echo."""
        return data


async def test_class_needs_nothing_to_resolve() -> None:
    """Then it is a route like any other."""
    assert await told(routed(Nothing)) == ""


def test_function_has_the_name_of_the_class() -> None:
    """By which FastAPI names the route, for `url_path_for`."""
    app = routed(Nothing, "/nothing")
    assert app.url_path_for("Nothing") == "/nothing"
    route = Nothing.as_route()
    assert (route.__qualname__, route.__module__, route.__doc__) == (
        "Nothing",
        __name__,
        "Has nothing to resolve.",
    )


# What clients see of a refusal.


class Numbered(WebSocketEndpoint):
    """Takes a number."""

    encoding = "text"
    number: Annotated[int, Query()]

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Take a message."""


def denying(exc: Exception) -> type[WebSocketEndpoint[Any]]:
    """Return a class with a dependency that raises."""

    async def refuse() -> None:
        raise exc

    class Refused(Nothing):
        nothing: Annotated[None, Depends(refuse)]

    return Refused


UNAUTHORIZED = HTTPException(401, "who are you?", {"www-authenticate": "Bearer"})

REFUSALS = [
    pytest.param(denying(WebSocketException(1008)), (403, b""), id="WebSocketException"),
    pytest.param(denying(UNAUTHORIZED), (401, b'{"detail":"who are you?"}'), id="HTTPException"),
]


@pytest.mark.parametrize(("cls", "answer"), REFUSALS)
async def test_what_can_not_be_resolved_refuses_the_client(
    cls: type[WebSocketEndpoint[Any]], answer: tuple[int, bytes]
) -> None:
    """As FastAPI refuses it."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(routed(cls)):
            pass
    assert (denied.value.status, denied.value.body) == answer


async def test_parameter_that_is_not_valid_refuses_the_client() -> None:
    """What its handler in FastAPI answers; by default that is a 403, and a close in tests."""
    app = routed(Numbered)

    async def refuse(
        websocket: fastapi.WebSocket, exc: WebSocketRequestValidationError
    ) -> JSONResponse:
        return JSONResponse([error["loc"] for error in exc.errors()], 422)

    app.exception_handler(WebSocketRequestValidationError)(refuse)
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app, "/?number=five"):
            pass
    assert (denied.value.status, denied.value.body) == (422, b'[["query","number"]]')


async def test_route_has_dependencies_of_its_own() -> None:
    """They are asked before those of the class."""

    async def refuse() -> None:
        raise UNAUTHORIZED

    app = FastAPI()
    app.websocket("/", dependencies=[Depends(refuse)])(Numbered.as_route())
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(app):
            pass
    assert denied.value.status == 401
    assert (b"www-authenticate", b"Bearer") in denied.value.headers


# Mistakes.


async def accept(websocket: fastapi.WebSocket) -> None:
    """Accept what is the endpoint's to accept."""
    await websocket.accept()


class Accepted(Nothing):
    """Depends on it."""

    nothing: Annotated[None, Depends(accept)]


async def test_dependency_does_not_accept() -> None:
    """That is up to `on_connect`."""
    with pytest.raises(InvalidStateError, match="leave that to on_connect of Accepted"):
        async with connect(routed(Accepted)):
            pass


def without(name: str) -> Sequence[str]:
    """Return the names of what is given besides."""
    return [it for it in ("user", "grant", "room", "last", "session", "user_agent") if it != name]


async def serve(cls: type[WebSocketEndpoint[Any]]) -> None:
    """Serve a class in a function, without what it requires."""
    await cls.serve(WebSocket({"type": "websocket"}), events=[])


RESOLVED_BY_NOBODY = {
    "as_asgi": lambda: EveryKind.as_asgi(events=[], **dict.fromkeys(without("room"))),
    "a default": lambda: Defaults.as_asgi(events=[], tags=[]),
    "a router": lambda: WebSocketRouter({"/": Numbered}),
}


@pytest.mark.parametrize("mount", RESOLVED_BY_NOBODY.values(), ids=[*RESOLVED_BY_NOBODY])
def test_nobody_would_resolve_it_elsewhere(mount: Callable[[], Any]) -> None:
    """Which is said where the class is mounted, also of what has a default."""
    with pytest.raises(ConfigurationError) as caught:
        mount()
    assert "have FastAPI resolve that: `app.websocket(path)(" in str(caught.value)


async def test_nobody_would_resolve_it_in_a_function() -> None:
    """Which is said before the connection is answered."""
    with pytest.raises(ConfigurationError, match="Defaults is not given language and tags"):
        await serve(Defaults)


@pytest.mark.parametrize("routed_to", [Numbered, Numbered.as_route()], ids=["class", "route"])
async def test_nobody_would_resolve_it_in_a_route_of_starlette(routed_to: Any) -> None:
    """Which is said at the first connection."""
    app = Starlette(routes=[WebSocketRoute("/", routed_to)])
    with pytest.raises(ConfigurationError, match="Numbered is not given number"):
        async with connect(app):
            pass


async def test_all_may_be_given_elsewhere() -> None:
    """As a test does it, say."""
    app = Defaults.as_asgi(events=[], language="fr", tags=[])
    assert await told(app) == "fr ['one more']"


def test_fastapi_can_not_resolve_what_is_not_annotated_for_it() -> None:
    """The error says how to annotate it, and that it may be given."""
    with pytest.raises(ConfigurationError, match=r"Recording\.events is required, and F"):
        Recording.as_route()


@pytest.mark.parametrize("name", ["evnets", "encoding", "push"])
def test_attribute_that_is_not_declared_is_refused(name: str) -> None:
    """As `as_asgi` refuses it."""
    with pytest.raises(ConfigurationError, match=rf"Recording.*{name}"):
        Recording.as_route(events=[], **{name: 1})


def test_class_that_can_not_be_served_is_refused() -> None:
    """As `as_asgi` refuses it."""
    with pytest.raises(ConfigurationError, match="WebSocketEndpoint is abstract"):
        WebSocketEndpoint.as_route()


def test_fastapi_has_to_be_installed() -> None:
    """The error says what to mount anywhere else."""
    with (
        patch.dict(sys.modules, {"starlette.websockets": None}),
        pytest.raises(ConfigurationError) as caught,
    ):
        Nothing.as_route()
    assert str(caught.value) == (
        "Nothing.as_route() is for FastAPI, which is not installed: anything else takes "
        "`Nothing.as_asgi()`"
    )


def test_function_leads_to_its_endpoint() -> None:
    """With what it is given; nothing else does."""
    found = hosted_in(Recording.as_route(events=["a"]))
    assert found is not None
    assert (found.cls, found.given) == (Recording, {"events": ["a"]})
    assert hosted_in(Recording) is None


def test_litestar_is_another_framework() -> None:
    """What is annotated for FastAPI alone, it can't resolve."""
    with pytest.raises(ConfigurationError) as caught:
        Hosted(Numbered, "Litestar", {})
    assert str(caught.value) == (
        "Numbered.number is required, and Litestar can't resolve it: annotate it, as in `number: "
        "Given[...]`, or give it, as in `as_handler(Numbered, number=...)`"
    )
