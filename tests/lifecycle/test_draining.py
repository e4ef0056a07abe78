"""Draining a class: who is closed when, who may not connect any more, and what is done before."""

import logging
import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import pairwise
from typing import Any

import anyio
import pytest

from tests.clocks import as_asgi
from tests.fake_server import CONNECT, text
from tests.lifecycle.drains import LONG, Answering, Timing, drained, echo, served
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import ConfigurationError, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.actions import admissions_of
from wsendpoints.testing import Client, Dialect, HandshakeDenied, ServerName, connect

pytestmark = pytest.mark.anyio

# When connections are closed.


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_another_event_loop_begins_anew(backend: str) -> None:
    """As the one of the next test does, or of an application that is started again."""
    cls = echo()

    async def run() -> None:
        async with connect(as_asgi(cls)) as client:
            await cls.drain(over=0)
            await client.expect_close(1012)
        with pytest.raises(HandshakeDenied):
            async with connect(as_asgi(cls)):
                pytest.fail("it is drained")

    for _ in range(2):
        anyio.run(run, backend=backend)


async def test_thousand_connections_are_closed_evenly_over_the_time() -> None:
    """Those that have said something, and those that have not, have their turns one by one."""
    cls = echo()
    # The class is looked at once, when it is served first.
    async with connect(as_asgi(cls)) as client:
        await client.send(0.0)
    cls.ended.clear()
    start = seconds = math.nan
    async with anyio.create_task_group() as group:
        for number in range(1000):
            server = Answering(CONNECT, *([text("0.0")] if number % 2 else []))
            group.start_soon(served, cls, server)
        await all_tasks_blocked()
        start = anyio.current_time()
        seconds = await drained(cls, over=20)
    assert {code for _, code in cls.ended} == {1012}
    moments = [moment - start for moment, _ in cls.ended]
    assert moments == pytest.approx([number * 0.02 for number in range(1000)], abs=1e-6)
    assert seconds == pytest.approx(19.98, abs=1e-6)


async def test_over_no_time_all_are_closed_at_once() -> None:
    """`over=0` is for those who can't wait."""
    cls = echo()
    async with connect(as_asgi(cls)) as one, connect(as_asgi(cls)) as other:
        assert await drained(cls, over=0) == pytest.approx(0)
        for client in (one, other):
            await client.expect_close(1012, "drain: 0 s")


async def test_class_without_connections_is_drained_at_once() -> None:
    """There is nobody to wait for."""
    assert await drained(echo(), over=20) == pytest.approx(0)


@pytest.mark.parametrize("over", [-1, math.inf, math.nan, True, "20", None])
async def test_only_seconds_are_a_time(over: Any) -> None:
    """A mistake is told before anybody is closed."""
    cls = echo()
    with pytest.raises(ConfigurationError, match=r"Echo\.drain\(over=.*\): use seconds, 0 or more"):
        await cls.drain(over=over)
    async with connect(as_asgi(cls)):
        pass


async def test_log_tells_how_many_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    """Once for the class, and not for each connection."""
    caplog.set_level(logging.INFO, "wsendpoints")
    cls = echo()
    async with connect(as_asgi(cls)) as client:
        await cls.drain(over=20)
        await client.expect_close(1012)
    assert caplog.messages == [f"{cls.__qualname__} is drained over 20 s: 1 open"]


# The handshake.


def connecting(seconds: float, accepts_after: bool) -> type[Timing]:
    """Return a class whose `on_connect` takes so long, before it accepts or after that."""

    class Connecting(Timing):
        limits = Limits(connect_timeout=None, grace=30)

        async def on_connect(self, websocket: WebSocket) -> None:
            if accepts_after:
                await anyio.sleep(seconds)
            await websocket.accept()
            if not accepts_after:
                await anyio.sleep(seconds)

    return Connecting


@pytest.mark.parametrize("accepts_after", [True, False], ids=["before accept", "after it"])
async def test_client_whose_handshake_is_under_way_is_closed_after_on_connect(
    accepts_after: bool,
) -> None:
    """So it hears 1012, and not that it was refused."""
    cls = connecting(5, accepts_after)
    async with anyio.create_task_group() as group:

        async def come() -> None:
            async with connect(as_asgi(cls), timeout=LONG) as client:
                await client.expect_close(1012, "drain: 1 s")

        group.start_soon(come)
        await all_tasks_blocked()
        assert await drained(cls, over=1) == pytest.approx(5, abs=1e-6)


async def test_client_that_on_connect_keeps_waiting_is_refused_in_the_end() -> None:
    """Once its grace is over."""
    cls = connecting(math.inf, True)
    async with anyio.create_task_group() as group:

        async def come() -> None:
            with pytest.raises(HandshakeDenied) as denied:
                async with connect(as_asgi(cls), timeout=LONG):
                    pass
            assert denied.value.status == 403

        group.start_soon(come)
        await all_tasks_blocked()
        assert await drained(cls, over=1) == pytest.approx(30, abs=1e-6)


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize(
    "make", [echo, partial(connecting, 0, True)], ids=["default", "on_connect"]
)
async def test_client_that_comes_with_the_drain_is_refused_or_closed(
    make: Callable[[], type[Timing]], turns: int
) -> None:
    """Whichever turn of the event loop its handshake is in, it is not missed."""
    cls = make()
    outcomes: list[str] = []
    async with anyio.create_task_group() as group:

        async def come() -> None:
            try:
                async with connect(as_asgi(cls)) as client:
                    await client.expect_close(1012)
                    outcomes.append("closed")
            except HandshakeDenied as denied:
                assert denied.status == 503  # noqa: PT017 - the context manager may also return
                outcomes.append("refused")

        group.start_soon(come)
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        await cls.drain(over=0)
    assert len(outcomes) == 1


