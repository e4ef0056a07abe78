"""Draining a router: all of its endpoints, and those of the routers within it."""

import logging
from typing import Any

import anyio
import pytest

from tests.lifecycle.drains import LONG, echo
from wsendpoints import ConfigurationError, WebSocketRouter
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio


async def test_all_endpoints_are_drained_in_one_row(caplog: pytest.LogCaptureFixture) -> None:
    """Evenly over the time, whichever endpoint a connection is of; one at two paths once."""
    caplog.set_level(logging.INFO, "wsendpoints")
    chat, news, users, other = (echo() for _ in range(4))
    inner = WebSocketRouter({"/users": users.as_asgi(), "/again": chat})
    app = WebSocketRouter(
        {"/chat": chat, "/news": news, "/admin": inner, "/wrapped": wrapped(other)}
    )
    paths = ("/chat", "/news", "/admin/users", "/admin/again")
    async with (
        connect(app, paths[0], timeout=LONG) as one,
        connect(app, paths[1], timeout=LONG) as two,
        connect(app, paths[2], timeout=LONG) as three,
        connect(app, paths[3], timeout=LONG) as four,
        connect(app, "/wrapped", timeout=LONG) as wrapped_one,
    ):
        start = anyio.current_time()
        await app.drain(over=20)
        for client in (one, two, three, four):
            await client.expect_close(1012, "drain: 20 s")
        await wrapped_one.send(0.0)
        assert await wrapped_one.receive(float) == 0.0
    ended = sorted(moment - start for cls in (chat, news, users) for moment, _ in cls.ended)
    assert ended == pytest.approx([0, 5, 10, 15], abs=1e-6)
    assert caplog.messages == ["WebSocketRouter is drained over 20 s: 4 open"]
    for path in paths:
        with pytest.raises(HandshakeDenied) as denied:
            async with connect(app, path):
                pass
        assert denied.value.status == 503
    with pytest.raises(HandshakeDenied) as nowhere:
        async with connect(app, "/nowhere"):
            pass
    assert nowhere.value.status == 404


def wrapped(cls: Any) -> Any:
    """Return an endpoint with a middleware around it."""
    app = cls.as_asgi()

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return middleware


async def test_router_without_connections_is_drained_at_once() -> None:
    """And one without routes."""
    await WebSocketRouter({"/": echo()}).drain(over=20)
    await WebSocketRouter({}).drain(over=20)


async def test_over_is_a_time() -> None:
    """The error says what of."""
    with pytest.raises(
        ConfigurationError, match=r"^WebSocketRouter\.drain\(over=-1\): use seconds"
    ):
        await WebSocketRouter({"/": echo()}).drain(over=-1)
