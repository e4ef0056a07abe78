"""The types of annotations that are strings, because of the future import."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Generic, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field

from tests.some_messages import Leave, Say
from wsendpoints import ConfigurationError, WebSocketEndpoint, handles
from wsendpoints.testing import connect

if TYPE_CHECKING:
    from decimal import Decimal

    from wsendpoints import WebSocket


T = TypeVar("T")
U = TypeVar("U")


async def answers_of(cls: type[WebSocketEndpoint], *messages: Any) -> list[Any]:
    """Return what an endpoint answers to messages."""
    async with connect(cls.as_asgi()) as client:
        answers: list[Any] = []
        for message in messages:
            await client.send_json(message)
            answers.append(await client.receive_json())
        return answers


class Plain(WebSocketEndpoint):
    """Names globals."""

    encoding = "json"

    async def on_receive(
        self,
        websocket: WebSocket,
        data: Optional[Say | Annotated[int, Field(gt=0)]],  # noqa: UP045 - as it may be written
    ) -> Say | str | None:
        """Give it back."""
        return "none" if data is None else data if isinstance(data, Say) else str(data)


@pytest.mark.anyio
async def test_globals() -> None:
    """A string may name any global of its module; `WebSocket` need not be one."""
    say = {"type": "say", "text": "hi"}
    assert await answers_of(Plain, say, 5, None) == [say, "5", "none"]


@pytest.mark.anyio
async def test_model_local_to_a_function() -> None:
    """An annotation may name what is defined in the function around the class."""

    class Local(BaseModel):
        number: int

    class Chat(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def one(self, websocket: WebSocket, data: Local) -> Local:
            return data

        @handles
        async def several(self, websocket: WebSocket, data: list[Local]) -> AsyncIterator[Local]:
            for one in data:
                yield one

    assert await answers_of(Chat, {"number": 1}, [{"number": 2}]) == [{"number": 1}, {"number": 2}]


@pytest.mark.anyio
async def test_model_local_to_the_class() -> None:
    """An annotation may name what is defined in the body of the class."""

    class Chat(WebSocketEndpoint):
        encoding = "json"

        class Local(BaseModel):
            number: int

        async def on_receive(self, websocket: WebSocket, data: Local) -> Local:
            return data

    assert await answers_of(Chat, {"number": 1}) == [{"number": 1}]


def make_base() -> type[WebSocketEndpoint]:
    """Return an endpoint with a message that is known only here."""

    class Local(BaseModel):
        number: int

    class Base(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Local) -> int:
            return data.number

    return Base


@pytest.mark.anyio
async def test_handler_is_inherited_with_a_local_type() -> None:
    """Types that were resolved for the base are kept for its subclasses."""
    base: Any = make_base()
    assert await answers_of(type("Sub", (base,), {}), {"number": 7}) == [7]


class Mixin:
    """A plain class with a handler."""

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> str:
        """Say goodbye."""
        return "bye"


class WithMixin(Mixin, WebSocketEndpoint):
    """Has its own handler, and a mixin's."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> str:
        """Give the text back."""
        return data.text


@pytest.mark.anyio
async def test_handler_of_a_mixin_that_is_a_plain_class() -> None:
    """A handler may be in a class that is not an endpoint."""
    say, leave = {"type": "say", "text": "hi"}, {"type": "leave"}
    assert await answers_of(WithMixin, say, leave) == ["hi", "bye"]


class Base(WebSocketEndpoint, Generic[T]):
    """Takes the messages that a subclass names."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: list[T]) -> T:
        """Give one back."""
        return data[0]


class Middle(Base[dict[str, U]], Generic[U]):
    """Passes on its own type variable."""


class Bottom(Middle[int]):
    """Binds it."""


@pytest.mark.anyio
async def test_type_variables_are_filled_in() -> None:
    """They get the types that the subclass names, two levels down."""
    first, error = await answers_of(Bottom, [{"a": 1}], [{"a": "x"}])
    assert first == {"a": 1}
    assert (error["errors"][0]["loc"], error["errors"][0]["type"]) == ([0], "int_parsing")
    with pytest.raises(ConfigurationError, match="Middle leaves the type variable U open"):
        Middle.as_asgi()


Method = Callable[..., Coroutine[Any, Any, Any]]


def logged(method: Method) -> Method:
    """Decorate as most decorators do."""

    @functools.wraps(method)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    return wrapper


@pytest.mark.anyio
async def test_decorated_handler_has_the_annotations_of_what_it_wraps() -> None:
    """A decorator that uses `functools.wraps` changes nothing."""

    class Chat(WebSocketEndpoint):
        encoding = "json"

        @logged
        async def on_receive(self, websocket: WebSocket, data: Say) -> str:
            return data.text

    assert await answers_of(Chat, {"type": "say", "text": "hi"}) == ["hi"]


def test_message_that_only_type_checkers_see_is_an_error() -> None:
    """The error says what to change."""
    with pytest.raises(ConfigurationError) as caught:

        class Chat(WebSocketEndpoint):  # pyright: ignore[reportUnusedClass]  # it can't be made
            encoding = "json"

            async def on_receive(self, websocket: WebSocket, data: dict[str, Decimal]) -> None: ...

    around = "test_message_that_only_type_checkers_see_is_an_error.<locals>"
    assert str(caught.value) == (
        f"{around}.Chat.on_receive: the annotation 'dict[str, Decimal]' names 'Decimal', which is "
        "not known where the class is made: define or import it before the class, and outside of "
        "`if TYPE_CHECKING`"
    )
