"""The same conversation with the endpoint in each framework that it mounts in."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from .clients import CLIENTS, Client, Refused
from .conversation import Conversation
from .framework_apps.room import NOWHERE
from .outcomes import as_sent, as_told
from .servers import SERVERS, Pool

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Place:
    """Where an endpoint is mounted.

    Attributes:
        framework: The module of `framework_apps`, without its `_app`.
        path: Where in it.
        room: What arrives of the path.
        greeting: The endpoint's attribute.
        query: What the greeting is chosen by.
        servers: What the framework runs on.
    """

    framework: str
    path: str
    room: str = "lobby"
    greeting: str = "hello"
    query: Sequence[tuple[str, str]] = ()
    servers: Sequence[str] = ("uvicorn",)


PLACES = [
    Place("starlette", "/class/lobby"),
    Place("starlette", "/attributes/lobby", greeting="good day"),
    Place("starlette", "/mount/lobby/"),
    Place("starlette", "/router/lobby"),
    Place(
        "fastapi",
        "/function/lobby",
        greeting="guten Tag",
        query=[("language", "de")],
        # With a state machine of its own around the server's `receive` and `send`.
        servers=["uvicorn", "hypercorn-trio", "daphne"],
    ),
    Place(
        "fastapi",
        "/resolved/lobby",
        greeting="guten Tag",
        query=[("language", "de")],
        servers=["uvicorn", "hypercorn-trio"],
    ),
    Place("fastapi", "/class/lobby"),
    Place("fastapi", "/mount/lobby/"),
    Place("fastapi", "/router/lobby"),
    Place("litestar", "/route/lobby"),
    Place("litestar", "/mount/", room=NOWHERE),
    Place("litestar", "/router/lobby"),
    Place("litestar", "/function/lobby", greeting="good day"),
    Place("litestar", "/resolved/lobby", greeting="salut", query=[("greeting", "salut")]),
    Place("channels", "/path/lobby", servers=["uvicorn", "daphne"]),
    Place("channels", "/router/lobby", servers=["uvicorn", "daphne"]),
    Place("django", "/room/lobby", servers=["uvicorn", "daphne"]),
    Place("quart", "/wrapped", room=NOWHERE, servers=["uvicorn", "hypercorn"]),
    Place("quart", "/router/lobby"),
    Place("router", "/class/lobby", servers=["uvicorn", "hypercorn-trio", "granian", "daphne"]),
    Place("router", "/within/a/b", room="a/b", greeting="good day"),
]


@pytest.fixture(
    params=[
        pytest.param((place, server), id=f"{place.framework} {place.path.split('/')[1]} {server}")
        for place in PLACES
        for server in place.servers
    ]
)
def mounted(request: pytest.FixtureRequest) -> tuple[Place, str]:
    """Return each place, with each server that its framework runs on."""
    mounted: tuple[Place, str] = request.param
    return mounted


@pytest.fixture
def place(mounted: tuple[Place, str]) -> Place:
    """Return where the endpoint is mounted."""
    return mounted[0]


@pytest.fixture
def conversation(mounted: tuple[Place, str], pool: Pool) -> Iterator[Conversation]:
    """Return a conversation that has not begun; in the end the server's log is checked."""
    place, server = mounted
    app = f"tests.interop.framework_apps.{place.framework}_app:app"
    conversation = Conversation(pool.get(SERVERS[server], app), CLIENTS["websockets"])
    yield conversation
    # Litestar logs it, and closes a second time. If the client is still there, that is one more
    # failure, to which the server logs the first as its context.
    conversation.check_log(at_most=2 if place.framework == "litestar" else 1)


async def say(client: Client, kind: str, **fields: Any) -> None:
    """Send a message."""
    await client.send(json.dumps({"type": kind, **fields}))


async def hear(client: Client) -> Any:
    """Wait for a message."""
    return json.loads(await client.receive())


