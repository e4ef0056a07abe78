"""A connection of websockets'."""

import asyncio
from functools import partial

import pytest

from tests.client.peers import SCENARIOS, Peer, at, lost, peer
from wsendpoints.client.over_websockets import open_socket

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_connection_is_one_of_a_client(scenario: str) -> None:
    """It does what each library has to do, and leaves no task."""
    before = asyncio.all_tasks()
    await SCENARIOS[scenario](open_socket)
    assert asyncio.all_tasks() <= before


async def test_options_are_those_of_the_library() -> None:
    """Such as a limit to what the server may send."""

    async def play(server: Peer) -> None:
        await server.accept()
        await server.stream.send(b"\x81\x02hi")
        await server.next()

    async with peer(play) as url, partial(open_socket, max_size=1)(at(url)) as socket:
        assert (await lost(socket.receive())).code == 1006
