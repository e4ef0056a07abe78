"""A decorator that is written without brackets."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, NewType, Optional
from unittest.mock import Mock

import pytest
from typing_extensions import TypeAliasType

from wsendpoints import ConfigurationError, handles
from wsendpoints.messages.brackets import is_method

Seconds = NewType("Seconds", int)
Alias = TypeAliasType("Alias", int)


async def method(self: Any, websocket: Any, data: int) -> None:
    """Handle a message."""


BRACKETS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((), {}, "()"),
    ((int,), {}, "(int)"),
    ((int, str), {}, "(int, str)"),
    ((int | str,), {}, "(int | str)"),
    ((Optional[int],), {}, "(typing.Optional[int])"),  # noqa: UP045 - as it may be written
    ((list[int],), {}, "(list[int])"),
    ((Literal["say"],), {}, "(typing.Literal['say'])"),
    ((Annotated[int, 5],), {}, "(int)"),
    ((Alias,), {}, "(Alias)"),
    (("say", "tell"), {}, "('say', 'tell')"),
    (("say", 5), {}, "('say', 5)"),
    ((print,), {"concurrent": True}, f"({print!r}, concurrent=...)"),
    ((int,), {"name": "say"}, "(int, name=...)"),
    ((print, print), {}, f"({print!r}, {print!r})"),
]


@pytest.mark.parametrize(("args", "options", "text"), BRACKETS)
def test_brackets_are_refused(args: tuple[Any, ...], options: dict[str, Any], text: str) -> None:
    """Whatever is in them; the error says what to write."""
    decorator: Any = handles
    with pytest.raises(ConfigurationError) as caught:
        decorator(*args, **options)
    assert str(caught.value) == (
        f"@handles{text} has brackets: write `@handles` alone, and annotate the last parameter of "
        "the method with the type of its message"
    )


def test_new_type_is_no_method() -> None:
    """It can be called, as a method can."""
    decorator: Any = handles
    with pytest.raises(ConfigurationError, match="has brackets"):
        decorator(Seconds)


class Descriptor:
    """A method that Python binds, and that can't be called by itself."""

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]:
        return method


@pytest.mark.parametrize(
    "it",
    [
        method,
        staticmethod(method),
        classmethod(method),
        functools.partial(method),
        functools.partialmethod(method),
        Mock(),
        Descriptor(),
    ],
    ids=lambda it: type(it).__name__,
)
def test_method_of_any_kind_is_one(it: Any) -> None:
    """Only what is certainly no method is none."""
    assert is_method(it)


def test_decorator_keeps_its_name() -> None:
    """And its signature, and its docstring."""
    assert handles.__name__ == "handles"
    assert [*inspect.signature(handles).parameters] == ["args", "given"]
    assert (handles.__doc__ or "").startswith("Mark a method as the handler")
