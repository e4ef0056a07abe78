"""The examples of mounting: the same endpoint in every framework."""

from importlib import import_module

import pytest

from examples.echo import Said as Echoed
from examples.mounting.greeter import Said, Say
from tests.clocks import GENEROUS, REAL_TIME
from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.testing import HandshakeDenied, connect

pytestmark = pytest.mark.anyio

# What a host runs on: the others need asyncio.
ON_BOTH = ["starlette_app", "fastapi_app"]
ON_ASYNCIO = ["litestar_app", "django_app", "quart_app"]

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def load(name: str) -> ASGIApp:
    """Return the application of an example, imported when its test runs."""
    app: ASGIApp = import_module(f"examples.mounting.{name}").app
    return app


async def greet(app: ASGIApp, path: str, greeting: str) -> None:
    """Check that the endpoint is there, in its room and with its greeting."""
    async with connect(app, path, timeout=GENEROUS) as client:
        await client.send(Say(text="Ada"))
        assert await client.receive(Said) == Said(room="lobby", text=f"{greeting}, Ada")


@REAL_TIME
@pytest.mark.parametrize("name", ON_BOTH)
async def test_the_endpoint_is_mounted_with_its_room(name: str) -> None:
    """The path parameter arrives, on asyncio and trio."""
    await greet(load(name), "/rooms/lobby", "Hello")


@on_asyncio
@pytest.mark.parametrize("name", ON_ASYNCIO)
async def test_the_endpoint_is_mounted_with_its_room_on_asyncio(name: str) -> None:
    """The path parameter arrives, in the frameworks that run on asyncio alone."""
    await greet(load(name), "/rooms/lobby", "Hello")


async def test_starlette_takes_a_class_with_attributes() -> None:
    """`as_asgi(greeting=...)` sets the attribute for this route alone."""
    await greet(load("starlette_app"), "/polite/lobby", "Good day")


@REAL_TIME
async def test_fastapi_gives_what_it_depends_on() -> None:
    """What `Depends` returns is an attribute of the endpoint."""
    await greet(load("fastapi_app"), "/rooms/lobby?language=fr", "Bonjour")


async def test_fastapi_mounts_the_class_below_a_prefix() -> None:
    """A mount serves its prefix with a slash behind it."""
    async with connect(load("fastapi_app"), "/echo/") as client:
        await client.send(Say(text="hello"))
        assert await client.receive(Echoed) == Echoed(text="hello")


@on_asyncio
async def test_quart_gets_what_is_no_room() -> None:
    """Any other path goes to the WebSockets of the wrapped Quart application."""
    with pytest.raises(HandshakeDenied) as denied:
        async with connect(load("quart_app"), "/elsewhere", timeout=GENEROUS):
            pass
    assert denied.value.status == 404
