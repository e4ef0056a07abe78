"""What a client can do to a server without disconnecting: flood it, not read, keep it waiting."""

import asyncio

import pytest

from .conversation import Conversation
from .outcomes import as_sent

pytestmark = pytest.mark.anyio


async def test_f11_flood_into_a_busy_handler_is_answered_in_order(
    conversation: Conversation,
) -> None:
    """However many messages wait, none is lost, and none overtakes another."""
    texts = [str(number) for number in range(500)]
    async with conversation.connect("/busy") as client:

        async def flood() -> None:
            for text in texts:
                await client.send(text)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(flood())
            assert [await client.receive() for _ in texts] == texts
        await client.close()
    assert (await conversation.journal())[-1] == "end"


@pytest.mark.parametrize("client", ["aiohttp"])  # the other one reads ahead, without a bound
async def test_f10_client_that_does_not_read_is_closed(conversation: Conversation) -> None:
    """The server's memory is bounded: what it can't get rid of ends the connection with 1013."""
    async with conversation.connect("/torrent") as client:
        await client.send("go")
        if not conversation.server.facts.bounds_outbound:
            expected = ["on_connect", "all sent"]
            assert await conversation.journal("all sent") == expected
            client.reset()
        else:
            # Where a send that waits can't be cancelled, it is left behind.
            is_over = not conversation.server.facts.shields_sends
            expected = ["on_connect", "on_disconnect 1013", *["end"] * is_over]
            assert await conversation.journal(expected[-1]) == expected
            client.reset()
            assert (await conversation.journal())[-1] == "end"


async def test_f14_handler_that_hangs_is_ended(conversation: Conversation) -> None:
    """The client is told which limit it was."""
    async with conversation.connect("/hanging") as client:
        await client.send("x")
        reason = "handler_timeout: 0.2 s"
        assert await client.closed() == as_sent(conversation.server, 1011, reason)
    assert await conversation.journal() == ["on_connect", "on_disconnect 1011", "end"]
