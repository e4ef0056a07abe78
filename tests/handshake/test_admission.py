"""Which clients may connect: origins, capacity, parameters, and the order of the checks."""

import logging
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from tests.recording import Recording
from wsendpoints import ConfigurationError, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.handshake.admission import Admission
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class Paging(BaseModel):
    """Parameters from the path and the query."""

    room: str
    page: int = 1


class Guarded(Recording):
    """Has an origin and parameters."""

    allowed_origins = ("https://example.com",)
    params: Paging

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return f"{self.params.room} {self.params.page}"


async def denied(app: Any, path: str = "/", **options: Any) -> HandshakeDenied:
    """Connect, and return the refusal."""
    with pytest.raises(HandshakeDenied) as raised:
        async with connect(app, path, **options):
            pass
    return raised.value


async def test_page_of_an_allowed_origin_connects() -> None:
    """A page of a listed origin connects, and `on_connect` can read the parameters."""
    headers = {"origin": "https://example.com"}
    scope = {"path_params": {"room": "lobby"}}
    async with connect(Guarded.as_asgi(), "/?page=2", headers=headers, scope=scope) as client:
        await client.send_text("x")
        assert await client.receive_text() == "lobby 2"


async def test_origin_is_checked_first(caplog: pytest.LogCaptureFixture) -> None:
    """A page of another origin gets a 403, no hook runs, and the log says what to set."""
    Guarded.log.clear()
    with caplog.at_level(logging.WARNING, "wsendpoints"):
        refusal = await denied(Guarded.as_asgi(), headers={"origin": "http://localhost:3000"})
    assert refusal.status == 403
    assert Guarded.log == []
    assert len(caplog.messages) == 1
    assert caplog.messages[0] == (
        "Guarded: the origin 'http://localhost:3000' is not allowed; to allow it add "
        '"http://localhost:3000" to allowed_origins'
    )


async def test_invalid_parameters_are_refused() -> None:
    """Parameters that the model rejects are a 422 with the errors, and no hook runs."""
    Guarded.log.clear()
    refusal = await denied(Guarded.as_asgi(), "/?page=x", scope={"path_params": {"room": "a"}})
    assert refusal.status == 422
    assert b'"loc":["query","page"]' in refusal.body
    assert Guarded.log == []


async def test_same_origin_is_the_default() -> None:
    """Without a list, pages of the host itself connect, and no others."""

    class Plain(Recording):
        pass

    async with connect(Plain.as_asgi(), headers={"origin": "http://testserver"}):
        pass
    assert (await denied(Plain.as_asgi(), headers={"origin": "http://evil.example"})).status == 403


async def test_origins_of_the_class_are_replaced_by_as_asgi() -> None:
    """`as_asgi` takes other origins than those of the class, and checks them at once."""
    app = Guarded.as_asgi(allowed_origins="*")
    scope = {"path_params": {"room": "lobby"}}
    async with connect(app, headers={"origin": "https://other.example"}, scope=scope):
        pass
    with pytest.raises(ConfigurationError, match=r"Guarded\.allowed_origins has 'localhost:3000'"):
        Guarded.as_asgi(allowed_origins=["localhost:3000"])


async def test_origin_may_be_required() -> None:
    """A client without an origin is refused where one is required."""

    class Pages(Recording):
        require_origin = True

    assert (await denied(Pages.as_asgi())).status == 403


async def test_subprotocol_is_chosen_by_the_servers_preference() -> None:
    """The default `on_connect` accepts with its first subprotocol that the client offers."""

    class Speaking(WebSocketEndpoint):
        subprotocols = ("v2", "v1")

    app = Speaking.as_asgi()
    async with connect(app, subprotocols=["v1", "v2"]) as client:
        assert client.subprotocol == "v2"
    async with connect(app, subprotocols=["v0"]) as client:
        assert client.subprotocol is None


@pytest.mark.parametrize("subprotocols", ["v1", ["a b"], [1], None, [""], ["bearer.x"]])
async def test_subprotocol_that_no_server_can_choose_is_an_error(subprotocols: Any) -> None:
    """The error is raised when the class is made."""
    with pytest.raises(ConfigurationError, match=r"Wrong\.subprotocols is .*: use a list of names"):
        type("Wrong", (WebSocketEndpoint,), {"subprotocols": subprotocols})


class Speaking(Recording):
    """Speaks two subprotocols, and nothing else."""

    subprotocols = ("v2", "v1")
    require_subprotocol = True
    params: Paging


ROOM: Any = {"path_params": {"room": "lobby"}}


@pytest.mark.parametrize("offered", [["v1"], ["v0", "v2"], ["bearer.eA", "v1"]], ids=repr)
async def test_subprotocol_that_is_required_and_offered(offered: list[str]) -> None:
    """A client that speaks one of them connects."""
    async with connect(Speaking.as_asgi(), subprotocols=offered, scope=ROOM) as client:
        assert client.subprotocol == offered[-1]


