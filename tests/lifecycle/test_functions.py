"""What may be started as a task: anything that returns an awaitable when it is called."""

import functools
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from wsendpoints.lifecycle.functions import check_awaitable, check_function

TAKES = "start_soon takes an async function, and got"
ITERATE = "over which nothing iterates: give it an `async def` that does so with `async for`"


class Chat:
    """Has functions of all kinds."""

    async def work(self) -> None:
        """Do nothing."""

    async def words(self) -> AsyncIterator[str]:
        """Yield a word."""
        yield "word"

    def plain(self) -> None:
        """Return nothing."""

    async def __call__(self) -> None:
        """Do nothing."""


class Words:
    """An async generator function that is an object."""

    async def __call__(self) -> AsyncIterator[str]:
        """Yield a word."""
        yield "word"


CHAT = Chat()


@pytest.mark.parametrize(
    "func",
    [
        pytest.param(CHAT.work, id="method"),
        pytest.param(Chat.work, id="function"),
        pytest.param(functools.partial(CHAT.work), id="partial"),
        pytest.param(lambda: CHAT.work(), id="lambda"),
        pytest.param(CHAT, id="object"),
        pytest.param(CHAT.plain, id="a function whose result shows later"),
    ],
)
def test_function_passes(func: object) -> None:
    """It is called in the task."""
    check_function(func)


@pytest.mark.parametrize(
    ("func", "what"),
    [
        pytest.param(CHAT.words, "the async generator Chat.words", id="method"),
        pytest.param(functools.partial(CHAT.words), "the async generator", id="partial"),
        pytest.param(Words(), "the async generator", id="object"),
        pytest.param(CHAT.words(), "the async generator Chat.words", id="called"),
    ],
)
def test_async_generator_is_refused(func: object, what: str) -> None:
    """Nothing would run in it."""
    with pytest.raises(TypeError) as caught:
        check_function(func)
    assert str(caught.value).startswith(f"{TAKES} {what}")
    assert str(caught.value).endswith(f", {ITERATE}")


def test_coroutine_is_refused_and_closed() -> None:
    """Python does not warn that it was never awaited."""
    with pytest.raises(TypeError) as caught:
        check_function(CHAT.work())
    gc.collect()
    assert str(caught.value) == (
        f"{TAKES} the coroutine of Chat.work: give it the function without calling it, and its "
        "arguments after it, as in `start_soon(self.work, 1)`"
    )


@pytest.mark.parametrize("func", [None, 3, "work"])
def test_what_is_no_function_is_refused(func: object) -> None:
    """It is shown."""
    with pytest.raises(TypeError) as caught:
        check_function(func)
    assert str(caught.value) == f"{TAKES} {func!r}"


async def _await(result: Any) -> Any:
    return await check_awaitable(result, CHAT.work)


@pytest.mark.anyio
async def test_awaitable_is_returned() -> None:
    """The task awaits it."""
    assert await _await(CHAT.work()) is None


@pytest.mark.anyio
async def test_what_can_not_be_awaited_is_refused() -> None:
    """Its kind is named, and the function that returned it."""
    with pytest.raises(TypeError) as caught:
        await _await(None)
    assert str(caught.value) == (
        "start_soon takes an async function, and Chat.work returned a NoneType, which can't be "
        "awaited: write it as `async def`"
    )
    with pytest.raises(TypeError, match="nothing iterates"):
        await _await(CHAT.words())
