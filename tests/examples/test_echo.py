"""The smallest example."""

import pytest

from examples.echo import Said, Say, app
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_a_say_is_answered_with_a_said() -> None:
    """What is said comes back."""
    async with connect(app) as client:
        await client.send(Say(text="hello"))
        assert await client.receive(Said) == Said(text="hello")


async def test_a_message_of_another_type_is_answered_with_an_error() -> None:
    """A message that is not declared does not end the connection."""
    async with connect(app) as client:
        await client.send({"type": "shout", "text": "hello"})
        error = await client.receive_json()
        assert (error["type"], error["code"]) == ("error", "invalid_message")
        await client.send(Say(text="hello"))
        assert await client.receive(Said) == Said(text="hello")
