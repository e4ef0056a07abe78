"""What goes on at the endpoints of a router, who may see it, and what is closed."""

import json
import os
import re
from typing import Any, Final

import pytest

from tests.console.requests import Answer, request
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, WebSocketRouter
from wsendpoints.groups import Groups
from wsendpoints.handshake.request import Request
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

groups: Final = Groups()

PATH: Final = "/docs/live.json"
HOST: Final = {"host": "example.com", "cookie": "admin=yes"}
OURS: Final = {**HOST, "origin": "http://example.com"}


class Room(WebSocketEndpoint):
    """Has all in a group."""

    encoding = "text"
    subprotocols = ("v1",)

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept(subprotocol=next(iter(websocket.subprotocols), None))
        if name := websocket.query_params.get("group"):
            await groups.join(self, name)

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


class Slow(WebSocketEndpoint):
    """Has not accepted the client when it asks what goes on."""

    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        (it,) = json.loads((await request(app, PATH, headers=HOST)).body)["connections"]
        answer = await post(json.dumps({"connection": it["connection"]}).encode())
        assert json.loads(answer.body) == {"closed": 0}
        await websocket.accept()


def is_admin(asking: Request) -> bool:
    """Whether somebody has the cookie."""
    return asking.cookies.get("admin") == "yes"


app: Final = WebSocketRouter(
    {"/slow": Slow, "/v1": WebSocketRouter({"/rooms/{room}": Room}, groups=groups)},
    groups=[groups],
    live=is_admin,
)


async def seen(**scope: Any) -> dict[str, Any]:
    """Return what goes on."""
    answer = await request(app, PATH, headers=HOST, **scope)
    assert answer.status == 200
    it: dict[str, Any] = json.loads(answer.body)
    return it


async def post(*parts: bytes, headers: Any = OURS, to: Any = None) -> Answer:
    """Ask for something to be closed, in a body of so many parts."""
    events = [{"type": "http.request", "body": it, "more_body": True} for it in parts]
    events[-1].pop("more_body")
    sent: list[Event] = []

    async def receive() -> Event:
        return events.pop(0)

    async def send(event: Event) -> None:
        sent.append(event)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": pairs, "scheme": "http"}
    await (to or app)(scope, receive, send)
    return Answer(sent[0]["status"], {}, sent[1]["body"])


async def test_connections_and_groups_are_told_while_they_last() -> None:
    """Each connection with what waits for it, and each group with the number of its members."""
    assert await seen() == {"process": os.getpid(), "total": 0, "connections": [], "groups": []}
    async with (
        connect(app, "/v1/rooms/a?group=one", subprotocols=["v1"]),
        connect(app, "/v1/rooms/b?group=one") as other,
    ):
        await other.send_text("Hello")
        assert await other.receive_text() == "Hello"
        found = await seen()
        assert (found["total"], found["groups"]) == (2, [{"name": "one", "members": 2}])
        first, second = found["connections"]
        assert (first["endpoint"], first["path"]) == ("Room", "/v1/rooms/a")
        assert (first["subprotocol"], second["subprotocol"]) == ("v1", None)
        assert (first["groups"], second["groups"]) == (["one"], ["one"])
        assert (first["waiting"], first["waiting_bytes"], first["dropped"]) == (0, 0, 0)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", first["since"])
        assert first["connection"] < second["connection"]
    assert (await seen())["total"] == 0


async def test_what_waits_is_counted() -> None:
    """For a client that does not read."""
    async with connect(app, "/v1/rooms/a?group=one") as client:
        client.pause_reading()
        for _ in range(3):
            await groups.broadcast("one", "four")
        (it,) = (await seen())["connections"]
        assert it["waiting_bytes"] == 4 * it["waiting"] > 0
        client.resume_reading()


async def test_client_without_an_address_has_none() -> None:
    """Servers may not know it."""
    async with connect(app, "/v1/rooms/a", scope={"client": None}):
        (it,) = (await seen())["connections"]
        assert it["client"] is None
    async with connect(app, "/v1/rooms/a", scope={"client": ("192.0.2.1", 7)}):
        (it,) = (await seen())["connections"]
        assert it["client"] == "192.0.2.1:7"


