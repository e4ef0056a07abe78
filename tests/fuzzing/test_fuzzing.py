"""What a server does otherwise than it declares is found, and nothing is of one that does not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fuzzing.endpoints import (
    Counted,
    Edge,
    Endless,
    Hanging,
    Honest,
    Lying,
    Mute,
    document_of,
)
from wsendpoints import Denied, WebSocket, WebSocketEndpoint
from wsendpoints.contract.asyncapi import asyncapi
from wsendpoints.fuzzing import InProcess, Peer, Report, fuzz
from wsendpoints.fuzzing.plan import Handshake
from wsendpoints.protocol.exceptions import ConfigurationError

pytestmark = pytest.mark.anyio


async def fuzzed(cls: Any, messages: int = 150, **options: Any) -> Report:
    """Return what comes of messages to a class."""
    return await fuzz(
        document_of(cls), InProcess(cls.as_asgi()), messages=messages, seed=1, **options
    )


async def test_nothing_is_found_of_what_is_right() -> None:
    """Messages of each kind are sent, and connections that were closed are opened again."""
    report = await fuzzed(Honest)
    assert report.failure is None
    assert report.sent.total() == 150
    assert {*report.sent} == {"valid", "nearly valid", "hostile"}
    assert report.answers > 50
    assert report.closed[1007] > 10
    assert report.connections > 10


@pytest.mark.parametrize(
    ("cls", "what"),
    [
        (Edge, "closed with 1011: it failed: raised ZeroDivisionError("),
        (
            Lying,
            'answered \'{"type":"other"}\', which is none of the messages that it declares',
        ),
        (Hanging, "did not answer in time: "),
        (Mute, "the client disconnected with 1000 (normal closure), but the app did not end"),
        (Counted, "closed with 4000, which it does not document"),
    ],
)
async def test_planted_bug_is_found(cls: Any, what: str) -> None:
    """It is told with the message, which is the same for the same seed."""
    report = await fuzzed(cls)
    failure = report.failure
    assert failure is not None
    assert failure.what.startswith(what)
    assert failure.kind in ("valid", "nearly valid")
    again = await fuzzed(cls, failure.number + 1)
    assert again.failure == failure


async def test_codes_of_the_application_are_allowed() -> None:
    """Those that are told are no failure."""
    report = await fuzzed(Counted, codes=[4000])
    assert report.failure is None
    assert report.closed[4000] > 10


async def test_stream_without_an_end() -> None:
    """No more is looked at than some of its messages."""
    report = await fuzzed(Endless, 10)
    assert report.failure is None
    assert report.answers > 50


async def test_time_ends_it() -> None:
    """With seconds, it is no matter how many messages that takes."""
    report = await fuzz(document_of(Honest), InProcess(Honest.as_asgi()), seconds=0)
    assert report.sent.total() == 0


class Locked(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        raise Denied(int(websocket.headers.get("x-status", "401")))


async def test_server_that_refuses_everybody() -> None:
    """Nothing was looked at then."""
    report = await fuzzed(Locked)
    assert report.failure is not None
    assert report.failure.what == "refused each handshake: give the headers that it needs"
    assert report.refused == {401: 6}


async def test_refusal_that_is_a_failure() -> None:
    """A server that fails during a handshake has failed."""
    opener = InProcess(Locked.as_asgi(), headers={"X-Status": "500"})
    report = await fuzz(document_of(Locked), opener, messages=5)
    assert report.failure is not None
    assert report.failure.what == "refused the handshake with 500, at /"


class Leaving(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()


async def test_server_that_closes_at_once() -> None:
    """It is not asked for ever."""
    report = await fuzzed(Leaving, 100)
    assert report.failure is None
    assert report.closed == {1000: 4}


@asynccontextmanager
async def broken(handshake: Handshake) -> AsyncGenerator[Peer]:
    """Fail with an own exception."""
    raise LookupError(handshake.path)
    yield


async def test_own_exceptions_of_a_way_go_on() -> None:
    """What a way to a server raises of its own is not told of the server."""

    class Broken:
        open = staticmethod(broken)

    with pytest.raises(LookupError):
        await fuzz(document_of(Honest), Broken(), messages=1)


async def test_mistakes_are_told() -> None:
    """There has to be something to send to, and an end."""
    opener = InProcess(Honest.as_asgi())
    with pytest.raises(ConfigurationError, match="the document has no endpoint"):
        await fuzz(asyncapi({}, title="A", version="1"), opener, messages=1)
    with pytest.raises(ConfigurationError, match="say how many messages, or seconds, it takes"):
        await fuzz(document_of(Honest), opener)
