"""What becomes of a connection whose client reads too slowly, or whose middleware fails."""

import asyncio
import logging
from typing import Any, ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.clocks import VIRTUAL_ASYNCIO, as_asgi
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import InvalidStateError, Limits, WebSocket, handles
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.protocol.asgi import Event, Receive, Scope, Send
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Posting(Recording):
    """Posts what it is told."""

    encoding = "json"
    all: ClassVar[list[Any]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.all.append(self)

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.post(data)


@pytest.fixture(autouse=True)
def forget() -> None:
    """Begin with no connection."""
    Posting.all.clear()


def like(cls: Any, **attributes: Any) -> Any:
    """Return a class with a log and attributes of its own."""
    return type(cls.__name__, (cls,), attributes)


@pytest.mark.parametrize(
    ("limits", "code", "reason"),
    [
        (Limits(outbox=3), 1013, "outbox: 3"),
        (Limits(outbox_bytes=8), 1013, "outbox_bytes: 8"),
        (Limits(outbox=3, close_codes={"outbox": 4013}), 4013, "outbox: 3"),
    ],
    ids=["messages", "bytes", "a code of its own"],
)
async def test_client_that_reads_too_slowly_is_closed(
    limits: Limits, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says over which limit, and posting does nothing from then on."""
    caplog.set_level(logging.WARNING, "wsendpoints")
    served = like(Posting, limits=limits)
    async with connect(as_asgi(served), timeout=60) as client:
        client.pause_reading()
        for _ in range(6):
            await client.send_json("abc")
        await client.wait_for_app()
    assert served.log == ["connect", code]
    assert caplog.messages == [f"Posting: closing with {code}: {reason}"]


async def test_client_that_does_not_read_holds_a_post_up_no_longer_than_a_push() -> None:
    """The send has its limit."""
    served = like(Posting, limits=Limits(send_timeout=5))
    async with connect(as_asgi(served), timeout=60) as client:
        client.pause_reading()
        await client.send_json("abc")
        await client.wait_for_app()
    assert served.log == ["connect", 1013]


class BrokenError(Exception):
    """A middleware fails."""


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "late"])
async def test_failure_of_a_middleware_is_its_connections(is_late: bool) -> None:
    """It closes with 1011 and surfaces there, and not where the message came from."""
    served = like(Posting)
    app = as_asgi(served)

    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        async def break_(event: Event) -> None:
            if event["type"] == "websocket.send":
                if is_late:
                    await anyio.sleep(1)
                raise BrokenError
            await send(event)

        await app(scope, receive, break_)

    with pytest.raises(BrokenError):
        async with connect(breaking, timeout=60) as client:
            await all_tasks_blocked()
            served.all[0].post("x")
            await client.expect_close(1011)
    assert served.log == ["connect", 1011]


@VIRTUAL_ASYNCIO
async def test_l07_what_a_send_awaited_was_cancelled() -> None:
    """It is a failure as any other."""
    served = like(Posting)
    app = as_asgi(served)

    async def cancelling(scope: Scope, receive: Receive, send: Send) -> None:
        async def cancel(event: Event) -> None:
            if event["type"] == "websocket.send":
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                future.cancel()
                await future
            await send(event)

        await app(scope, receive, cancel)

    with pytest.raises(AwaitedCancelledError):
        async with connect(cancelling, timeout=60) as client:
            await all_tasks_blocked()
            served.all[0].post("x")
            await client.expect_close(1011)


async def test_end_of_the_connection_is_no_failure() -> None:
    """What is under way is cancelled then, and what waits is dropped."""
    served = like(Posting)
    async with connect(as_asgi(served), timeout=60) as client:
        await all_tasks_blocked()
        client.pause_reading()
        for text in "abc":
            served.all[0].post(text)
        await all_tasks_blocked()
        client.vanish()
        await client.wait_for_app()
    assert served.log == ["connect", 1006]


class Do(BaseModel):
    """What is done beside others."""

    what: str


class Working(Recording):
    """Pushes what it is told, and goes on for ever."""

    encoding = "json"
    all: ClassVar[list[Any]] = []

    async def on_connect(self, websocket: WebSocket) -> None:
        await super().on_connect(websocket)
        self.all.append(self)

    @handles(concurrent=True, key="what")
    async def work(self, websocket: WebSocket, data: Do) -> None:
        await self.push(data.what)
        await anyio.sleep_forever()


@pytest.mark.parametrize("is_posted_first", [True, False], ids=["the outbox", "what spares sends"])
async def test_outbox_and_what_spares_sends_go_together(is_posted_first: bool) -> None:
    """Whichever comes first: a cancelled handler ends the send that is under way, in its turn."""
    served = like(Working)
    served.all.clear()
    async with connect(as_asgi(served), timeout=60) as client:
        await all_tasks_blocked()
        (one,) = served.all
        if is_posted_first:
            one.post("posted")
        await client.send_json({"what": "one"})
        await all_tasks_blocked()
        assert one.cancel("one")
        await all_tasks_blocked()
        if not is_posted_first:
            one.post("posted")
        assert sorted([await client.receive_json() for _ in range(2)]) == ["one", "posted"]
        client.pause_reading()
        await client.send_json({"what": "two"})
        await all_tasks_blocked()
        one.post("last")
        assert one.cancel("two")
        await all_tasks_blocked()
        client.resume_reading()
        assert [await client.receive_json() for _ in range(2)] == ["two", "last"]
    assert served.log == ["connect", 1000]


async def test_nothing_can_be_posted_where_nobody_is_served() -> None:
    """Before the connection is, and after."""
    served = like(Posting)
    scope: Any = {"type": "websocket", "path": "/", "headers": []}

    async def never() -> Event:
        await checkpoint()
        return {"type": "websocket.connect"}

    async def send(event: Event) -> None:
        await checkpoint()

    endpoint = served(scope, never, send)
    with pytest.raises(InvalidStateError):
        endpoint.post("x")