async def test_a_connection_is_closed() -> None:
    """With the code and reason that are asked for; the others stay."""
    async with connect(app, "/v1/rooms/a") as one, connect(app, "/v1/rooms/b") as two:
        number = (await seen())["connections"][0]["connection"]
        body = json.dumps({"connection": number, "code": 4000, "reason": "enough" * 50}).encode()
        answer = await post(body[:9], body[9:])
        assert (answer.status, json.loads(answer.body)) == (200, {"closed": 1})
        await one.expect_close(4000, ("enough" * 50)[:123])
        assert json.loads((await post(body)).body) == {"closed": 0}
        await two.send_text("still here")
        assert await two.receive_text() == "still here"


async def test_the_members_of_a_group_are_closed() -> None:
    """All of them."""
    async with connect(app, "/v1/rooms/a?group=one") as one, connect(app, "/v1/rooms/b") as two:
        assert json.loads((await post(b'{"group": "one"}')).body) == {"closed": 1}
        await one.expect_close(1000)
        await two.send_text("still here")
        assert await two.receive_text() == "still here"


async def test_a_connection_that_is_not_accepted_can_not_be_closed() -> None:
    """It is told of, and stays."""
    async with connect(app, "/slow"):
        pass


@pytest.mark.parametrize("headers", [{}, {"cookie": "admin=no"}], ids=["nobody", "another"])
async def test_who_may_not_see_it_is_refused(headers: dict[str, str]) -> None:
    """The check is the application's own, for both."""
    assert (await request(app, PATH, headers=headers)).status == 403
    assert (await post(b"{}", headers={**OURS, "cookie": "", **headers})).status == 403


@pytest.mark.parametrize(
    "headers",
    [HOST, {**HOST, "origin": "http://evil.example"}, {**HOST, "origin": "null"}],
    ids=["none", "another", "null"],
)
async def test_a_page_of_another_origin_closes_nothing(headers: dict[str, str]) -> None:
    """Though the browser sends the cookies with what it asks for."""
    async with connect(app, "/v1/rooms/a") as client:
        number = (await seen())["connections"][0]["connection"]
        assert (await post(b'{"connection": %d}' % number, headers=headers)).status == 403
        await client.send_text("still here")
        assert await client.receive_text() == "still here"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"code": 1005}', b'{"connection": "x"}', b'{"reason": "%s"}' % (b"a" * 10_000)],
    ids=["nothing", "no JSON", "no code to close with", "no number", "too much"],
)
async def test_what_is_no_request_to_close_is_refused(body: bytes) -> None:
    """And does nothing."""
    assert (await post(body)).status == 400
    assert (await post(body, b"")).status == 400


@pytest.mark.parametrize("allows", [True, False, None, 1], ids=repr)
async def test_check_may_be_async_and_has_to_say_true(allows: Any) -> None:
    """What is not `True` is no permission."""

    async def check(asking: Request) -> bool:
        it: bool = allows
        return it

    router = WebSocketRouter({"/room": Room}, live=check, docs="/console")
    answer = await request(router, "/console/live.json")
    assert answer.status == (200 if allows is True else 403)
    assert (await request(router, PATH)).status == 404
    assert b'data-live="on"' in (await request(router, "/console")).body


async def test_methods_and_headers_are_those_of_the_console() -> None:
    """Nothing keeps it, and no other page reads it."""
    head = await request(app, PATH, "HEAD", headers=HOST)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["content-type"] == "application/json"
    assert "default-src 'none'" in head.headers["content-security-policy"]
    refused = await request(app, PATH, "DELETE", headers=HOST)
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_it_is_off_unless_it_is_asked_for() -> None:
    """There is nothing to ask, and the page does not ask."""
    router = WebSocketRouter({"/room": Room})
    assert (await request(router, PATH)).status == 404
    assert b'data-live="off"' in (await request(router, "/docs")).body


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param(
            {"live": True},
            "live=True: use a function that takes the request, and returns whether whoever sent it "
            "may see, and close, all connections",
            id="no function",
        ),
        pytest.param(
            {"live": is_admin, "docs": None},
            "live is a part of the console, and docs=None: give that a path",
            id="no console",
        ),
    ],
)
def test_mistakes_are_told(options: Any, text: str) -> None:
    """When the router is made."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}$"):
        WebSocketRouter({"/room": Room}, **options)
