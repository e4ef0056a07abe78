"""The smallest example."""

import pytest

from examples.echo import Said, Say, app
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


async def test_a_say_is_answered_with_a_said() -> None:
    """The text of a `Say` comes back in a `Said`."""
    async with connect(app) as client:
        await client.send(Say(text="hello"))
        assert await client.receive(Said) == Said(text="hello")


async def test_a_message_of_another_type_is_answered_with_an_error() -> None:
    """A message that is not declared is answered with an error, and the connection stays open."""
    async with connect(app) as client:
        await client.send({"type": "shout", "text": "hello"})
        error = await client.receive_json()
        assert (error["type"], error["code"]) == ("error", "invalid_message")
        await client.send(Say(text="hello"))
        assert await client.receive(Said) == Said(text="hello")
