"""A connection of httpx-ws'."""

import httpx
import pytest
from httpx_ws import WebSocketNetworkError

from tests.client.peers import SCENARIOS, Peer, at, peer
from tests.clocks import REAL_TIME
from wsendpoints.client.over_httpx_ws import open_socket
from wsendpoints.client.socket import Lost

pytestmark = [pytest.mark.anyio, REAL_TIME]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_connection_is_one_of_a_client(scenario: str) -> None:
    """It does what each library has to do."""
    await SCENARIOS[scenario](open_socket)


async def test_options_are_those_of_the_library() -> None:
    """Such as the client of httpx that makes it."""

    async def play(server: Peer) -> None:
        request = await server.accept()
        assert (b"x-from", b"test") in request.extra_headers
        await server.next()

    async with (
        peer(play) as url,
        httpx.AsyncClient(headers={"X-From": "test"}) as client,
        open_socket(at(url), client, keepalive_ping_interval_seconds=None),
    ):
        pass


async def silent(server: Peer) -> None:
    """Play a server that says nothing."""
    await server.accept()
    await server.next()


async def test_what_its_own_tasks_raise_is_a_loss() -> None:
    """They do so in a group with what is raised within."""
    async with peer(silent) as url:
        with pytest.raises(Lost) as caught:
            async with open_socket(at(url)):
                raise WebSocketNetworkError
        assert caught.value.close.code == 1006


async def test_what_is_raised_within_is_raised_as_it_is() -> None:
    """It is the application's, and no loss."""
    error = ZeroDivisionError()
    async with peer(silent) as url:
        with pytest.raises(ZeroDivisionError) as caught:
            async with open_socket(at(url)):
                raise error
    assert caught.value is error


async def test_failures_within_are_a_group() -> None:
    """None of them is lost."""
    async with peer(silent) as url:
        with pytest.raises(ExceptionGroup) as caught:
            async with open_socket(at(url)):
                raise ExceptionGroup("both", [ZeroDivisionError(), KeyError()])
    assert caught.value.message == "both"
    assert [*map(type, caught.value.exceptions)] == [ZeroDivisionError, KeyError]