async def test_a_conversation_that_the_endpoint_ends(
    conversation: Conversation, place: Place
) -> None:
    """Subprotocol, path parameter and attribute arrive, a mistake is answered, a close is seen."""
    async with conversation.connect(
        place.path, query=place.query, subprotocols=["one", "two"]
    ) as client:
        assert client.subprotocol == "two"
        await say(client, "say", text="Ada")
        said = {"type": "said", "room": place.room, "text": f"{place.greeting}, Ada"}
        assert await hear(client) == said
        await say(client, "shout")
        assert (await hear(client))["code"] == "invalid_message"
        await say(client, "leave")
        assert await client.closed() == as_sent(conversation.server, 4001, "bye")
    hooks = ["on_connect", "on_invalid InvalidMessageError", "on_disconnect 4001", "end"]
    assert await conversation.journal() == hooks


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_the_client_leaves_while_a_handler_waits(
    conversation: Conversation, place: Place, way: str
) -> None:
    """It is noticed at once, and is no error."""
    async with conversation.connect(place.path) as client:
        await say(client, "wait")
        await client.receive()
        if way == "close":
            await client.close(4321)
        else:
            client.reset()
        code = as_told(conversation.server, 4321) if way == "close" else 1006
        assert await conversation.journal() == ["on_connect", f"on_disconnect {code}", "end"]


async def test_a_failure_closes_with_1011(conversation: Conversation, place: Place) -> None:
    """The framework passes the exception on to the server, which logs it once."""
    conversation.expect_failure()
    async with conversation.connect(place.path) as client:
        await say(client, "fail")
        assert await client.closed() == as_sent(conversation.server, 1011)
    entries = await conversation.journal()
    assert entries[:2] == ["on_connect", "on_disconnect 1011"]
    assert entries[-1] == "end"


async def test_an_unusable_frame_closes(conversation: Conversation, place: Place) -> None:
    """What is not JSON closes with 1007."""
    async with conversation.connect(place.path) as client:
        await client.send("{")
        assert await client.closed() == as_sent(conversation.server, 1007, "not valid JSON")
    entries = await conversation.journal()
    assert entries[-2:] == ["on_disconnect 1007", "end"]


async def test_a_refusal_goes_out(conversation: Conversation, place: Place) -> None:
    """A client that is denied gets the response, or a 403 where the server can't send it."""
    if conversation.server.facts.logs_denials:
        conversation.ignore_error("ASGI callable returned without completing handshake")
    with pytest.raises(Refused) as refused:
        async with conversation.connect(place.path, query=[("denied", "yes")]):
            pass
    if conversation.server.facts.denial_response:
        assert (refused.value.status, refused.value.body) == (401, b"who are you?")
    else:
        assert refused.value.status == 403
    assert await conversation.journal() == ["on_connect", "end"]


@pytest.mark.parametrize("server", SERVERS)
async def test_a_router_refuses_a_path_that_leads_nowhere(server: str, pool: Pool) -> None:
    """With 404, or with 403 where the server can't send that."""
    app = "tests.interop.framework_apps.router_app:app"
    conversation = Conversation(pool.get(SERVERS[server], app), CLIENTS["websockets"])
    if conversation.server.facts.logs_denials:
        conversation.ignore_error("ASGI callable returned without completing handshake")
    with pytest.raises(Refused) as refused:
        async with conversation.connect("/nowhere"):
            pass
    if conversation.server.facts.denial_response:
        assert (refused.value.status, refused.value.body) == (404, b"Not Found")
    else:
        assert refused.value.status == 403
    assert await conversation.journal() == ["end"]
    conversation.check_log()


@pytest.mark.parametrize("server", SERVERS)
async def test_a_server_starts_what_a_router_is_given(server: str, pool: Pool) -> None:
    """And keeps its state for each connection; daphne runs no lifespan."""
    app = "tests.interop.framework_apps.router_app:app"
    conversation = Conversation(pool.get(SERVERS[server], app), CLIENTS["websockets"])
    async with conversation.connect("/started") as client:
        expected = None if server == "daphne" else {"started": "rooms"}
        assert await hear(client) == expected
        await client.close()
    await conversation.journal()
    conversation.check_log()
