"""What a decorated method shows of the function within."""

import functools
from collections.abc import AsyncIterator
from types import MethodType
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock

import pytest

from tests.messages.decorators import OF_HOOKS, OF_STREAMS
from wsendpoints import ConfigurationError
from wsendpoints.messages.wrapping import (
    Kind,
    annotated,
    annotations_of,
    held_by,
    kind_of,
    layers,
    message_parameters,
)


async def coroutine(self: Any, websocket: Any, data: int) -> str:
    """Is an async method."""
    raise NotImplementedError


async def stream(self: Any, websocket: Any, data: int) -> AsyncIterator[str]:
    """Is an async generator."""
    yield ""


def plain(self: Any, websocket: Any, data: int) -> str:
    """Is no async method."""
    raise NotImplementedError


def wrapping(wrapper: Any, wrapped: Any) -> Any:
    """Return a function that says that it wraps another one."""
    wrapper.__wrapped__ = wrapped
    return wrapper


def taking(parameters: str) -> Any:
    """Return a function that takes them, and does nothing."""
    scope: dict[str, Any] = {}
    exec(f"def function({parameters}): ...", scope)  # noqa: S102 - of texts in this file
    return scope["function"]


class Callable:
    """Is called as a function is."""

    async def __call__(self, websocket: Any, data: bytes) -> None:
        """Take a message."""


class Descriptor:
    """Has no parameters to be seen."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise NotImplementedError


class Getting(Callable):
    """Takes other arguments where it is bound."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        pytest.param(coroutine, Kind.COROUTINE, id="coroutine"),
        pytest.param(stream, Kind.STREAM, id="stream"),
        pytest.param(plain, Kind.NEITHER, id="function"),
        pytest.param(staticmethod(coroutine), Kind.COROUTINE, id="staticmethod"),
        pytest.param(classmethod(stream), Kind.STREAM, id="classmethod"),
        pytest.param(functools.partialmethod(coroutine), Kind.COROUTINE, id="partialmethod"),
        pytest.param(functools.partialmethod(plain), Kind.NEITHER, id="partialmethod of another"),
        pytest.param(Callable(), Kind.COROUTINE, id="instance"),
        pytest.param(Descriptor(), Kind.EITHER, id="descriptor"),
        pytest.param(property(taking("self")), Kind.EITHER, id="property"),
        pytest.param(print, Kind.EITHER, id="built-in"),
        pytest.param(AsyncMock(), Kind.COROUTINE, id="AsyncMock"),
        pytest.param(Mock(), Kind.NEITHER, id="Mock"),
        pytest.param(MagicMock(), Kind.NEITHER, id="MagicMock"),
        pytest.param(5, Kind.NEITHER, id="value"),
        pytest.param(None, Kind.NEITHER, id="None"),
        pytest.param(OF_HOOKS["function"](coroutine), Kind.EITHER, id="function around"),
        pytest.param(OF_HOOKS["async function"](coroutine), Kind.COROUTINE, id="coroutine around"),
        pytest.param(OF_STREAMS["async generator"](stream), Kind.STREAM, id="stream around"),
        pytest.param(
            OF_STREAMS["async function that returns it"](stream),
            Kind.EITHER,
            id="coroutine around a stream",
        ),
        pytest.param(wrapping(taking(""), plain), Kind.NEITHER, id="function around another"),
    ],
)
def test_kind_of_method(method: Any, kind: Kind) -> None:
    """What no layer shows, or what they contradict each other about, shows when it is called."""
    assert kind_of(method) is kind


def test_layers_end() -> None:
    """Even where functions wrap each other."""
    one, two = wrapping(taking(""), None), wrapping(taking(""), None)
    one.__wrapped__, two.__wrapped__ = two, one
    assert [*layers(one)] == [one, two]


def test_layers_of_a_bound_method() -> None:
    """They are those of its function."""
    function = OF_HOOKS["function"](coroutine)
    assert [*layers(MethodType(function, 5))][1:] == [coroutine]


def names_of(method: Any) -> list[str]:
    """Return the names of the parameter for the message, in each layer."""
    return [name for _, name in message_parameters(method)]


