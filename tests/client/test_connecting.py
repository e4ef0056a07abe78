"""A client of an endpoint class, on a server that runs."""

import asyncio
import random
import sys
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.client.endpoints import (
    Add,
    Added,
    Chat,
    Confirm,
    Confirmed,
    Said,
    Say,
    Stop,
)
from tests.client.server import Uvicorn, serving
from tests.client.wires import Wires, lowest
from tests.clocks import GENEROUS, REAL_TIME
from tests.contract.clients import app as clients
from tests.waiting import all_tasks_blocked
from wsendpoints import ConfigurationError, JsonRpc, Limits, Rate, WebSocketEndpoint
from wsendpoints.client import (
    Backoff,
    Client,
    ClosedError,
    LostError,
    Positions,
    RequestError,
    connect,
)
from wsendpoints.client.connecting import Transport
from wsendpoints.client.socket import Close
from wsendpoints.lifecycle.loops import is_asyncio

pytestmark = pytest.mark.anyio

TRANSPORTS = pytest.mark.parametrize("transport", [None, "httpx-ws"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uvicorn]:
    """Return a server that runs."""
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


# A conversation.


@REAL_TIME
@TRANSPORTS
async def test_conversation(server: Uvicorn, transport: Transport | None) -> None:
    """Messages, requests, errors and questions go their ways; in the end no task is left."""
    before = tasks_of_asyncio()

    async def confirm(question: Confirm) -> Confirmed:
        return Confirmed(number=len(question.text))

    with anyio.fail_after(GENEROUS):
        async with connect(Chat, server.url, transport=transport) as client:
            client.answer(Confirm, confirm)
            await client.send(Say(text="hi"))
            message = await client.receive()
            assert isinstance(message, Said)
            assert message.text == "hi"
            assert client.positions == {"News": message.position}
            reply = await client.request(Add(number=1))
            assert isinstance(reply, Added)
            assert reply.sum == 10
            with pytest.raises(RequestError) as caught:
                await client.request(Add(number=-1))
            assert (caught.value.code, caught.value.details) == ("negative", {"number": -1})
            await client.send(Stop(code=4000))
            with pytest.raises(ClosedError, match="4000: 'as asked'"):
                await client.receive()
    assert tasks_of_asyncio() == before


def tasks_of_asyncio() -> set[asyncio.Task[Any]]:
    """Return the tasks that run, on asyncio; trio sees to it that none outlives the client."""
    return asyncio.all_tasks() if is_asyncio() else set()


@REAL_TIME
@TRANSPORTS
async def test_refusal_is_raised(server: Uvicorn, transport: Transport | None) -> None:
    """Nobody comes in."""
    with anyio.fail_after(GENEROUS):
        with pytest.raises(ClosedError, match="4401: 'Unauthorized'"):
            async with connect(Chat, server.url, query={"token": "old"}, transport=transport):
                raise AssertionError


@REAL_TIME
@TRANSPORTS
async def test_streams_are_stopped(
    tmp_path_factory: pytest.TempPathFactory, transport: Transport | None
) -> None:
    """Many at once, each as it is left: the server runs none of them any longer."""
    folder = tmp_path_factory.mktemp("speaker")

    def stop(id_: str) -> clients.Stop:
        return clients.Stop(id=id_)

    async def listen(client: Client[Any], id_: str, most: int) -> None:
        numbers: list[int] = []
        async with client.stream(clients.Say(id=id_), stop=stop) as words:
            async for word in words:
                numbers.append(word.number)
                if len(numbers) == most:
                    break
        assert numbers == [*range(most)]

    with anyio.fail_after(GENEROUS), serving(folder, "tests.contract.clients.app:router") as server:
        url = f"{server.url}speaker"
        async with connect(clients.Speaker, url, transport=transport) as client:
            stopped = anyio.Event()
            left = 10

            def count(_: clients.Stopped) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    stopped.set()

            client.on(clients.Stopped, count)
            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(listen, client, f"{number}", 1 + number)
            await stopped.wait()
            with pytest.raises(RequestError, match="no_words"):
                async with client.stream(clients.Say(id="0", words=2), stop=stop) as words:
                    assert [(await anext(words)).number for _ in range(2)] == [0, 1]
                    await anext(words)
            with pytest.raises(RequestError, match="not_running"):
                await client.request(stop("0"))


# A server that goes, and comes back.


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no wait be longer than it has to."""
    monkeypatch.setattr(random, "uniform", lowest)


@REAL_TIME
@pytest.mark.usefixtures("soon")
async def test_server_is_killed_and_restarted(tmp_path: Any) -> None:
    """What waited is sent to the next one; a request that was under way fails."""
    errors: list[LostError] = []
    is_asked = anyio.Event()

    async def confirm(question: Confirm) -> Confirmed:
        is_asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def ask() -> None:
        with pytest.raises(LostError) as caught:
            await client.request(Add(number=1))
        errors.append(caught.value)

    with anyio.fail_after(GENEROUS), serving(tmp_path) as server:
        async with connect(
            Chat,
            server.url,
            query=lambda positions: {"after": positions.get("News")},
            reconnect=Backoff(min=0),
        ) as client:
            client.answer(Confirm, confirm)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await is_asked.wait()
                server.kill()
            assert [it.code for it in errors] == [1006]
            assert not client.is_connected
            await client.send(Say(text="while it was gone"))
            server.start()
            message = await client.receive()
            assert isinstance(message, Said)
            assert message.text == "while it was gone"


@REAL_TIME
@pytest.mark.usefixtures("soon")
async def test_client_goes_on_after_its_last_position(server: Uvicorn) -> None:
    """What a group carried while it was away is sent to it, once, in order."""

    def after(positions: Positions) -> dict[str, str | None]:
        return {"after": positions.get("News")}

    async def texts(count: int) -> list[str]:
        messages = [await client.receive() for _ in range(count)]
        return [it.text for it in messages if isinstance(it, Said)]

    with anyio.fail_after(GENEROUS):
        async with connect(Chat, server.url, query=after) as client:
            await client.send(Say(text="before"))
            assert await texts(1) == ["before"]
            async with connect(Chat, server.url) as other:
                await client.send(Stop(code=4500))
                while client.is_connected:
                    await checkpoint()
                for number in range(3):
                    await other.send(Say(text=f"missed {number}"))
                    await other.receive()
            await client.send(Say(text="after"))
            assert await texts(4) == ["missed 0", "missed 1", "missed 2", "after"]


@REAL_TIME
@pytest.mark.usefixtures("soon")
async def test_server_is_drained(tmp_path: Any) -> None:
    """It tells its clients, which come to the next one."""
    with anyio.fail_after(GENEROUS), serving(tmp_path) as server:
        async with connect(Chat, server.url) as client:
            server.terminate()
            with pytest.raises(LostError) as caught:
                # Nothing replies to it.
                await client.request(Confirmed(number=1), timeout=GENEROUS)
            assert caught.value.code == 1012
            server.kill()
            server.start()
            reply = await client.request(Add(number=0), timeout=GENEROUS)
            assert isinstance(reply, Added)
            assert reply.sum == 1


# Leaving.


async def test_what_is_raised_within_is_raised_as_it_is() -> None:
    """In no group, and without the client's own."""
    wires = Wires()
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError) as caught:
        async with connect(Chat, "ws://host/", transport=wires.open):
            raise error
    assert caught.value is error
    assert error.__context__ is None
    assert (await wires.next()).closed == (1000, "")


