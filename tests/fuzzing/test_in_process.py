"""The way to an application in the same process."""

from typing import Any

import pytest

from tests.fuzzing.endpoints import Edge, Honest, Mute, document_of
from wsendpoints import Denied, WebSocket, WebSocketEndpoint
from wsendpoints.contract.reading import read_document
from wsendpoints.fuzzing.in_process import InProcess
from wsendpoints.fuzzing.peers import Ended, MisbehaviourError, RefusedError
from wsendpoints.fuzzing.plan import Handshake
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

pytestmark = pytest.mark.anyio


def handshake(subprotocol: str | None = None) -> Handshake:
    """Return a handshake."""
    (channel,) = read_document(document_of(Honest), "it")
    return Handshake(channel, "/?a=b", {"x-c": "d"}, subprotocol, "json")


def app_of(cls: Any) -> ASGIApp:
    """Return the application of a class."""
    app: ASGIApp = cls.as_asgi()
    return app


SAY = '{"type": "say", "text": "hi", "number": %d}'


async def test_messages_are_exchanged() -> None:
    """An answer comes, then nothing, and then how the application closes."""
    async with InProcess(app_of(Honest)).open(handshake()) as peer:
        assert await peer.receive(is_due=False) is None
        await peer.send(SAY % 1)
        assert await peer.receive(is_due=True) == '{"type":"said","text":"hi"}'
        await peer.send(SAY % 1)
        assert await peer.receive(is_due=False) == '{"type":"said","text":"hi"}'
        await peer.send(b"{")
        assert await peer.receive(is_due=True) == Ended(1007)
        await peer.send("")
        assert await peer.receive(is_due=False) == Ended(1007)


class Asking(WebSocketEndpoint):
    encoding = "json"
    subprotocols = ("a", "b")

    async def on_connect(self, websocket: WebSocket) -> None:
        headers, query = websocket.headers, websocket.query_params
        await websocket.accept()
        told = [headers["x-a"], query["a"], websocket.scope["subprotocols"]]
        await websocket.send_json(told)


async def test_handshake_is_as_told() -> None:
    """It has the headers, the query and the subprotocol."""
    opener = InProcess(app_of(Asking), headers={"X-A": "1"})
    async with opener.open(handshake("b")) as peer:
        assert await peer.receive(is_due=True) == '["1","b",["b"]]'


class Refusing(WebSocketEndpoint):
    async def on_connect(self, websocket: WebSocket) -> None:
        raise Denied(401)


async def test_refusal_has_its_status() -> None:
    """It is no failure as such."""
    with pytest.raises(RefusedError) as caught:
        async with InProcess(app_of(Refusing)).open(handshake()):
            pass
    assert caught.value.status == 401


async def test_exception_of_the_application_is_told() -> None:
    """Once the connection is left, as the close came first."""
    with pytest.raises(MisbehaviourError, match=r"raised ZeroDivisionError\("):
        async with InProcess(app_of(Edge)).open(handshake()) as peer:
            await peer.send(SAY % -1)
            assert await peer.receive(is_due=True) == Ended(1011)


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and fail without a close."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    raise KeyError("a")


async def test_exception_without_a_close_is_told() -> None:
    """It is what comes in place of an answer."""
    with pytest.raises(MisbehaviourError, match=r"raised KeyError\('a'\)"):
        async with InProcess(failing).open(handshake()) as peer:
            await peer.send("a")
            await peer.receive(is_due=True)


async def test_silence_is_told() -> None:
    """What does not answer, and what does not end."""
    with pytest.raises(MisbehaviourError, match="did not end within 1 s"):
        async with InProcess(app_of(Mute), patience=1).open(handshake()) as peer:
            await peer.send(SAY % 1)
            assert await peer.receive(is_due=True) is None


async def test_own_exceptions_go_on() -> None:
    """What the caller raises is no fault of the application's."""
    with pytest.raises(LookupError, match="mine"):
        async with InProcess(app_of(Honest)).open(handshake()):
            raise LookupError("mine")
