"""Processes' parts in groups, within one test."""

import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import pytest

from tests.clocks import GENEROUS
from wsendpoints.backplanes import Backplane
from wsendpoints.protocol.exceptions import BackplaneError
from wsendpoints.testing.backplane_nodes import Delays, Node

__all__ = [
    "RIGHTS",
    "Delays",
    "Node",
    "bodies",
    "eventually",
    "new_name",
    "publish_at_last",
    "running",
]

_AGAIN: Final = 0.01

_DOCS: Final = Path(__file__).parents[3] / "docs" / "groups.md"

RIGHTS: Final = re.findall(r"`~wse:\*`, `&wse:\*`, and `(.*?)`", _DOCS.read_text())[0].split()
"""What a user of Redis may do who can do nothing else, as docs/groups.md says."""


def new_name() -> str:
    """Return the name of a group that no other test has."""
    return f"test:{secrets.token_hex(8)}"


@asynccontextmanager
async def running(*backplanes: Backplane) -> AsyncGenerator[list[Node]]:
    """Take part with each of them, for as long as the block lasts."""
    nodes = [Node(backplane, Delays(0)) for backplane in backplanes]
    async with anyio.create_task_group() as group:
        for node in nodes:
            await group.start(node.backplane.run, node)
        yield nodes
        for node in nodes:
            node.check()
        group.cancel_scope.cancel()


def bodies(node: Node, name: str) -> list[bytes]:
    """Return what was handed on of a group."""
    return [data for _, data in node.received.get(name, ())]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so that nobody tells of."""
    with anyio.move_on_after(GENEROUS):
        while not await condition():  # noqa: ASYNC110 - nobody would set an event
            await anyio.sleep(_AGAIN)
        return
    pytest.fail(f"not within {GENEROUS:g} s")


async def publish_at_last(node: Node, name: str, data: bytes) -> int:
    """Publish, once it can be done again, and return the number."""
    numbers: list[int] = []

    async def publish() -> bool:
        try:
            numbers.append(await node.backplane.publish(name, data, None))
        except BackplaneError:
            return False
        return True

    await eventually(publish)
    return numbers[0]
