"""What is kept of a group is read without a member."""

from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.groups.failing import Failing
from tests.groups.quiet import Quiet, client_of
from wsendpoints import ConfigurationError, PositionLost
from wsendpoints.backplanes import Hub
from wsendpoints.groups import Group, Groups, History

pytestmark = pytest.mark.anyio

MOST = 5


class Said(BaseModel):
    """A message that tells its position."""

    text: str
    position: str | None = None


class Plain(BaseModel):
    """One that does not."""

    plain: bool = True


class Room(Group[Said | Plain]):
    """Keeps a few."""

    name = "room:{}"
    history = History(messages=MOST)


class Bare(Group[Said]):
    """Keeps nothing."""

    name = "bare"


class Chat(Quiet):
    """Joins what its test says."""

    groups = (Room,)


every_kind = pytest.mark.parametrize("kind", ["memory", "shared"])


def groups_of(kind: str) -> Groups:
    """Make groups of one process, or of several."""
    return Groups(Failing(Hub())) if kind == "shared" else Groups()


@every_kind
async def test_history_is_there_without_members(kind: str) -> None:
    """As it was said, with positions where there is a field; it makes no group."""
    async with groups_of(kind) as them:
        assert await them.history(Room("a")) == ()
        await them.broadcast(Room("a"), Said(text="a"))
        await them.broadcast(Room("a"), Plain())
        await them.broadcast(Room("b"), Said(text="b"))
        said, plain = await them.history(Room("a"))
        assert isinstance(said, Said)
        assert (said.text, plain) == ("a", Plain())
        assert await them.history(Room("a"), said.position) == (Plain(),)
        assert await them.history(Room("a"), last=1) == (Plain(),)
        assert them.names == ()


@every_kind
async def test_members_go_on_where_it_ends(kind: str) -> None:
    """So a page has what was said, and its connection what follows."""
    Chat.members.clear()
    async with groups_of(kind) as them, AsyncExitStack() as stack:
        for text in "abc":
            await them.broadcast(Room("a"), Said(text=text))
        last: Any = (await them.history(Room("a")))[-1]
        await them.broadcast(Room("a"), Said(text="d"))
        client, chat = await client_of(Chat, stack)
        await them.join(chat, Room("a"), last.position)
        assert (await client.receive(Said)).text == "d"
        await client.receive_nothing()


@every_kind
@given(
    said=st.integers(0, 2 * MOST),
    after=st.none() | st.integers(-1, 2 * MOST),
    last=st.none() | st.integers(0, MOST + 1),
)
def test_all_of_it_is_told_or_none(
    kind: str, said: int, after: int | None, last: int | None
) -> None:
    """What came after a position is whole, or there is an error: a part would look like all."""

    async def check() -> None:
        positions: list[str | None] = []
        async with groups_of(kind) as them:
            for number in range(said):
                await them.broadcast(Room("a"), Said(text=f"{number}"))
                told: Any = await them.history(Room("a"), last=1)
                positions.append(told[0].position)
            if after is None:
                expected = [*range(max(said - MOST, 0), said)]
                position = None
            elif 0 <= after < said:
                expected = [*range(after + 1, said)]
                position = positions[after]
            else:
                expected, position = [], "7"
            if after is not None and (position == "7" or len(expected) > MOST):
                with pytest.raises(PositionLost):
                    await them.history(Room("a"), position, last=last)
                return
            found: Any = await them.history(Room("a"), position, last=last)
            if last is not None:
                expected = expected[len(expected) - last :] if last < len(expected) else expected
            assert [it.text for it in found] == [f"{number}" for number in expected]

    anyio.run(check)


@every_kind
async def test_mistakes_are_told(kind: str) -> None:
    """What has no history; a number below zero; text that is no position."""
    async with groups_of(kind) as them:
        with pytest.raises(ConfigurationError, match="no history: set `history = History"):
            await them.history(Bare())
        text: Any = "plain"
        with pytest.raises(ConfigurationError, match="'plain' has no history"):
            await them.history(text)
        with pytest.raises(ValueError, match="last=-1: use 0 or more"):
            await them.history(Room("a"), last=-1)
        with pytest.raises(PositionLost):
            await them.history(Room("a"), "no position")
