"""What Starlette's documentation shows of its WebSockets, with the import changed and nothing else.

Each application here does what an example of that documentation does, by the same calls in the
same order, and without annotations as they are there. Each is talked to by `connect` and by
Starlette's own test client, on asyncio and trio.
"""

# The examples have no annotations: that this works is a part of the test.
# mypy: allow-untyped-defs, allow-untyped-calls
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false

import warnings
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException, WebSocketException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.websockets import WebSocketDisconnect as StarletteDisconnect

from tests.clocks import REAL_TIME
from wsendpoints import WebSocket, WebSocketDisconnect, WebSocketEndpoint
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send
from wsendpoints.testing import Client, HandshakeDenied, connect

with warnings.catch_warnings():
    # Starlette warns of the HTTP client below its test client, which does not matter here.
    warnings.filterwarnings("ignore", "Using `httpx` with `starlette.testclient` is deprecated")
    from starlette.testclient import TestClient, WebSocketDenialResponse


class Function:
    """An endpoint that is a function, called with this library's WebSocket.

    Starlette's routes give a function their own class: only this makes it ours.
    """

    def __init__(self, function: Callable[[WebSocket], Awaitable[None]]) -> None:
        self.function = function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.function(WebSocket(scope, receive, send))


# websockets.md, "WebSocket", and testclient.md, "Testing WebSocket sessions".


async def greet_by_keywords(scope, receive, send):
    """Greet and close."""
    websocket = WebSocket(scope=scope, receive=receive, send=send)
    await websocket.accept()
    await websocket.send_text("Good morning")
    await websocket.close()


async def greet(scope, receive, send):
    """Greet and close."""
    assert scope["type"] == "websocket"
    websocket = WebSocket(scope, receive=receive, send=send)
    await websocket.accept()
    await websocket.send_text("Good morning")
    await websocket.close()


# websockets.md, "URL" to "Path Parameters".


async def describe(websocket):
    """Tell what the client asked for."""
    await websocket.accept()
    await websocket.send_json(
        [
            websocket["path"],
            isinstance(websocket.url, str),
            websocket.url.path,
            websocket.url.port,
            websocket.url.scheme,
            websocket.headers["sec-websocket-version"],
            websocket.headers["Sec-WebSocket-Version"],
            websocket.query_params["search"],
            websocket.path_params["username"],
        ]
    )
    await websocket.close()


# websockets.md, "Accepting the connection" to "Receiving data".


async def exchange(scope, receive, send):
    """Send each kind of data, and send back each kind."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept(subprotocol="v1", headers=[(b"x-served-by", b"us")])
    await websocket.send_text("text")
    await websocket.send_bytes(b"bytes")
    await websocket.send_json({"by": "text"})
    await websocket.send_json({"by": "bytes"}, mode="binary")
    await websocket.send_text(await websocket.receive_text())
    await websocket.send_bytes(await websocket.receive_bytes())
    await websocket.send_json(await websocket.receive_json())
    await websocket.send_json(await websocket.receive_json(mode="binary"), mode="binary")
    try:
        await websocket.receive_text()
    except WebSocketDisconnect as exc:
        scope["ended"].append((exc.code, exc.reason))


# websockets.md, "Iterating data".


async def iterate_text(scope, receive, send):
    """Send back what is said until the client disconnects, and close."""
    websocket = WebSocket(scope=scope, receive=receive, send=send)
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(f"You said: {message}")
    await websocket.close()


async def iterate_bytes(scope, receive, send):
    """Send back what is said until the client disconnects, and close."""
    websocket = WebSocket(scope=scope, receive=receive, send=send)
    await websocket.accept()
    async for message in websocket.iter_bytes():
        await websocket.send_bytes(b"You said: " + message)
    await websocket.close()


async def iterate_json(scope, receive, send):
    """Send back what is said until the client disconnects, and close."""
    websocket = WebSocket(scope=scope, receive=receive, send=send)
    await websocket.accept()
    async for message in websocket.iter_json():
        await websocket.send_json({"said": message})
    await websocket.close()


# websockets.md, "Closing the connection".


async def close_with_a_reason(websocket):
    """Close."""
    await websocket.accept()
    await websocket.close(code=4000, reason="enough")


# websockets.md, "Sending and receiving messages".


async def exchange_raw(websocket):
    """Do by raw messages what `greet` does, and send one message back."""
    assert (await websocket.receive())["type"] == "websocket.connect"
    await websocket.send({"type": "websocket.accept"})
    await websocket.send({"type": "websocket.send", "text": "Good morning"})
    message = await websocket.receive()
    await websocket.send({"type": "websocket.send", "text": message["text"]})
    await websocket.send({"type": "websocket.close", "code": 1000})


# websockets.md, "Send Denial Response".


async def refuse(websocket):
    """Close in place of accepting."""
    await websocket.close()


async def deny(websocket):
    """Answer the handshake with a response."""
    await websocket.send_denial_response(JSONResponse({"detail": "Pay first"}, status_code=402))


def has_ticket(subprotocols):
    """Whether the client offers what it should."""
    return len(subprotocols) == 2 and subprotocols[0] == "ticket" and subprotocols[1] == "1234"


async def check_ticket(websocket):
    """Accept a client that offers a ticket."""
    if not has_ticket(websocket.scope["subprotocols"]):
        raise HTTPException(status_code=401, detail="No ticket")
    await websocket.accept("ticket")
    await websocket.send_text("Come in")
    await websocket.close()


# exceptions.md, "HTTPException" and "WebSocketException".


async def fail_as_http(websocket):
    """Refuse by an exception."""
    raise HTTPException(status_code=400, detail="Not like this")


async def fail_as_websocket(websocket):
    """Close by an exception."""
    await websocket.accept()
    raise WebSocketException(code=1008, reason="not like this")


async def on_websocket_exception(websocket, exc):
    """Close with a code of the application's choice."""
    await websocket.close(code=4008)