async def test_what_a_handler_raises_ends_the_client() -> None:
    """The application is cancelled, and it is raised."""
    wires = Wires()

    async def confirm(question: Confirm) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with connect(Chat, "ws://host/", transport=wires.open) as client:
            client.answer(Confirm, confirm)
            (await wires.next()).give({"type": "confirm", "id": "1", "text": ""})
            await anyio.sleep_forever()
    assert wires.every[0].closed == (1000, "")


async def test_failures_of_both_are_a_group() -> None:
    """Neither is lost."""
    wires = Wires()

    async def confirm(question: Confirm) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        async with connect(Chat, "ws://host/", transport=wires.open) as client:
            client.answer(Confirm, confirm)
            (await wires.next()).give({"type": "confirm", "id": "1", "text": ""})
            try:
                await anyio.sleep_forever()
            finally:
                raise KeyError
    assert {*map(type, caught.value.exceptions)} == {ZeroDivisionError, KeyError}


@pytest.mark.parametrize("is_connected", [False, True])
async def test_cancelling_leaves_nothing(is_connected: bool) -> None:
    """Before there is a connection, and while there is one."""
    wires = Wires()
    if not is_connected:
        wires.outcomes.extend([Close()] * 100)
    with anyio.move_on_after(10) as scope:
        async with connect(Chat, "ws://host/", transport=wires.open):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    if is_connected:
        assert (await wires.next()).closed == (1000, "")
    tries = len(wires.times)
    await anyio.sleep(100)
    assert len(wires.times) == tries


