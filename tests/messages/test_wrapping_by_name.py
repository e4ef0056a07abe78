"""What a method takes by name, beside what it is passed by position."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.messages.wrapping import (
    find,
    is_generator,
    message_parameters,
    taken_by_name,
    untaken,
)


def method(self: Any, websocket: Any, data: Any, one: Any, *, two: Any, three: int = 3) -> None:
    """Take some things by name."""


def passing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate with a function that passes on all."""

    @functools.wraps(function)
    def wrapper(*args: Any, **values: Any) -> Any:
        return function(*args, **values)

    return wrapper


def naming(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate with a function that takes one itself, and passes on the others."""

    @functools.wraps(function)
    def wrapper(self: Any, websocket: Any, data: Any, two: Any, **values: Any) -> Any:
        return function(self, websocket, data, two=two, **values)

    return wrapper


def dropping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate with a function that passes on what there is by position alone."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def hidden(self: Any, *args: Any, **values: Any) -> None:
    """Do not show what is taken."""


@pytest.mark.parametrize(
    ("it", "taken"),
    [
        pytest.param(method, ["one", "two"], id="function"),
        pytest.param(passing(method), ["one", "two"], id="decorated"),
        pytest.param(naming(method), ["two", "one"], id="taken on the way"),
        pytest.param(functools.partialmethod(method), ["one", "two"], id="partialmethod"),
        pytest.param(functools.partialmethod(method, two=2), ["one", "two"], id="with an argument"),
        pytest.param(hidden, [], id="hidden"),
        pytest.param(print, [], id="built-in"),
        pytest.param(type, [], id="without a signature"),
    ],
)
def test_names_are_found(it: Any, taken: list[str]) -> None:
    """In the order of the parameters."""
    assert taken_by_name(it, ["two", "one", "four"], 3) == taken


def test_what_does_not_show_takes_what_it_is_said_to_take() -> None:
    """Such as a mock that takes the place of a method."""
    assert taken_by_name(hidden, ["one", "two"], 3, ["two", "four"]) == ["two"]
    assert taken_by_name(method, ["one"], 3, ["four"]) == ["one"]


def test_what_is_not_passed_on_is_an_error() -> None:
    """If it has no default."""
    assert taken_by_name(dropping(method), ["three", "four"], 3) == []
    with pytest.raises(ConfigurationError) as caught:
        taken_by_name(dropping(method), ["two", "four"], 3)
    assert str(caught.value) == (
        "method(self: Any, websocket: Any, data: Any, one: Any, *, two: Any, three: int = 3) -> "
        "None takes two, but is wrapped in a function that does not pass it on: give that "
        "`**kwargs`"
    )


def test_name_of_one_of_the_first_is_an_error() -> None:
    """What it gets there would be in doubt."""
    with pytest.raises(ConfigurationError) as caught:
        taken_by_name(method, ["websocket"], 3)
    assert str(caught.value).endswith(
        " takes websocket, which is the name of a provider, where it gets the WebSocket or the "
        "message: declare it as (self, websocket, data, websocket), or give one of the two another "
        "name"
    )


def test_what_can_not_be_passed_by_name_is_an_error() -> None:
    """It says how it can."""

    def it(self: Any, one: Any, /) -> None: ...

    with pytest.raises(ConfigurationError, match="takes one by position alone, and what is prov"):
        taken_by_name(it, ["one"], 1)


def test_what_is_not_taken_is_found() -> None:
    """If it has no default, and Python passes `self`."""

    def positional(self: Any, one: Any, /, *args: Any, **values: Any) -> None: ...

    assert untaken(method, ["one"], 3) == ["two"]
    assert untaken(method, [], 1) == ["websocket", "data", "one", "two"]
    assert untaken(positional, [], 1) == ["one"]
    assert untaken(passing(method), [], 3) == []
    assert untaken(type, [], 1) == []


def test_message_is_found_beside_what_is_named() -> None:
    """In each layer."""
    names = ["one", "two"]
    for it in (method, passing(method), naming(method)):
        assert message_parameters(it, names)[-1] == (method, "data")
    with pytest.raises(ConfigurationError, match="takes one and two, which nothing provides"):
        message_parameters(method)


def test_generator_is_found_through_decorators() -> None:
    """One that is not async."""

    def generator(self: Any) -> Any:
        yield

    async def stream(self: Any) -> Any:
        yield

    assert is_generator(generator)
    assert is_generator(passing(generator))
    assert not is_generator(stream)
    assert not is_generator(method)


def test_attribute_is_found_where_it_is_inherited_from() -> None:
    """Not bound to anything."""

    class Base:
        it = staticmethod(method)

    class Sub(Base): ...

    assert find(Sub, "it") == (Base, vars(Base)["it"])
