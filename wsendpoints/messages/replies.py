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
from typing import Any, Final, get_args, get_origin

from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.substitution import is_union, union_of
from wsendpoints.messages.unions import name_of, without_alias
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["reply_of"]

_STREAMS: Final = frozenset({AsyncGenerator, AsyncIterable, AsyncIterator})
_AWAITABLES: Final = frozenset({Awaitable, Coroutine})
_ITERATORS: Final = frozenset({Generator, Iterator})


def reply_of(returns: Any, where: str, *, is_stream: bool) -> Any:
    """Return the type of what a handler sends; `MISSING` if it does not say.

    Args:
        returns: Its return annotation.
        where: The name of the handler, for the text of an error.
        is_stream: Whether it is an async generator, each value of which is sent.

    Raises:
        ConfigurationError: It can't return what it is annotated with.
    """
    if returns is MISSING:
        return Any if is_stream else MISSING
    if is_stream:
        return _item_of(returns, where)
    for part in _members(returns):
        kind = get_origin(part) or part
        said = f"{where} is annotated to return {_written(part)}"
        if kind in _STREAMS:
            raise ConfigurationError(
                f"{said}, but has no `yield`: send each value with `yield`, or annotate what it "
                "returns"
            )
        if kind in _AWAITABLES:
            result = _written(get_args(part)[-1]) if get_args(part) else "its result"
            raise ConfigurationError(
                f"{said}, which `async def` adds by itself: annotate what is sent, {result}"
            )
        if kind in _ITERATORS:
            item = _written(get_args(part)[0]) if get_args(part) else "..."
            raise ConfigurationError(
                f"{said}, which is no message: return list[{item}], which is sent as one message, "
                f"or send each value with `yield`, and annotate AsyncIterator[{item}]"
            )
    return returns


def _item_of(returns: Any, where: str) -> Any:
    members = _members(returns)
    streams = [it for it in members if (get_origin(it) or it) in _STREAMS]
    if streams:
        return union_of([next(iter(get_args(it)), Any) for it in streams])
    if Any in members or object in members:
        return Any
    iterator = next((it for it in members if get_origin(it) in _ITERATORS), None)
    item = _written(returns if iterator is None else get_args(iterator)[0])
    raise ConfigurationError(
        f"{where} sends each value with `yield`, but is annotated to return "
        f"{_written(returns)}: annotate AsyncIterator[{item}]"
    )


def _members(annotation: Any) -> list[Any]:
    annotation = without_alias(annotation)
    if is_union(annotation):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _written(annotation: Any) -> str:
    """Return an annotation as it is written in code, without the module of typing."""
    if annotation is None or annotation is type(None):
        return "None"
    return name_of(annotation).replace("typing.", "").replace("collections.abc.", "")