# routing.md, "WebSocket Routing", and applications.md.


async def greet_all(websocket):
    """Greet and close."""
    await websocket.accept()
    await websocket.send_text("Good morning, all")
    await websocket.close()


async def greet_one(websocket):
    """Greet by name and close."""
    name = websocket.path_params["name"]
    await websocket.accept()
    await websocket.send_text(f"Good morning, {name}")
    await websocket.close()


def homepage(request):
    """Respond to an HTTP request."""
    return PlainTextResponse("Good morning")


# lifespan.md, "Accessing State".


@asynccontextmanager
async def lifespan(app):
    """Provide something for each connection."""
    yield {"greeting": "Good evening"}


async def greet_from_state(websocket):
    """Greet with what the lifespan provided."""
    await websocket.accept()
    await websocket.send_text(websocket.state["greeting"])
    await websocket.send_text(websocket.state.greeting)
    await websocket.close()


# endpoints.md, "WebSocketEndpoint".


class Bytes(WebSocketEndpoint):
    """Overrides all three methods."""

    encoding = "bytes"

    async def on_connect(self, websocket):
        await websocket.accept()

    async def on_receive(self, websocket, data):
        await websocket.send_bytes(b"You said: " + data)

    async def on_disconnect(self, websocket, close_code):
        self.scope["ended"].append(close_code)


class Keywords(WebSocketEndpoint):
    """Has `on_connect` with the signature that the documentation gives it."""

    encoding = "json"

    async def on_connect(self, websocket, **kwargs):
        await websocket.accept()
        assert kwargs == {}

    async def on_receive(self, websocket, data):
        await websocket.send_json({"said": data, "path": self.scope["path"]})


class Page(HTTPEndpoint):
    """Responds beside the endpoint."""

    async def get(self, request):
        return HTMLResponse("<h1>Chat</h1>")


class Echo(WebSocketEndpoint):
    """Overrides one method."""

    encoding = "text"

    async def on_receive(self, websocket, data):
        await websocket.send_text(f"You said: {data}")


class Frames(WebSocketEndpoint):
    """Sets no encoding: a message is what came."""

    async def on_receive(self, websocket, data):
        if isinstance(data, str):
            await websocket.send_text(data)
        else:
            await websocket.send_bytes(data)


class Barred(WebSocketEndpoint):
    """Refuses by an exception of Starlette's."""

    async def on_connect(self, websocket):
        raise HTTPException(status_code=401, detail="No ticket")


# What a client does with them.

Step = tuple[Literal["says", "hears", "ends"], Any]


@dataclass
class Example:
    """An application, and a conversation with it."""

    app: Any
    steps: list[Step] = field(default_factory=list[Step])
    path: str = "/"
    offers: tuple[str, ...] = ()
    subprotocol: str | None = None
    denied: tuple[int, bytes] | None = None


def routed(endpoint: Any, path: str = "/ws", **options: Any) -> Starlette:
    """Return an application of Starlette's that serves an endpoint."""
    return Starlette(routes=[WebSocketRoute(path, endpoint)], **options)


