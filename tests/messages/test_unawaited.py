"""What a forgotten `await` leaves in the place of a message."""

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.some_messages import Say
from wsendpoints.messages.codecs import CODECS, Encoding
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.unawaited import (
    UnawaitedError,
    describe_unawaited,
    discard,
    is_unawaited,
    unawaited_error,
)


async def save() -> None:
    """Do nothing."""


async def words() -> AsyncIterator[str]:
    """Yield a word."""
    yield "word"


class NoName:
    """A coroutine that is not written in Python, which need not have a name."""

    def send(self, value: object) -> None: ...
    def throw(self, *exc: object) -> None: ...
    def close(self) -> None: ...
    def __await__(self) -> Any: ...
    async def asend(self, value: object) -> None: ...


class NoNameStream:
    """The same for an async generator."""

    def __aiter__(self) -> Any: ...
    async def __anext__(self) -> None: ...
    async def asend(self, value: object) -> None: ...
    async def athrow(self, *exc: object) -> None: ...
    async def aclose(self) -> None: ...


WAIT = "write `await` before it"
STREAM = "send its values with `async for` and `yield`"

KINDS = [
    pytest.param(save, "the coroutine of save, which was not awaited", WAIT, id="coroutine"),
    pytest.param(words, "the async generator words", STREAM, id="async generator"),
    pytest.param(NoName, "a coroutine, which was not awaited", WAIT, id="coroutine of C"),
    pytest.param(NoNameStream, "an async generator", STREAM, id="async generator of C"),
]


@pytest.mark.parametrize(("function", "what", "advice"), KINDS)
@pytest.mark.parametrize("encoding", CODECS, ids=repr)
@pytest.mark.parametrize("declared", [[], [Say], [Say | list[int]]], ids=["any", "one", "union"])
def test_value_that_was_not_awaited_is_told_where_it_is_sent(
    function: Callable[[], Any], what: str, advice: str, encoding: Encoding, declared: list[Any]
) -> None:
    """The class may declare what it sends, or send anything; Python does not warn as well."""
    outbound = Outbound(declared, CODECS[encoding], "Chat")
    with pytest.raises(UnawaitedError) as caught:
        outbound.encode(function())
    assert str(caught.value) == f"Chat sends {what}: {advice}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_future_is_one() -> None:
    """So is a task."""
    loop = asyncio.new_event_loop()
    try:
        future = loop.create_future()
        assert is_unawaited(future)
        assert str(unawaited_error(future, "Chat.say")) == (
            "Chat.say sends a Future, which was not awaited: write `await` before it"
        )
        task = loop.create_task(save())
        assert describe_unawaited(task) == "a Task"
        loop.run_until_complete(task)
    finally:
        loop.close()


@pytest.mark.parametrize("value", [None, "x", save, words, [1], Say()])
def test_other_values_are_none(value: object) -> None:
    """Neither are functions."""
    assert not is_unawaited(value)


def test_coroutine_that_has_begun_goes_on() -> None:
    """It belongs to what runs it."""

    async def wait() -> str:
        await asyncio.sleep(0)
        return "done"

    begun = wait()
    begun.send(None)
    discard(begun)
    with pytest.raises(StopIteration, match="done"):
        begun.send(None)


def test_error_has_its_parts_in_each_copy() -> None:
    """It is pickled by its arguments."""
    error = UnawaitedError("Chat.say", "the coroutine of save", "write `await`")
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert str(other) == str(error) == "Chat.say sends the coroutine of save: write `await`"
        assert (other.sender, other.what, other.advice) == error.args


def test_value_that_can_not_be_written_is_another_mistake() -> None:
    """Its error is pydantic's."""
    with pytest.raises(ValueError, match="Unable to serialize"):
        Outbound([], CODECS["json"], "Chat").encode(object())
