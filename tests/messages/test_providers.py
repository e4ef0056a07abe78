"""Providers are read and checked when the class is made, in whatever way it comes by them."""

import functools
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, TypeVar
from unittest.mock import AsyncMock, patch

import pytest

from tests.some_messages import Leave, Said, Say
from wsendpoints import (
    ConfigurationError,
    WebSocket,
    WebSocketEndpoint,
    handles,
    provides,
)
from wsendpoints.messages.providers import (
    is_provider,
    mark_provider,
    names_of_providers,
    plan_of,
    read_providers,
)
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

T = TypeVar("T")


async def value(self: Any) -> str:
    """Provide a value."""
    return "value"


async def generator(self: Any) -> AsyncGenerator[str]:
    """Provide another."""
    yield "generator"


def plain(self: Any) -> str:
    """Be no async method."""
    return "plain"


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate as most decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        return function(*args, **values)

    return wrapper


def undecorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Leave it as it is."""
    return function


def make(handler: Any = None, **methods: Any) -> Any:
    """Return the class `Chat` with a handler, and methods of which all are providers."""
    marked = {name: it if is_provider(it) else provides(it) for name, it in methods.items()}
    if handler is not None:
        marked["say"] = handles(handler)
    return type("Chat", (WebSocketEndpoint,), {"encoding": "json", **marked})


def order_of(cls: Any, handler: str = "say") -> list[str]:
    """Return the names of what is opened for a handler."""
    plan = plan_of(cls, handler, read_providers(cls, {}))
    return [] if plan is None else [provider.name for provider in plan.opened]


async def answer_of(cls: Any, message: Any = None) -> Any:
    """Return what an endpoint answers."""
    async with connect(cls.as_asgi()) as client:
        await client.send(message or Say(text="x"))
        return await client.receive_json()


# The mark.


def test_mark_is_found_through_decorators() -> None:
    """The method itself is returned."""

    async def it(self: Any) -> None: ...

    assert not is_provider(it)
    assert mark_provider(it, always=False) is it
    for marked in (it, logged(it), staticmethod(it), functools.partialmethod(it)):
        assert is_provider(marked)
    assert not is_provider(AsyncMock())


def test_what_takes_no_mark_is_an_error() -> None:
    """It says where to put it."""

    class Slotted:
        __slots__ = ()

        async def __call__(self) -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        mark_provider(Slotted(), always=False)
    assert str(caught.value) == (
        f"@provides can't mark a {Slotted.__qualname__}, which takes no attributes: put it on the "
        "function itself, below other decorators"
    )


def test_decorator_that_hides_the_mark_is_an_error() -> None:
    """The provider would be none."""

    def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapper(self: Any) -> Any:
            return await function(self)

        return wrapper

    async def it(self: Any) -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"it": hiding(provides(it))})
    assert str(caught.value) == (
        "Chat.it is marked with @provides below a decorator that hides it: use functools.wraps in "
        "that decorator, or put @provides on top"
    )


def test_marks_are_inherited() -> None:
    """An override counts as marked; its own mark has precedence."""

    class Base:
        @provides(always=True)
        async def first(self) -> None: ...

        @provides(always=True)
        async def second(self) -> None: ...

    class Sub(Base):
        async def first(self) -> None: ...

        @provides
        async def second(self) -> None: ...

    assert names_of_providers(Base) == {"first": True, "second": True}
    assert names_of_providers(Sub) == {"first": True, "second": False}


# The order.


def test_order_is_that_of_the_parameters() -> None:
    """Each comes after what it takes, and what is always opened comes first."""

    async def a(self: Any) -> None: ...
    async def b(self: Any, a: Any, data: Any) -> None: ...
    async def c(self: Any, *, b: Any, websocket: Any, a: Any) -> None: ...
    async def d(self: Any) -> None: ...
    async def unused(self: Any) -> None: ...

    async def say(self: Any, websocket: Any, data: Say, c: Any, d: Any) -> None: ...

    async def leave(self: Any, websocket: Any, data: Leave) -> None: ...

    sub = make(say, a=a, b=b, c=c, unused=unused, d=provides(always=True)(d))
    sub.leave = handles(leave)
    assert order_of(sub) == ["d", "a", "b", "c"]
    assert order_of(sub, "leave") == ["d"]


def test_class_without_providers_has_no_plan() -> None:
    """Nor has a handler that takes none: the method itself is the handler."""

    async def say(self: Any, websocket: Any, data: Say, extra: int = 1) -> None: ...

    for cls in (make(say), make(say, value=value)):
        assert order_of(cls) == []
        assert cls._declaration.methods["say"].handler is say


# What takes one.


async def session(self: Any, websocket: Any, data: Say, session: str) -> Said:
    """Take one."""
    return Said(text=session)


async def keyword(self: Any, websocket: Any, data: Say, *, session: str, more: int = 1) -> Said:
    """Take one by name alone."""
    return Said(text=session)


async def default(self: Any, websocket: Any, data: Say, more: int = 1, session: str = "") -> Said:
    """Take one that it could do without."""
    return Said(text=session)


async def stream(self: Any, websocket: Any, data: Say, session: str) -> AsyncIterator[Said]:
    """Take one for a stream."""
    yield Said(text=session)


@pytest.mark.parametrize("decorate", [undecorated, logged], ids=["as it is", "decorated"])
@pytest.mark.parametrize("provider", [value, generator, asynccontextmanager(generator)])
@pytest.mark.parametrize("handler", [session, keyword, default, stream])
async def test_handler_takes_it_by_name(handler: Any, provider: Any, decorate: Any) -> None:
    """Its message is found as it is without."""
    cls = make(decorate(handler), session=decorate(provider))
    name = provider.__name__
    assert await answer_of(cls) == {"type": "said", "text": name}
    assert cls._declaration.methods["say"].takes is Say


async def test_provider_takes_what_the_handler_gets() -> None:
    """And other providers, of which each is made once."""
    made: list[str] = []

    class Chat(WebSocketEndpoint):
        encoding = "json"

        @provides
        async def a(self, websocket: WebSocket, data: Say) -> str:
            assert websocket is self.websocket
            made.append("a")
            return data.text

        @provides
        async def b(self, a: str, default: int = 5) -> str:
            return f"{a} {default}"

        async def on_receive(
            self, websocket: WebSocket, data: Say, a: str = "", b: str = ""
        ) -> str:
            return f"{a} {b}"

    assert await answer_of(Chat) == "x x 5"
    assert made == ["a"]


async def test_classes_may_have_them_from_anywhere() -> None:
    """From a mixin, a generic class, or a base, and may override and remove them."""

    class Mixin:
        @provides
        async def session(self) -> str:
            return "mixin"

    class Base(WebSocketEndpoint, Generic[T]):
        encoding = "json"

        @provides
        @abstractmethod
        async def session(self) -> str: ...

        @handles
        async def say(self, websocket: WebSocket, data: T, session: str = "none") -> Said:
            return Said(text=session)

    class Mixed(Mixin, Base[Say]): ...

    class Overriding(Mixed):
        async def session(self) -> str:
            return f"not {await super().session()}"

    class Removing(Mixed):
        session = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    class OtherHandler(Mixed):
        async def say(self, websocket: WebSocket, data: Say, session: str = "none") -> Said:
            return Said(text=f"other {session}")

    assert (await answer_of(Mixed))["text"] == "mixin"
    assert (await answer_of(Overriding))["text"] == "not mixin"
    assert (await answer_of(Removing))["text"] == "none"
    assert (await answer_of(OtherHandler))["text"] == "other mixin"


async def test_mock_takes_the_place_of_either() -> None:
    """For the connections that are made from then on; a mock of a handler takes the same."""
    cls = make(session, session=value)
    with patch.object(cls, "session", AsyncMock(return_value="mocked")) as mocked:
        assert await answer_of(cls) == {"type": "said", "text": "mocked"}
        mocked.assert_awaited_once_with()
    with patch.object(cls, "say", AsyncMock(return_value=Said())) as mocked:
        await answer_of(cls)
        assert mocked.await_args is not None
        assert mocked.await_args.kwargs == {"session": "value"}
    assert await answer_of(cls) == {"type": "said", "text": "value"}

    async def other(self: Any, websocket: Any, data: Say) -> Said:
        return Said(text="other")

    with patch.object(cls, "say", other):
        assert await answer_of(cls) == {"type": "said", "text": "other"}


async def test_provider_may_be_added_by_a_decorator_of_the_class() -> None:
    """What is changed before the class is served counts."""
    cls = make(default)
    cls.session = provides(logged(value))
    assert await answer_of(cls) == {"type": "said", "text": "value"}


# Mistakes.


def with_parameters(*names: str, positional_only: str = "") -> Any:
    """Return an async method with some parameters."""
    lines = ", ".join(("self", *names))
    if positional_only:
        lines = f"self, {positional_only}, /"
    scope: dict[str, Any] = {}
    exec(f"async def method({lines}): ...", scope)  # noqa: S102 - our own
    return scope["method"]


PROVIDERS: Final = {
    "unknown": (
        {"it": with_parameters("pool")},
        (
            "Chat.it takes pool, which nothing provides: a provider may take websocket, data, and "
            "other methods that are marked with @provides, or give the parameter a default"
        ),
    ),
    "keyword": (
        {"it": with_parameters("*", "pool")},
        (
            "Chat.it takes pool, which nothing provides: a provider may take websocket, data, and "
            "other methods that are marked with @provides, or give the parameter a default"
        ),
    ),
    "itself": (
        {"it": with_parameters("it")},
        "Chat.it can't be opened before itself: it takes it",
    ),
    "circle": (
        {
            "a": with_parameters("b"),
            "b": with_parameters("c"),
            "c": with_parameters("data", "b"),
        },
        "Chat.b can't be opened before itself: b takes c takes b",
    ),
    "data": (
        {"data": with_parameters()},
        (
            "Chat.data is marked with @provides, but as `data` a provider takes what the handler "
            "gets: give it another name"
        ),
    ),
    "plain": (
        {"it": plain},
        (
            "Chat.it is marked with @provides, and is no async method: use `async def it(self)`, "
            "with `yield` in front of what closes it, or without"
        ),
    ),
    "static": (
        {"it": staticmethod(with_parameters())},
        (
            "Chat.it is marked with @provides, and is no async method: use `async def it(self)`, "
            "with `yield` in front of what closes it, or without"
        ),
    ),
    "by position": (
        {"a": with_parameters(), "it": with_parameters(positional_only="a")},
        (
            "method(self, a, /) takes a by position alone, and what is provided is passed by name: "
            "move it behind the `/`"
        ),
    ),
    "not passed on": (
        {"a": with_parameters(), "it": functools.wraps(with_parameters("a"))(with_parameters())},
        (
            "method(self, a) takes a, but is wrapped in a function that does not pass it on: give "
            "that `**kwargs`"
        ),
    ),
}


@pytest.mark.parametrize(("methods", "error"), PROVIDERS.values(), ids=PROVIDERS)
def test_provider_with_a_mistake_is_an_error(methods: dict[str, Any], error: str) -> None:
    """When the class is made, whether or not a handler takes it."""
    with pytest.raises(ConfigurationError) as caught:
        make(**methods)
    assert str(caught.value) == error


HANDLERS: Final = {
    "unknown": (
        with_parameters("websocket", "data", "pool"),
        (
            "method(self, websocket, data, pool) takes pool, which nothing provides: mark a method "
            "of that name with @provides, or give the parameter a default"
        ),
    ),
    "two": (
        with_parameters("websocket", "data", "pool", "*", "it", "more"),
        (
            "method(self, websocket, data, pool, *, it, more) takes pool and more, which nothing "
            "provides: mark a method of that name with @provides, or give the parameter a default"
        ),
    ),
    "in front": (
        with_parameters("websocket", "it", "data"),
        (
            "method(self, websocket, it, data) takes it, which is the name of a provider, where it "
            "gets the WebSocket or the message: declare it as (self, websocket, data, it), or give "
            "one of the two another name"
        ),
    ),
    "missing message": (
        with_parameters("websocket", "*", "it"),
        (
            "method(self, websocket, *, it) can't be called with a websocket and a message: "
            "declare it as (self, websocket, data)"
        ),
    ),
    "by position": (
        with_parameters(positional_only="websocket, data, it"),
        (
            "method(self, websocket, data, it, /) takes it by position alone, and what is provided "
            "is passed by name: move it behind the `/`"
        ),
    ),
    "not passed on": (
        functools.wraps(with_parameters("websocket", "data", "it"))(
            with_parameters("websocket", "data")
        ),
        (
            "method(self, websocket, data, it) takes it, but is wrapped in a function that does "
            "not pass it on: give that `**kwargs`"
        ),
    ),
}


@pytest.mark.parametrize(("method", "error"), HANDLERS.values(), ids=HANDLERS)
def test_handler_with_a_mistake_is_an_error(method: Any, error: str) -> None:
    """When the class is made."""
    with pytest.raises(ConfigurationError) as caught:
        make(method, it=with_parameters())
    assert str(caught.value) == error


async def test_decorator_may_pass_what_no_class_provides() -> None:
    """As it could before."""

    def with_user(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        async def wrapper(self: Any, websocket: Any, data: Any) -> Any:
            return await function(self, websocket, data, user="Ada")

        return wrapper

    async def say(self: Any, websocket: Any, data: Say, user: str) -> Said:
        return Said(text=user)

    assert (await answer_of(make(with_user(say), session=value)))["text"] == "Ada"
