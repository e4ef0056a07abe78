"""Those that wait go on in the order in which they came."""

from functools import partial

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.connection.websocket_calls import soon
from wsendpoints.connection.turns import Turns

pytestmark = pytest.mark.anyio

NUMBERS = range(10)


async def test_each_has_its_turn_in_order() -> None:
    """Those that come while turns are given are behind those that came before."""
    turns = Turns()
    order: list[int] = []

    async def wait(number: int) -> None:
        await turns.wait()
        order.append(number)
        if number == 0:
            tasks.start_soon(wait, 10)

    async with anyio.create_task_group() as tasks:
        for number in NUMBERS:
            await soon(tasks, partial(wait, number))
        assert order == []
        await turns.give()
        assert order[:10] == [*NUMBERS]
        await checkpoint()
        await turns.give()
    assert order == [*NUMBERS, 10]


async def test_one_that_is_cancelled_passes_its_turn_on() -> None:
    """The others do not wait for it."""
    turns = Turns()
    order: list[str] = []

    async def wait(name: str) -> None:
        await turns.wait()
        order.append(name)

    async with anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as cancelled:
            await soon(cancelled, lambda: wait("cancelled"))
            await soon(tasks, lambda: wait("other"))
            cancelled.cancel_scope.cancel()
        await turns.give()
    assert order == ["other"]


async def test_all_are_woken_if_it_is_given_up() -> None:
    """None is left waiting, in whatever order they go on."""
    turns = Turns()
    woken: set[int] = set()

    async def wait(number: int) -> None:
        await turns.wait()
        woken.add(number)

    async with anyio.create_task_group() as tasks:
        for number in NUMBERS:
            await soon(tasks, partial(wait, number))
        turns.give_up()
    assert woken == {*NUMBERS}


async def test_nobody_waits_by_default() -> None:
    """To give turns then does nothing."""
    turns = Turns()
    await turns.give()
    turns.give_up()
