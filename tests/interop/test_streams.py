"""Clients that abort while a generator streams to them, from within a task group."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from .clients import CLIENTS
from .conversation import Conversation
from .servers import Process

pytestmark = pytest.mark.anyio

CLIENTS_AT_ONCE = 15


@pytest.mark.parametrize("client", ["aiohttp"])  # it stops reading when nobody takes a message
@pytest.mark.parametrize("does", ["wait", "tick", "flood"])
async def test_l06_clients_that_abort_a_stream_are_no_error(
    process: Process, client: str, does: str
) -> None:
    """No server logs an error, each connection ends once, and the worker serves on."""
    conversations = [Conversation(process, CLIENTS[client]) for _ in range(CLIENTS_AT_ONCE)]

    async def abort(conversation: Conversation) -> list[str]:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(conversation.connect("/grouped"))
            await one.send(does)
            assert await one.receive() == "tick"
            one.reset()
        return await conversation.journal()

    journals = await asyncio.gather(*map(abort, conversations))
    for journal in journals:
        hooks = [entry.split()[0] for entry in journal]
        assert hooks == ["on_connect", "on_disconnect", "end"]
    last = Conversation(process, CLIENTS[client])
    async with last.connect("/text") as one:
        await one.send("x")
        assert await one.receive() == "x"
        await one.close()
    await last.journal()
    conversations[0].check_log()