@pytest.mark.parametrize("offered", [[], ["v0"], ["V1"], ["bearer.eA"]], ids=repr)
async def test_subprotocol_may_be_required(
    offered: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A client that speaks none of them gets a 400 that names them, and no hook runs.

    A token is not a subprotocol, and case matters.
    """
    Speaking.log.clear()
    with caplog.at_level(logging.INFO, "wsendpoints"):
        refusal = await denied(Speaking.as_asgi(), subprotocols=offered)
    assert (refusal.status, refusal.body) == (400, b"subprotocols: v2, v1")
    assert caplog.messages == ["Speaking: a client that speaks none of v2, v1 is refused"]
    assert Speaking.log == []


async def test_subprotocol_is_required_by_as_asgi() -> None:
    """Both attributes may be given where the class is mounted, and they are checked there."""
    app = Recording.as_asgi(subprotocols=["v3"], require_subprotocol=True)
    assert (await denied(app)).body == b"subprotocols: v3"
    async with connect(app, subprotocols=["v3"]) as client:
        assert client.subprotocol == "v3"
    with pytest.raises(ConfigurationError, match=r"Recording\.subprotocols is 'v3': use a list"):
        Recording.as_asgi(subprotocols="v3")


class Base(WebSocketEndpoint):
    """Leaves it to subclasses what is spoken."""

    require_subprotocol = True


EMPTY = (
    "Base.require_subprotocol is set, but Base.subprotocols is empty: no client could connect. "
    "Name those that it speaks"
)


async def test_required_subprotocols_without_any_are_an_error() -> None:
    """A base class may leave them to its subclasses; it can't be mounted itself."""
    with pytest.raises(ConfigurationError) as caught:
        Base.as_asgi()
    assert str(caught.value) == EMPTY
    # Starlette's routes take the class itself.
    with pytest.raises(ConfigurationError) as caught:
        async with connect(Base):
            pass
    assert str(caught.value) == EMPTY

    class Sub(Base):
        subprotocols = ("v1",)

    async with connect(Sub.as_asgi(), subprotocols=["v1"]) as client:
        assert client.subprotocol == "v1"


async def test_parameters_without_fields_are_an_error() -> None:
    """The error is raised when the class is made."""
    with pytest.raises(ConfigurationError, match=r"Wrong\.params: int has no named fields"):
        type("Wrong", (WebSocketEndpoint,), {"__annotations__": {"params": int}})


async def test_capacity_is_checked_after_the_origin() -> None:
    """A page of another origin does not learn whether there is capacity."""

    class Small(Recording):
        limits = Limits(max_connections=1)

    app = Small.as_asgi()
    async with connect(app):
        assert (await denied(app)).status == 503
        assert (await denied(app, headers={"origin": "http://evil.example"})).status == 403


class Closed(BaseModel):
    """Takes nothing else."""

    model_config = ConfigDict(extra="forbid")

    room: str


class Strict(Recording):
    """Has such parameters."""

    params: Closed


async def test_path_of_a_route_is_checked_by_the_parameters() -> None:
    """A class that declares none takes any."""
    Admission(Guarded, None, ()).check_path("/{team}", {"team": "str"})
    Admission(Recording, None, ()).check_path("/{team}", {"team": "str"})
    with pytest.raises(ConfigurationError, match=r"which Strict\.params forbids"):
        Admission(Strict, None, ()).check_path("/{team}", {"team": "str"})


async def test_drained_class_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    """A page of another origin is refused as ever, and learns nothing."""
    caplog.set_level(logging.INFO, "wsendpoints")

    class Drained(Recording):
        pass

    app = Drained.as_asgi()
    admission: Any = vars(Drained)["_admission"]
    admission.draining = lambda: True
    refusal = await denied(app)
    assert (refusal.status, refusal.body) == (503, b"the server is restarting")
    assert (b"retry-after", b"1") in refusal.headers
    assert caplog.messages == [
        f"{Drained.__qualname__}: a client is refused: the server is restarting"
    ]
    assert (await denied(app, headers={"origin": "http://evil.example"})).status == 403
    admission.draining = lambda: False
    async with connect(app):
        """It is of another event loop."""


def test_who_waits_for_the_last_connection_is_told_once() -> None:
    """When it has ended, and not before."""
    told: list[str] = []
    admission = Admission(Recording, None, ())
    admission.drained = (lambda: told.append("one"), lambda: told.append("other"))
    admission.open.add("connection")
    admission.ended()
    assert told == []
    admission.open.clear()
    admission.ended()
    admission.ended()
    assert told == ["one", "other"]
