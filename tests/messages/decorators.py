"""Decorators of each kind that there is, for the methods of an endpoint."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from types import MethodType
from typing import Any, Final

__all__ = ["CALLS", "OF_COROUTINES", "OF_HOOKS", "OF_STREAMS"]

CALLS: Final[list[str]] = []
"""What decorators note of each call: the class of the instance that it is bound to."""


def plain(method: Any) -> Any:
    """Decorate with a function that is not async: it returns what it is given."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any) -> Any:
        CALLS.append(type(self).__name__)
        return method(self, *args)

    return wrapper


def twice(method: Any) -> Any:
    """Decorate with two of them."""
    return plain(plain(method))


def awaiting(method: Any) -> Any:
    """Decorate with an async function."""

    @functools.wraps(method)
    async def wrapper(self: Any, *args: Any) -> Any:
        CALLS.append(type(self).__name__)
        return await method(self, *args)

    return wrapper


def yielding(method: Any) -> Any:
    """Decorate with an async generator."""

    @functools.wraps(method)
    async def wrapper(self: Any, *args: Any) -> AsyncIterator[Any]:
        CALLS.append(type(self).__name__)
        async for reply in method(self, *args):
            yield reply

    return wrapper


def returning(method: Any) -> Any:
    """Decorate with an async function that returns the generator."""

    @functools.wraps(method)
    async def wrapper(self: Any, *args: Any) -> Any:
        CALLS.append(type(self).__name__)
        return method(self, *args)

    return wrapper


class Instance:
    """An instance of a class with an async `__call__`, which binds as functions do."""

    def __init__(self, method: Any) -> None:
        self.method = method
        functools.update_wrapper(self, method)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    async def __call__(self, instance: Any, *args: Any) -> Any:
        """Call the method."""
        CALLS.append(type(instance).__name__)
        result = self.method(instance, *args)
        return await result if inspect.isawaitable(result) else result


class Proxy:
    """A descriptor as wrapt's: it passes for the function, and returns another object if bound."""

    def __init__(self, wrapped: Any, instance: Any = None) -> None:
        self.__wrapped__ = wrapped
        self.instance = instance

    @property  # type: ignore[misc]  # as proxies do
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        """Pass for it."""
        return self.__wrapped__.__class__

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return Proxy(self.__wrapped__.__get__(instance, owner), instance)

    def __call__(self, *args: Any) -> Any:
        """Call the method; where it is not bound, it knows no instance."""
        CALLS.append(type(self.instance).__name__)
        return self.__wrapped__(*args)


class OnlyGet:
    """A descriptor that can't be called itself."""

    def __init__(self, method: Any) -> None:
        self.__wrapped__ = self.method = method
        self.__dict__ |= method.__dict__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        CALLS.append(type(instance).__name__)
        return functools.partial(self.method, instance)


class Compiled:
    """A function as Cython makes them: no Python function, and nothing shows that it is async."""

    def __init__(self, method: Any) -> None:
        self._method = method
        for name in ("__name__", "__qualname__", "__annotations__", "__globals__"):
            setattr(self, name, getattr(method, name))
        self.__dict__ |= method.__dict__
        self.__signature__ = inspect.signature(method)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        CALLS.append(type(instance).__name__)
        return MethodType(self._method, instance)

    # As with a type in C, what is found in the class is no Python function.
    __call__ = functools.partial(print)


def adding_last(method: Any) -> Any:
    """Pass one more argument, behind the others, whatever these are."""
    more = _like(method, _takes_user_last, _streams_for_user_last)

    @functools.wraps(more)
    def wrapper(self: Any, *args: Any) -> Any:
        CALLS.append(type(self).__name__)
        return more(self, *args, "ann")

    return wrapper


def adding_between(method: Any) -> Any:
    """Pass one more argument, before the message, which has the same name in both."""
    more = _like(method, _takes_user_first, _streams_for_user_first)

    @functools.wraps(more)
    def wrapper(self: Any, websocket: Any, data: Any) -> Any:
        CALLS.append(type(self).__name__)
        return more(self, websocket, "ann", data)

    return wrapper


def dropping(method: Any) -> Any:
    """Pass no WebSocket."""
    more = _like(method, _takes_no_websocket, _streams_without_websocket)

    @functools.wraps(more)
    def wrapper(self: Any, websocket: Any, data: Any) -> Any:
        CALLS.append(type(self).__name__)
        return more(self, data)

    return wrapper


def _like(method: Any, returns: Any, yields: Any) -> Any:
    """Return a method that takes other arguments, and calls this one."""
    more = (yields if inspect.isasyncgenfunction(method) else returns)(method)
    for name, annotation in method.__annotations__.items():
        more.__annotations__[name] = annotation
    more.__dict__.update(method.__dict__)
    return more


def _takes_user_last(method: Any) -> Any:
    async def more(self: Any, websocket: Any, data: Any, user: str) -> Any:
        assert user == "ann"
        return await method(self, websocket, data)

    return more


def _streams_for_user_last(method: Any) -> Any:
    async def more(self: Any, websocket: Any, data: Any, user: str) -> Any:
        assert user == "ann"
        async for reply in method(self, websocket, data):
            yield reply

    return more


def _takes_user_first(method: Any) -> Any:
    async def more(self: Any, websocket: Any, user: str, data: Any) -> Any:
        return await _takes_user_last(method)(self, websocket, data, user)

    return more


def _streams_for_user_first(method: Any) -> Any:
    async def more(self: Any, websocket: Any, user: str, data: Any) -> Any:
        async for reply in _streams_for_user_last(method)(self, websocket, data, user):
            yield reply

    return more


def _takes_no_websocket(method: Any) -> Any:
    async def more(self: Any, data: Any) -> Any:
        return await method(self, self.websocket, data)

    return more


def _streams_without_websocket(method: Any) -> Any:
    async def more(self: Any, data: Any) -> Any:
        async for reply in method(self, self.websocket, data):
            yield reply

    return more


def partial(method: Any) -> Any:
    """Pass one more argument, by its name."""

    def more(self: Any, websocket: Any, data: Any, *, user: str) -> Any:
        CALLS.append(type(self).__name__)
        assert user == "ann"
        return method(self, websocket, data)

    functools.update_wrapper(more, method)
    return functools.partialmethod(more, user="ann")


Decorator = Callable[[Any], Any]

_OF_ALL: Final[Mapping[str, Decorator]] = {
    "function": plain,
    "two functions": twice,
    "instance": Instance,
    "proxy": Proxy,
    "descriptor": OnlyGet,
    "compiled": Compiled,
}

_OF_MESSAGES: Final[Mapping[str, Decorator]] = {
    "one more argument": adding_last,
    "one more argument between": adding_between,
    "one argument less": dropping,
    "partialmethod": partial,
}

OF_HOOKS: Final[Mapping[str, Decorator]] = {**_OF_ALL, "async function": awaiting}
OF_COROUTINES: Final[Mapping[str, Decorator]] = {**OF_HOOKS, **_OF_MESSAGES}
OF_STREAMS: Final[Mapping[str, Decorator]] = {
    **_OF_ALL,
    **_OF_MESSAGES,
    "async generator": yielding,
    "async function that returns it": returning,
}
