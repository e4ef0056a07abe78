"""The body of an endpoint class, as the checks read it."""

import functools
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from wsendpoints import WebSocketEndpoint, provides
from wsendpoints.messages.methods import mark
from wsendpoints.mistakes.body import Body, Method, method_of, read_body


def body_of(**names: Any) -> Body:
    """Return the body of a class that the library has not checked."""
    return read_body(type("Chat", (), names), WebSocketEndpoint)


def test_body_has_what_the_class_says() -> None:
    """Magic names are not the user's."""

    def function(self: Any) -> None: ...

    @mark
    def said(self: Any, websocket: Any, data: Any) -> None: ...

    @provides
    async def session(self: Any) -> None: ...

    body = body_of(function=function, value=5, said=said, session=session)
    assert {name: body.own[name] for name in ("function", "value")} == {
        "function": function,
        "value": 5,
    }
    assert not any(name.startswith("__") for name in body.own)
    assert [method.name for method in body.methods] == ["function", "said", "session"]
    assert [*body.providers] == ["session"]
    assert body.hooks == [
        "on_connect",
        "on_receive",
        "on_disconnect",
        "on_error",
        "on_invalid",
        "on_gap",
    ]
    assert (body.where, [*body.handlers], body.is_open) == ("Chat", ["said"], False)


class Decorated:
    """A decorator that is a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)

    def __call__(self) -> None:
        """Do nothing."""


def wrapper_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that has another in a cell, as a decorator makes it."""

    def wrapper() -> Any:
        return wrapper, function

    return wrapper


def user(self: Any) -> Any:
    """Use a name."""
    return self.used


def setter(self: Any, value: Any) -> None:
    """Use a name."""
    self.used = value


def nested_user(self: Any) -> Any:
    """Use a name in a function within."""

    def within() -> Any:
        return self.used

    return within


USERS: dict[str, Any] = {
    "function": user,
    "static method": staticmethod(user),
    "class method": classmethod(user),
    "property": property(user),
    "setter": property(None, setter),
    "cached property": functools.cached_property(user),
    "partial method": functools.partialmethod(user),
    "partial": functools.partial(user),
    "nested": nested_user,
    "decorated by a function": wrapper_of(user),
    "decorated twice": wrapper_of(wrapper_of(user)),
    "decorated by a class": Decorated(user),
}


@pytest.mark.parametrize("value", USERS.values(), ids=[*USERS])
def test_name_that_code_uses_is_meant(value: Any) -> None:
    """However the code is there."""
    body = body_of(value=value)
    assert body.is_meant("used")
    assert not body.is_meant("unused")


def test_name_that_init_uses_is_meant() -> None:
    """Its own name is a magic one."""
    assert body_of(__init__=user).is_meant("used")


def test_name_that_is_put_together_is_meant() -> None:
    """Its beginning shows in the code."""

    def method(self: Any, kind: str) -> Any:
        return getattr(self, f"do_{kind}")

    body = body_of(method=method)
    assert body.is_meant("do_it")
    assert not body.is_meant("does_it")


def test_name_of_a_class_above_is_meant() -> None:
    """What is below it may be called as what it replaces."""

    class Base:
        attribute = 5

    assert read_body(type("Chat", (Base,), {}), WebSocketEndpoint).is_meant("attribute")


def test_value_that_has_two_names_is_meant() -> None:
    """It is used by the other one."""
    assert body_of(one=user, two=user).is_meant("one")
    assert not body_of(one=user).is_meant("one")


def kind(value: object) -> str:
    """Return how a test of a value is called."""
    return type(value).__name__


class Opaque:
    """A method that Python binds, and whose code can't be read."""

    def __call__(self) -> None:
        """Do nothing."""

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]:
        return self


OPAQUE: list[Any] = [Opaque(), staticmethod(print), classmethod(print)]


@pytest.mark.parametrize("value", OPAQUE, ids=kind)
def test_any_name_may_be_used_by_code_that_cannot_be_read(value: Any) -> None:
    """Such as that of an extension in C."""
    assert body_of(value=value).is_open
    assert body_of(value=value).is_meant("anything")


@pytest.mark.parametrize("value", [5, dict, None, "x", property(), print, Mock()], ids=kind)
def test_value_that_is_no_method_has_no_code(value: Any) -> None:
    """What is called without `self` uses none of its names."""
    assert not body_of(value=value).is_open


def test_cell_without_a_value_is_no_code() -> None:
    """A function may name what is not assigned yet."""

    def early() -> Any:
        return late

    assert not body_of(value=early).is_meant("used")
    late = 5


METHODS: list[tuple[str, str, list[str], set[int]]] = [
    ("self", "it(self)", [], {0}),
    ("self, a, b", "it(self, a, b)", ["a", "b"], {2}),
    ("self, a, b=5", "it(self, a, b)", ["a", "b"], {1, 2}),
    ("self, a, *more", "it(self, a, *more)", ["a"], {1, 2, 3}),
    ("*more", "it(*more)", [], {0, 1, 2, 3}),
    ("self, *, a", "it(self, *, a)", [], set()),
    ("self, *, a=5", "it(self, *, a)", [], {0}),
    ("self, *more, a", "it(self, *more, a)", [], set()),
    ("self, **more", "it(self)", [], {0}),
]


@pytest.mark.parametrize(("parameters", "text", "names", "counts"), METHODS)
def test_method_tells_how_it_is_called(
    parameters: str, text: str, names: list[str], counts: set[int]
) -> None:
    """Its parameters are read from its code: annotations are not resolved."""
    method = method_of("it", eval(f"lambda {parameters}: 0"))  # noqa: S307 - our own
    assert method is not None
    assert (str(method), [*method.parameters]) == (text, names)
    assert {count for count in range(4) if method.can_be_called(count)} == counts


def test_static_method_has_no_self() -> None:
    """All its parameters are given."""
    for value, expected in ((staticmethod(user), True), (classmethod(user), False)):
        method = method_of("it", value)
        assert isinstance(method, Method)
        assert method.can_be_called(1) is expected


async def coroutine_function() -> None:
    """Be async."""


async def async_generator() -> Any:
    """Be async."""
    yield


@pytest.mark.parametrize(
    ("function", "is_async"), [(user, False), (coroutine_function, True), (async_generator, True)]
)
def test_method_is_async_as_it_is_written(function: Callable[..., Any], is_async: bool) -> None:
    """Both kinds of async functions are."""
    method = method_of("it", function)
    assert method is not None
    assert method.is_async is is_async


def test_mark_is_that_of_handles() -> None:
    """Also below `staticmethod`."""

    def marked() -> None: ...

    mark(marked)
    for value in (marked, staticmethod(marked)):
        method = method_of("it", value)
        assert method is not None
        assert method.is_marked


@pytest.mark.parametrize("value", [5, print, dict, property(user), functools.partial(user)])
def test_any_other_value_is_no_method(value: Any) -> None:
    """It is not called as `def` says."""
    assert method_of("it", value) is None