GREETING: list[Step] = [("hears", "Good morning"), ("ends", 1000)]
ROUTES = [
    Route("/", homepage),
    WebSocketRoute("/", endpoint=Function(greet_all)),
    WebSocketRoute("/{name}", endpoint=Function(greet_one)),
]
ECHO_ROUTES = [Route("/", Page), WebSocketRoute("/ws", Echo)]
ECHO: list[Step] = [
    ("says", "a"),
    ("hears", "You said: a"),
    ("says", ""),
    ("hears", "You said: "),
]
BYTES: list[Step] = [("says", b"a"), ("hears", b"You said: a")]
KEYWORDS: list[Step] = [
    ("says", "[1, null]"),
    ("hears", '{"said":[1,null],"path":"/ws"}'),
]
NO_TICKET = (401, b"No ticket")
EXAMPLES = {
    "WebSocket": Example(greet_by_keywords, GREETING),
    "WebSocket, tested": Example(greet, GREETING),
    "URL to path parameters": Example(
        routed(Function(describe), "/users/{username}"),
        [
            (
                "hears",
                '["/users/ann",true,"/users/ann",null,"ws","13","13","cats","ann"]',
            ),
            ("ends", 1000),
        ],
        path="/users/ann?search=cats",
    ),
    "accepting, sending, receiving": Example(
        exchange,
        [
            ("hears", "text"),
            ("hears", b"bytes"),
            ("hears", '{"by":"text"}'),
            ("hears", b'{"by":"bytes"}'),
            ("says", "a"),
            ("hears", "a"),
            ("says", b"b"),
            ("hears", b"b"),
            ("says", "[1]"),
            ("hears", "[1]"),
            ("says", b"[2]"),
            ("hears", b"[2]"),
        ],
        offers=("v2", "v1"),
        subprotocol="v1",
    ),
    "iterating over text": Example(iterate_text, ECHO),
    "iterating over bytes": Example(iterate_bytes, BYTES),
    "iterating over JSON": Example(iterate_json, [("says", "[1]"), ("hears", '{"said":[1]}')]),
    "closing": Example(Function(close_with_a_reason), [("ends", 4000)]),
    "raw messages": Example(
        Function(exchange_raw),
        [("hears", "Good morning"), ("says", "a"), ("hears", "a"), ("ends", 1000)],
    ),
    "a close before the accept": Example(Function(refuse), denied=(403, b"")),
    "a denial response": Example(Function(deny), denied=(402, b'{"detail":"Pay first"}')),
    "a ticket": Example(
        routed(Function(check_ticket), debug=True),
        [("hears", "Come in"), ("ends", 1000)],
        path="/ws",
        offers=("ticket", "1234"),
        subprotocol="ticket",
    ),
    "no ticket": Example(routed(Function(check_ticket), debug=True), path="/ws", denied=NO_TICKET),
    "a wrong ticket": Example(
        routed(Function(check_ticket), debug=True),
        path="/ws",
        offers=("ticket", "4321"),
        denied=NO_TICKET,
    ),
    "HTTPException": Example(
        routed(Function(fail_as_http)), path="/ws", denied=(400, b"Not like this")
    ),
    "HTTPException in on_connect": Example(routed(Barred), path="/ws", denied=NO_TICKET),
    "WebSocketException": Example(
        routed(Function(fail_as_websocket)), [("ends", 1008)], path="/ws"
    ),
    "WebSocketException, handled": Example(
        routed(
            Function(fail_as_websocket),
            exception_handlers={WebSocketException: on_websocket_exception},
        ),
        [("ends", 4008)],
        path="/ws",
    ),
    "routing": Example(Starlette(routes=ROUTES), [("hears", "Good morning, all"), ("ends", 1000)]),
    "routing with a parameter": Example(
        Starlette(routes=ROUTES), [("hears", "Good morning, ann"), ("ends", 1000)], path="/ann"
    ),
    "a router": Example(
        Router(routes=ROUTES), [("hears", "Good morning, ann"), ("ends", 1000)], path="/ann"
    ),
    "lifespan state": Example(
        routed(Function(greet_from_state), lifespan=lifespan),
        [("hears", "Good evening"), ("hears", "Good evening"), ("ends", 1000)],
        path="/ws",
    ),
    "an endpoint as application": Example(Bytes.as_asgi(), BYTES),
    "an endpoint, routed": Example(routed(Bytes), BYTES, path="/ws"),
    "an endpoint beside a page": Example(Starlette(routes=ECHO_ROUTES), ECHO, path="/ws"),
    "an endpoint in a router": Example(Router(routes=ECHO_ROUTES), ECHO, path="/ws"),
    "a mounted endpoint": Example(
        Starlette(routes=[Mount("/chat", routes=ECHO_ROUTES)]), ECHO, path="/chat/ws"
    ),
    "a mounted application": Example(
        Starlette(routes=[Mount("/chat", app=Echo.as_asgi())]), ECHO, path="/chat/"
    ),
    "an endpoint for JSON": Example(routed(Keywords), KEYWORDS, path="/ws"),
    "an endpoint without an encoding": Example(
        routed(Frames), [("says", "a"), ("hears", "a"), ("says", b"b"), ("hears", b"b")], path="/ws"
    ),
}


