"""What the annotations of a handler mean, all of them strings by the future import."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field

from wsendpoints import ConfigurationError, WebSocketEndpoint, handles
from wsendpoints.testing import connect

if TYPE_CHECKING:
    from decimal import Decimal

    from wsendpoints import WebSocket


T = TypeVar("T")
U = TypeVar("U")


class Say(BaseModel):
    """A message."""

    type: Literal["say"] = "say"
    text: str


class Leave(BaseModel):
    """Another one."""

    type: Literal["leave"] = "leave"


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
    """A string may name anything in its module; `WebSocket` need not be there."""
    say = {"type": "say", "text": "hi"}
    assert await answers_of(Plain, say, 5, None) == [say, "5", "none"]


@pytest.mark.anyio
async def test_model_local_to_a_function() -> None:
    """A class may name what is defined around it, with every string resolved."""

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
    """A class may name what is defined in its body."""

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
    """What was resolved with the base stays so for its subclasses."""
    base: Any = make_base()
    assert await answers_of(type("Sub", (base,), {}), {"number": 7}) == [7]


class Mixin:
    """A plain class with a handler."""

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> str:
        """Say goodbye."""
        return "bye"


class Overriding(Mixin, WebSocketEndpoint):
    """Has a handler of its own, and a mixin's."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> str:
        """Give the text back."""
        return data.text


@pytest.mark.anyio
async def test_handler_of_a_mixin_that_is_a_plain_class() -> None:
    """It is a handler of the endpoint's."""
    say, leave = {"type": "say", "text": "hi"}, {"type": "leave"}
    assert await answers_of(Overriding, say, leave) == ["hi", "bye"]


class Base(WebSocketEndpoint, Generic[T]):
    """Takes what its subclasses say."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: list[T]) -> T:
        """Give one back."""
        return data[0]


class Middle(Base[dict[str, U]], Generic[U]):
    """Passes a variable of its own on."""


class Bottom(Middle[int]):
    """Binds it."""


@pytest.mark.anyio
async def test_type_variables_are_filled_in() -> None:
    """A generic base's variables stand for what its subclass gives them, two levels down."""
    first, error = await answers_of(Bottom, [{"a": 1}], [{"a": "x"}])
    assert first == {"a": 1}
    assert error["errors"][0]["loc"] == [0, "a"]
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