async def test_new_clients_get_a_503_and_when_to_come_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Behind a load balancer that is at once: another process takes them."""
    caplog.set_level(logging.INFO, "wsendpoints")
    cls = echo()
    await cls.drain(over=0)
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(as_asgi(cls)):
            pass
    assert denied.value.status == 503
    assert (b"retry-after", b"1") in denied.value.headers
    assert denied.value.body == b"the server is restarting"
    assert caplog.messages[1:] == [
        f"{cls.__qualname__}: a client is refused: the server is restarting"
    ]


async def test_new_clients_are_closed_where_the_server_can_send_no_503() -> None:
    """Many clients would take its 403 for the last word; no hook runs for them."""

    class Refusing(Recording):
        subprotocols = ("v2", "v1")

    await Refusing.drain(over=0)
    server = Dialect(denial_response=False)
    async with connect(as_asgi(Refusing), subprotocols=["v1"], server=server) as client:
        assert client.subprotocol == "v1"
        await client.expect_close(1012, "the server is restarting")
    assert Refusing.log == []


async def test_page_of_another_origin_does_not_learn_of_the_drain() -> None:
    """It is refused as ever."""
    cls = echo()
    await cls.drain(over=0)
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(as_asgi(cls), headers={"origin": "http://evil.example"}):
            pass
    assert denied.value.status == 403


@pytest.mark.parametrize(
    "server", ["uvicorn", "hypercorn", "hypercorn-trio", "granian", "daphne", "gunicorn"]
)
async def test_all_servers_tell_their_clients(server: ServerName) -> None:
    """Daphne sends no 1012, and has 4012 in its place; see `close_codes`."""
    cls = echo()
    code = 4012 if server == "daphne" else 1012
    async with (
        connect(as_asgi(cls), server=server, timeout=LONG) as quiet,
        connect(as_asgi(cls), server=server, timeout=LONG) as busy,
    ):
        await busy.send(3.0)
        await all_tasks_blocked()
        assert await drained(cls, over=1) == pytest.approx(3, abs=0.6)
        assert await busy.receive(float) == 3.0
        await quiet.expect_close(code)
        await busy.expect_close(code)
    assert [it for _, it in cls.ended] == [1012, 1012]


# Which classes, and how often.


async def test_subclasses_are_drained_and_no_other_class() -> None:
    """Also one that has two of the classes as its bases."""
    base = echo()
    left, right = (type(name, (base,), {}) for name in ("Left", "Right"))
    both: Any = type("Both", (left, right), {})
    other = echo()
    async with (
        connect(as_asgi(base)) as one,
        connect(as_asgi(both)) as two,
        connect(as_asgi(other)) as three,
    ):
        await base.drain(over=0)
        for client in (one, two):
            await client.expect_close(1012)
        await three.send(0.0)
        assert await three.receive(float) == 0.0
    with pytest.raises(HandshakeDenied):
        async with connect(as_asgi(both)):
            pass
    async with connect(as_asgi(other)):
        pass


async def test_base_class_stands_for_all() -> None:
    """Each class is among those of `WebSocketEndpoint`, once."""
    cls: Any = echo()
    admissions = admissions_of(WebSocketEndpoint)
    assert admissions.count(cls._admission) == 1
    assert admissions_of(cls) == [cls._admission]


async def test_drain_that_is_cancelled_leaves_the_others_open() -> None:
    """Those whose turn had come are closed; new ones are refused all the same."""
    cls = echo()
    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        for _ in range(10):
            clients.append(await stack.enter_async_context(connect(as_asgi(cls), timeout=LONG)))
            await clients[-1].send(6.0)
        with anyio.move_on_after(4.5):
            await cls.drain(over=10)
        for client in clients:
            assert await client.receive(float) == 6.0
        await anyio.sleep(1)
        assert len(cls.ended) == 5
        with pytest.raises(HandshakeDenied):
            async with connect(as_asgi(cls)):
                pass
        assert await drained(cls, over=0) == pytest.approx(0)
        for client in clients:
            await client.expect_close(1012)
    assert len(cls.ended) == 10


async def test_any_number_may_drain_at_once() -> None:
    """The most hurried one counts, and all return when there are no connections any more."""
    cls = echo()
    ends: list[float] = []

    async def drain(over: float) -> None:
        ends.append(await drained(cls, over))

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(as_asgi(cls))) for _ in range(4)]
        await clients[0].send(1.0)
        await all_tasks_blocked()
        async with anyio.create_task_group() as group:
            for over in (3, 20, 0, 0):
                group.start_soon(drain, over)
        assert len(cls.ended) == 4
    assert sorted(ends)[:2] == pytest.approx([1, 1], abs=1e-6)
    await cls.drain(over=20)


async def test_handler_may_drain_its_own_class() -> None:
    """It waits for itself, and so for its grace, at most."""

    class Own(Timing):
        limits = Limits(grace=5)

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await type(self).drain(over=0)

    async with connect(as_asgi(Own), timeout=LONG) as client:
        await client.send_text("drain")
        await client.expect_close(1012)


async def test_moments_do_not_bunch() -> None:
    """Whoever drains few connections has them spread as well."""
    cls = echo()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(as_asgi(cls))) for _ in range(4)]
        await cls.drain(over=20)
        for client in clients:
            await client.expect_close(1012)
    gaps = [after - before for (before, _), (after, _) in pairwise(cls.ended)]
    assert gaps == pytest.approx([5, 5, 5], abs=1e-6)