async def test_without_reconnect_the_first_end_is_the_last() -> None:
    """Also one that others come back after."""
    wires = Wires()
    async with connect(Chat, "ws://host/", transport=wires.open, reconnect=False) as client:
        (await wires.next()).end(1012)
        await all_tasks_blocked()
        assert client.closed == (1012, "")


# What a class says of it.


async def test_codes_of_the_class_count() -> None:
    """Over its rate a client comes back, where a mistake would be one again."""

    class Limited(Chat):
        limits = Limits(rate=Rate(5, per=1), max_invalid=None)

    wires = Wires()
    async with connect(Limited, "ws://host/", transport=wires.open) as client:
        (await wires.next()).end(1008)
        await wires.next()
        assert client.closed is None
    assert len(wires.times) == 2


async def test_subprotocols_are_those_of_the_class() -> None:
    """Or those that the client is given."""

    class Spoken(Chat):
        subprotocols = ("b", "a")

    wires = Wires("a")
    for given, offered in ((None, ("b", "a")), (["a"], ["a"]), ([], [])):
        async with connect(
            Spoken,
            "ws://host/{room}",
            params={"room": 1},
            headers={"X": "y"},
            subprotocols=given,
            transport=wires.open,
        ):
            address = wires.addresses[-1]
            assert (address.url, address.headers) == ("ws://host/1", {"X": "y"})
            assert address.subprotocols == offered


class Rpc(WebSocketEndpoint):
    """Has a dialect."""

    encoding = "json"
    dialect = JsonRpc()


@pytest.mark.parametrize(
    ("cls", "options", "text"),
    [
        (Rpc, {}, "connect(Rpc, ...): it has a dialect: use a client of that protocol"),
        (str, {}, "connect(<class 'str'>, ...): use a subclass of WebSocketEndpoint"),
        (
            Chat,
            {"transport": "aiohttp"},
            'connect(..., transport=\'aiohttp\'): use "websockets" or "httpx-ws"',
        ),
    ],
)
async def test_wrong_use_is_refused(cls: Any, options: Any, text: str) -> None:
    """The text says what to write."""
    with pytest.raises(ConfigurationError) as caught:
        async with connect(cls, "ws://host/", **options):
            raise AssertionError
    assert str(caught.value) == text


async def test_library_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text says what to install."""
    monkeypatch.setitem(sys.modules, "httpx_ws", None)
    monkeypatch.delitem(sys.modules, "wsendpoints.client.over_httpx_ws", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        async with connect(Chat, "ws://host/", transport="httpx-ws"):
            raise AssertionError
    assert str(caught.value) == "connect() needs httpx-ws here: install wsendpoints[client]"
