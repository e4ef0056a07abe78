"""Streams that a client stops, and questions that it answers, on each server."""

import json
from typing import Any

import pytest

from .clients import Client
from .conversation import Conversation

pytestmark = pytest.mark.anyio


async def send(client: Client, **message: Any) -> None:
    """Send a message."""
    await client.send(json.dumps(message))


async def receive(client: Client) -> dict[str, Any]:
    """Return the next message."""
    message: dict[str, Any] = json.loads(await client.receive())
    return message


@pytest.mark.parametrize("does", ["wait", "flood", "turn"])
async def test_stop_at_the_third_item_ends_a_stream(conversation: Conversation, does: str) -> None:
    """Nothing of it comes after the answer to the stop, and where it waits no fifth item does."""
    async with conversation.connect("/assistant") as client:
        await send(client, type="stream", id="a", to=1_000_000, does=does)
        for number in range(3):
            assert await receive(client) == {"type": "item", "id": "a", "number": number}
        await send(client, type="stop", id="a")
        items = 3
        while (message := await receive(client))["type"] == "item":
            items += 1
        assert message == {"type": "said", "id": "a"}
        if does == "wait":
            assert items == 3
        await conversation.journal("a ended")
        # The connection goes on, and the answer to this is the next message.
        await send(client, type="say", id="b")
        assert await receive(client) == {"type": "said", "id": "b"}
        await client.close()
    await conversation.journal()


async def test_eight_streams_at_once_are_each_in_order(conversation: Conversation) -> None:
    """Those with the same key follow each other, and the others come between."""
    names = "abcdefgh"
    async with conversation.connect("/assistant") as client:
        items: dict[str, list[int]] = {name: [] for name in names}
        order: list[str] = []

        async def take(number: int) -> None:
            for _ in range(number):
                message = await receive(client)
                items[message["id"]].append(message["number"])
                order.append(message["id"])

        for name in names:
            await send(client, type="stream", id=name, to=50, does="turn together")
        await take(len(names))
        await send(client, type="say", id="go")
        assert (await receive(client))["id"] == "go"
        for name in names:
            await send(client, type="stream", id=name, to=50, does="turn together")
        await take(len(names) * 99)
        assert items == {name: [*range(50), *range(50)] for name in names}
        assert order != sorted(order), "one after the other"
        await client.close()
    await conversation.journal()


async def test_questions_are_answered_past_twenty_messages_that_wait(
    conversation: Conversation,
) -> None:
    """Three in a row, asked by a handler; what waits behind it is handled in order."""
    async with conversation.connect("/assistant") as client:
        await send(client, type="sure", id="sure", times=3)
        question = await receive(client)
        for number in range(20):
            await send(client, type="say", id=str(number))
        for _ in range(2):
            await send(client, type="answer", id=question["id"], yes=True)
            question = await receive(client)
            assert question["type"] == "question"
        await send(client, type="answer", id=question["id"], yes=True)
        answers = [(await receive(client))["id"] for _ in range(21)]
        assert answers == ["sure", *map(str, range(20))]
        await client.close()
    await conversation.journal()


async def test_client_that_leaves_ends_all_that_runs(conversation: Conversation) -> None:
    """Streams and a question that waits: each ends before `on_disconnect`."""
    async with conversation.connect("/assistant") as client:
        for name in ("a", "b"):
            await send(client, type="stream", id=name, to=10, does="wait")
        for _ in range(6):
            await receive(client)
        await send(client, type="sure", id="sure", times=1)
        assert (await receive(client))["type"] == "question"
        client.reset()
    journal = [entry.split(" ", 1)[0] for entry in await conversation.journal()]
    assert sorted(journal[1:3]) == ["a", "b"]
    assert journal[3:] == ["on_disconnect", "end"]
