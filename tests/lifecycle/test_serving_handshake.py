"""The handshake: what `on_connect` may do, and clients and servers that break it off."""

import logging

import pytest
from pydantic import BaseModel

from tests.fake_server import Script, make_scope
from tests.recording import Recording
from wsendpoints import Denied, InvalidStateError, ServerProtocolError, WebSocket
from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


async def test_on_connect_that_does_not_answer_refuses_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F31: a handshake that `on_connect` does not answer is refused, with a warning."""

    class Forgetful(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            pass

    with caplog.at_level(logging.WARNING, "wsendpoints"), pytest.raises(HandshakeDenied) as denied:
        async with connect(Forgetful.as_asgi()):
            pass
    assert denied.value.status == 403
    assert Forgetful.log == []
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith(
        "Forgetful: on_connect did not accept: the client is refused"
    )


async def test_close_in_on_connect_refuses_the_client() -> None:
    """A close before the accept is a 403, and `on_disconnect` does not run."""

    class Refusing(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.close(4401)

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(Refusing.as_asgi()):
            pass
    assert denied.value.status == 403
    assert Refusing.log == []


@pytest.mark.parametrize(
    ("extension", "status", "body"),
    [pytest.param(True, 401, b"log in", id="extension"), pytest.param(False, 403, b"", id="none")],
)
async def test_denied_refuses_with_a_response(extension: bool, status: int, body: bytes) -> None:
    """`Denied` becomes a response, or a 403 where the server can't send one."""

    class Guarded(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401, headers={"WWW-Authenticate": "Bearer"}, body="log in")

    with pytest.raises(HandshakeDenied) as denied:
        async with connect(Guarded.as_asgi(), server=Dialect(denial_response=extension)):
            pass
    assert (denied.value.status, denied.value.body) == (status, body)
    assert Guarded.log == []


async def test_denied_of_a_client_that_disconnected_is_quiet() -> None:
    """A client that has disconnected before its refusal is no failure."""

    class Guarded(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise Denied(401)

    async def send(event: Event) -> None:
        raise OSError("gone")

    server = Script()
    scope = make_scope(extensions={"websocket.http.response": {}})
    await Guarded(scope, server.receive, send)
    assert Guarded.log == []


@pytest.mark.parametrize("where", ["on_connect", "on_receive", "a task"])
async def test_denied_after_the_accept_is_a_failure(where: str) -> None:
    """It closes with 1011, and what is raised to the server says what to do instead."""
    denial = Denied(401)

    class Late(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            if where == "on_connect":
                raise denial
            if where == "a task":
                self.start_soon(self.deny)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await self.deny()

        async def deny(self) -> None:
            raise denial

    with pytest.raises(InvalidStateError, match="Denied was raised once") as raised:
        async with connect(Late.as_asgi()) as client:
            if where == "on_receive":
                await client.send_text("x")
            await client.expect_close(1011, "")
    assert raised.value.__cause__ is denial
    assert Late.log == [1011]


async def test_on_connect_that_fails_leaves_the_answer_to_the_server() -> None:
    """F18: nothing is sent, the exception is raised, and `on_disconnect` does not run."""
    failure = ValueError("broken")

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            raise failure

    server = Script()
    with pytest.raises(ValueError, match="broken") as raised:
        await Broken(make_scope(), server.receive, server.send)
    assert raised.value is failure
    assert server.sent == []
    assert Broken.log == []


async def test_client_gone_before_the_accept_is_quiet() -> None:
    """F05: an accept that fails is a disconnect; `on_disconnect` runs, as it was attempted."""

    class Quiet(Recording):
        pass

    async def send(event: Event) -> None:
        raise RuntimeError("no connection")

    server = Script()
    await Quiet(make_scope(), server.receive, send)
    assert Quiet.log == ["connect", 1006]


async def test_disconnect_in_place_of_connect_runs_no_hook() -> None:
    """If the disconnect comes in place of the connect, no hook runs."""

    class Quiet(Recording):
        pass

    server = Script()
    server.events = [{"type": "websocket.disconnect", "code": 1006}]
    await Quiet(make_scope(), server.receive, server.send)
    assert Quiet.log == []
    assert server.sent == []


async def test_first_event_must_be_connect() -> None:
    """H17: a server that begins with another event breaks the specification."""

    class Quiet(Recording):
        pass

    server = Script()
    server.events = [{"type": "websocket.receive", "text": "x"}]
    with pytest.raises(ServerProtocolError, match=r"'websocket\.receive' while .* connecting"):
        await Quiet(make_scope(), server.receive, server.send)


async def test_message_is_received_in_on_connect() -> None:
    """A hook may receive messages itself, in order; the others go to `on_receive`."""

    class Login(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.log.append(await websocket.receive_text())
            await websocket.send_text("welcome")

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            return f"{data} {await websocket.receive_text()}"

    async with connect(Login.as_asgi()) as client:
        await client.send_text("token")
        assert await client.receive_text() == "welcome"
        await client.send_text("one")
        await client.send_text("two")
        assert await client.receive_text() == "one two"
        await client.send_text("three")
        await client.send_text("four")
        assert await client.receive_text() == "three four"
    assert Login.log[0] == "token"


async def test_bad_message_that_on_connect_receives_closes() -> None:
    """A bad message that `on_connect` receives closes as it does in `on_receive`."""

    class Login(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.receive_json()

    async with connect(Login.as_asgi()) as client:
        await client.send_text("{")
        await client.expect_close(1007, "not valid JSON")
    assert Login.log == ["invalid", 1007]


async def test_handler_may_iterate_until_the_client_leaves() -> None:
    """`on_connect` may hold the whole conversation, as with Starlette's WebSocket."""

    class Loop(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            async for text in websocket.iter_text():
                await websocket.send_text(text.upper())
            self.log.append("iterated")

    async with connect(Loop.as_asgi()) as client:
        for word in ("a", "b"):
            await client.send_text(word)
            assert await client.receive_text() == word.upper()
        await client.close(1001)
    assert Loop.log == ["iterated", 1001]


async def test_parameters_are_read_before_on_connect() -> None:
    """`self.params` is there in every hook, read from the path and the query."""

    class Params(BaseModel):
        page: int

    class Paged(Recording):
        params: Params

        async def on_connect(self, websocket: WebSocket) -> None:
            self.log.append(self.params)
            await websocket.accept()

    async with connect(Paged.as_asgi(), "/?page=3") as client:
        await client.close(1000)
    assert Paged.log == [Params(page=3), 1000]


async def test_instance_serves_one_connection() -> None:
    """F33: an endpoint is the state of its connection, and can't be used for another."""

    class Quiet(Recording):
        pass

    server = Script({"type": "websocket.disconnect", "code": 1000})
    endpoint = Quiet(make_scope(), server.receive, server.send)
    await endpoint
    with pytest.raises(InvalidStateError) as raised:
        await endpoint
    assert str(raised.value) == "an instance serves one connection, once: make another"


async def test_scope_is_of_one_connection() -> None:
    """F33: the scope of a connection that is served can't be served again."""

    class Quiet(Recording):
        pass

    server, scope = Script({"type": "websocket.disconnect", "code": 1000}), make_scope()
    await Quiet(scope, server.receive, server.send)
    with pytest.raises(InvalidStateError) as raised:
        await Quiet(scope, server.receive, server.send)
    assert str(raised.value) == "this scope belongs to a connection that is served already"
