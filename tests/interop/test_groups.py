"""Groups on real servers: bursts, members that leave, and members that do not read."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from .clients import CLIENTS, Client
from .conversation import Conversation
from .servers import Process

pytestmark = pytest.mark.anyio

BURST = 5000


@asynccontextmanager
async def members(
    process: Process, *names: str
) -> AsyncGenerator[list[tuple[Client, Conversation]]]:
    """Connect some clients that are in one group, and check the server's log in the end."""
    query = [("group", uuid.uuid4().hex)]
    conversations = [Conversation(process, CLIENTS[name]) for name in names]
    async with AsyncExitStack() as stack:
        some: list[tuple[Client, Conversation]] = []
        for conversation in conversations:
            client = await stack.enter_async_context(conversation.connect("/group", query=query))
            await conversation.journal("joined")
            some.append((client, conversation))
        yield some
    conversations[0].check_log()


async def numbers(client: Client, count: int) -> list[int]:
    """Return the numbers of so many broadcasts; what is said to this client alone is left out."""
    found: list[int] = []
    while len(found) < count:
        message = json.loads(await client.receive())
        if message != "done":
            found.append(message[0])
    return found


async def test_g10_burst_closes_no_client(process: Process) -> None:
    """5,000 messages in one go: each client gets all of them, in order."""
    async with members(process, "websockets", "websockets", "websockets") as some:
        clients = [client for client, _ in some]
        await clients[0].send(json.dumps([BURST, 10]))
        async with asyncio.TaskGroup() as tasks:
            got = [tasks.create_task(numbers(client, BURST)) for client in clients]
        assert [task.result() for task in got] == [[*range(BURST)]] * 3
        for client in clients:
            await client.close()
        for _, conversation in some:
            await conversation.journal()


async def test_g01_member_that_left_costs_the_others_nothing(process: Process) -> None:
    """It is reset, which the server may find out by a send."""
    async with members(process, "websockets", "websockets", "websockets") as some:
        (one, _), (two, _), (three, conversation) = some
        three.reset()
        await one.send(json.dumps([100, 10]))
        assert await numbers(one, 100) == await numbers(two, 100) == [*range(100)]
        assert "others are there" in await conversation.journal()
        for client in (one, two):
            await client.close()


async def test_g02_member_that_does_not_read_holds_up_nobody(process: Process) -> None:
    """It is closed with 1013 where the server bounds what waits for it."""
    facts = process.server.facts
    # The one that does not read stops reading when nobody takes a message.
    async with members(process, "websockets", "aiohttp") as some:
        (one, _), (two, conversation) = some
        # Of what waits for the one that reads there is never more than may: it is as slow as the
        # machine is busy.
        for _ in range(50):
            await one.send(json.dumps([40, 20_000]))
            assert await numbers(one, 40) == [*range(40)]
        if facts.bounds_outbound:
            assert "on_disconnect 1013" in await conversation.journal("on_disconnect 1013")
        two.reset()
        await conversation.journal()
        await one.close()
