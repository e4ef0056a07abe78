"""What a handler sends, as its return annotation says."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Generator,
    Iterator,
)
from typing import Any, NoReturn, Optional

import pytest
from typing_extensions import TypeAliasType

from tests.some_messages import Leave, Say
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.replies import reply_of
from wsendpoints.protocol.exceptions import ConfigurationError

Said = TypeAliasType("Said", AsyncIterator[Say])


@pytest.mark.parametrize("returns", [Say, Say | None, None, Any, object, bytearray, NoReturn])
def test_handler_sends_what_it_returns(returns: Any) -> None:
    """As it is annotated, or without being annotated."""
    assert reply_of(returns, "Chat.say", is_stream=False) is returns
    assert reply_of(MISSING, "Chat.say", is_stream=False) is MISSING


@pytest.mark.parametrize(
    ("returns", "sends"),
    [
        (AsyncIterator[Say], Say),
        (AsyncIterable[Say], Say),
        (AsyncGenerator[Say | Leave, None], Say | Leave),
        (Said, Say),
        (AsyncIterator[Say] | None, Say),
        (AsyncIterator, Any),
        (Any, Any),
        (object, Any),
        (MISSING, Any),
    ],
)
def test_stream_sends_what_it_yields(returns: Any, sends: Any) -> None:
    """Anything, if it does not say what."""
    assert reply_of(returns, "Chat.say", is_stream=True) == sends


@pytest.mark.parametrize(
    ("returns", "text"),
    [
        (AsyncIterator[int], "AsyncIterator[int]"),
        (AsyncIterator, "AsyncIterator"),
        (Optional[AsyncIterable[int]], "AsyncIterable[int]"),  # noqa: UP045 - the case
        (AsyncGenerator[int, None] | int, "AsyncGenerator[int, None]"),
        (Said, "AsyncIterator[tests.some_messages.Say]"),
    ],
)
def test_stream_without_yield_is_an_error(returns: Any, text: str) -> None:
    """It says to yield, or to annotate what is returned."""
    with pytest.raises(ConfigurationError) as caught:
        reply_of(returns, "Chat.say", is_stream=False)
    assert str(caught.value) == (
        f"Chat.say is annotated to return {text}, but has no `yield`: send each value with "
        "`yield`, or annotate what it returns"
    )


@pytest.mark.parametrize(
    ("returns", "text", "result"),
    [
        (Coroutine[Any, Any, int], "Coroutine[Any, Any, int]", "int"),
        (Awaitable[None], "Awaitable[None]", "None"),
        (Awaitable, "Awaitable", "its result"),
    ],
)
def test_coroutine_of_a_coroutine_is_an_error(returns: Any, text: str, result: str) -> None:
    """It says to annotate what is sent."""
    with pytest.raises(ConfigurationError) as caught:
        reply_of(returns, "Chat.say", is_stream=False)
    assert str(caught.value) == (
        f"Chat.say is annotated to return {text}, which `async def` adds by itself: annotate what "
        f"is sent, {result}"
    )


@pytest.mark.parametrize(
    ("returns", "text", "item"),
    [
        (Iterator[int], "Iterator[int]", "int"),
        (Generator[Say, None, None], "Generator[tests.some_messages.Say, None, None]", "Say"),
        (Iterator, "Iterator", "..."),
    ],
)
def test_iterator_is_an_error(returns: Any, text: str, item: str) -> None:
    """It says how to send one message, and how to send several."""
    with pytest.raises(ConfigurationError) as caught:
        reply_of(returns, "Chat.say", is_stream=False)
    assert str(caught.value) == (
        f"Chat.say is annotated to return {text}, which is no message: return list[{item}], which "
        f"is sent as one message, or send each value with `yield`, and annotate "
        f"AsyncIterator[{item}]"
    )


@pytest.mark.parametrize(
    ("returns", "text", "item"),
    [
        (int, "int", "int"),
        (None, "None", "None"),
        (Iterator[Say], "Iterator[tests.some_messages.Say]", "Say"),
        (list[int], "list[int]", "list[int]"),
        (NoReturn, "NoReturn", "NoReturn"),
    ],
)
def test_stream_that_is_annotated_as_none_is_an_error(returns: Any, text: str, item: str) -> None:
    """It says how to annotate it."""
    with pytest.raises(ConfigurationError) as caught:
        reply_of(returns, "Chat.say", is_stream=True)
    assert str(caught.value) == (
        f"Chat.say sends each value with `yield`, but is annotated to return {text}: annotate "
        f"AsyncIterator[{item}]"
    )