@pytest.mark.parametrize(
    ("method", "names"),
    [
        pytest.param(coroutine, ["data"], id="function"),
        pytest.param(taking("*args"), ["args"], id="star"),
        pytest.param(taking("self, ws, *more"), ["more"], id="star behind"),
        pytest.param(Callable(), ["data"], id="instance"),
        pytest.param(Callable().__call__, ["data"], id="bound method"),
        pytest.param(Descriptor(), [""], id="descriptor"),
        pytest.param(Getting(), [""], id="descriptor with other parameters"),
        pytest.param(AsyncMock(), ["args"], id="AsyncMock"),
        pytest.param(functools.partialmethod(coroutine), ["data", "data"], id="partialmethod"),
        pytest.param(
            functools.partialmethod(taking("self, a, ws, data"), 1),
            ["data", "data"],
            id="partialmethod with an argument",
        ),
        pytest.param(
            wrapping(taking("self, ws, message"), coroutine), ["message", "data"], id="third"
        ),
        pytest.param(
            wrapping(taking("self, ws, data"), taking("self, data")), ["data", "data"], id="by name"
        ),
        pytest.param(
            wrapping(taking("*args"), taking("self, ws, data, more")),
            ["args", "data"],
            id="one more, behind a star",
        ),
        pytest.param(
            wrapping(taking("*args"), taking("self, ws, data, *, more")),
            ["args", "data"],
            id="one more, by name",
        ),
        pytest.param(OF_HOOKS["proxy"](coroutine), ["", "data"], id="proxy"),
        pytest.param(wrapping(taking("*args"), print), ["args", "args"], id="built-in within"),
        pytest.param(wrapping(taking("*args"), Descriptor()), ["args", "args"], id="none within"),
    ],
)
def test_parameter_of_the_message(method: Any, names: list[str]) -> None:
    """It is found in each layer: by the same name, or as the third."""
    assert names_of(method) == names


@pytest.mark.parametrize(
    "within",
    [
        pytest.param(taking("self, ws, user, data"), id="one more"),
        pytest.param(taking("self, data"), id="one less"),
    ],
)
def test_parameter_that_does_not_show_is_an_error(within: Any) -> None:
    """To guess would be to validate the message as something else."""
    within.__qualname__ = "Chat.say"
    with pytest.raises(ConfigurationError) as caught:
        names_of(wrapping(taking("self, ws, message"), within))
    signature = "(self, ws, user, data)" if within.__code__.co_argcount == 4 else "(self, data)"
    assert str(caught.value) == (
        f"Chat.say{signature} is wrapped in a function that does not show which of the parameters "
        "is the message: give that the same name in both"
    )
    with pytest.raises(ConfigurationError, match="which of the parameters"):
        names_of(wrapping(taking("*args"), taking("self")))


def test_annotations_of_layers() -> None:
    """Those of an instance are those of the method that is called, unless it copies others."""
    assert annotations_of(coroutine)["data"] is int
    assert annotations_of(Callable())["data"] is bytes
    assert annotations_of(OF_HOOKS["instance"](coroutine))["data"] is int
    assert annotations_of(Callable().__call__)["data"] is bytes
    assert annotations_of(AsyncMock()) == {}
    assert annotations_of(Descriptor()) == {}
    odd = Mock(__annotations__=5)
    odd.__wrapped__ = coroutine
    assert annotations_of(odd) == {}
    assert annotated(Callable().__call__) is Callable.__call__


class Unbound:
    """Takes a message as a method does, but is not bound."""

    async def __call__(self, instance: Any, websocket: Any, data: int) -> None:
        """Take a message."""


class UnboundAround:
    """Calls what it wraps with what it is given, which is no instance."""

    def __init__(self) -> None:
        self.__wrapped__ = coroutine

    async def __call__(self, *args: Any) -> None:
        """Take a message."""


@pytest.mark.parametrize("kind", [Unbound, UnboundAround])
def test_instance_without_self_is_an_error(kind: Any) -> None:
    """Python passes none to it."""
    with pytest.raises(ConfigurationError) as caught:
        message_parameters(kind())
    name = kind.__name__
    assert str(caught.value) == (
        f"{name} is a {name}, to which Python passes no `self`: give {name} the method "
        "`__get__`, or decorate with a function"
    )


def test_function_with_other_parameters_is_an_error() -> None:
    """It is told how to declare it."""

    async def say(self: Any, data: int) -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        message_parameters(say)
    assert str(caught.value).endswith(
        "say(self: Any, data: int) -> None can't be called with a websocket and a message: "
        "declare it as (self, websocket, data)"
    )


def test_what_a_closure_holds() -> None:
    """A variable that is not assigned yet holds nothing."""

    def function() -> object:
        return held, later

    held = object()
    assert [*held_by(function)] == [held]
    later = held
    assert [*held_by(function)] == [held, later]
    assert [*held_by(test_what_a_closure_holds)] == []