class Noting:
    """Adds to the scope a list in which the examples note how the connection ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.ended: list[object] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["ended"] = self.ended
        await self.app(scope, receive, send)


@pytest.mark.anyio
@REAL_TIME  # some versions of Starlette answer exceptions in a thread
@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example(name: str) -> None:
    """Each example does what the documentation says, for this library's client."""
    example = EXAMPLES[name]
    connecting = connect(
        Noting(example.app),
        example.path,
        subprotocols=example.offers,
        # The lifespan is the server's part, and `connect` plays only one connection.
        scope={"state": {"greeting": "Good evening"}},
    )
    if example.denied:
        with pytest.raises(HandshakeDenied) as caught:
            async with connecting:
                pass
        assert (caught.value.status, caught.value.body) == example.denied
        return
    async with connecting as client:
        assert client.subprotocol == example.subprotocol
        await talk(client, example)


async def talk(client: Client, example: Example) -> None:
    """Have the conversation of an example, with this library's client."""
    for verb, value in example.steps:
        match verb:
            case "says":
                await client.send(value)
            case "hears":
                assert await client.receive() == value
            case "ends":
                await client.expect_close(value)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_by_starlettes_client(name: str, backend: Literal["asyncio", "trio"]) -> None:
    """Each example does what the documentation says, for Starlette's client."""
    example = EXAMPLES[name]
    # Within its context the test client runs the lifespan, if there is one.
    is_starlettes = isinstance(example.app, Starlette | Router)
    client = TestClient(Noting(example.app), backend=backend)
    if is_starlettes:
        with client:
            converse(client, example)
    else:
        converse(client, example)


def converse(client: TestClient, example: Example) -> None:
    """Have the conversation of an example, with Starlette's client."""
    connecting = client.websocket_connect(example.path, subprotocols=list(example.offers))
    if example.denied:
        status, body = example.denied
        with pytest.raises(StarletteDisconnect) as caught, connecting:
            pass
        if isinstance(caught.value, WebSocketDenialResponse):
            assert (caught.value.status_code, caught.value.content) == (status, body)
        else:
            assert (status, body) == (403, b"")
        return
    with connecting as session:
        assert session.accepted_subprotocol == example.subprotocol
        for verb, value in example.steps:
            match verb:
                case "says" if isinstance(value, str):
                    session.send_text(value)
                case "says":
                    session.send_bytes(value)
                case "hears":
                    key = "text" if isinstance(value, str) else "bytes"
                    assert session.receive()[key] == value
                case "ends":
                    with pytest.raises(StarletteDisconnect) as caught:
                        session.receive_text()
                    assert caught.value.code == value


@pytest.mark.anyio
@REAL_TIME
@pytest.mark.parametrize(
    ("name", "ended"),
    [("accepting, sending, receiving", (4001, "bye")), ("an endpoint, routed", 4001)],
)
async def test_an_example_is_told_how_the_client_closed(name: str, ended: object) -> None:
    """`WebSocketDisconnect` has code and reason, and `on_disconnect` gets the code."""
    example = EXAMPLES[name]
    app = Noting(example.app)
    async with connect(app, example.path, subprotocols=example.offers) as client:
        await talk(client, example)
        await client.close(4001, "bye")
    assert app.ended == [ended]


@pytest.mark.anyio
async def test_the_headers_of_an_accept() -> None:
    """The headers that are given to `accept` reach the client."""
    async with connect(Noting(exchange), subprotocols=["v1"]) as client:
        assert client.headers == [(b"x-served-by", b"us")]
        await talk(client, EXAMPLES["accepting, sending, receiving"])


@pytest.mark.parametrize("routes", [ROUTES, ECHO_ROUTES], ids=["function", "class"])
def test_the_page_beside_an_example(routes: list[Any]) -> None:
    """HTTP routes work beside those of WebSockets."""
    with TestClient(Starlette(routes=routes)) as client:
        assert client.get("/").status_code == 200


def test_the_reason_of_a_close() -> None:
    """The reason that is given to `close` reaches the client."""
    client = TestClient(Function(close_with_a_reason))
    with client.websocket_connect("/") as session:
        with pytest.raises(StarletteDisconnect) as caught:
            session.receive_text()
        assert (caught.value.code, caught.value.reason) == (4000, "enough")
