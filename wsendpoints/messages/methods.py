"""The methods of an endpoint class, found as Python finds them, and how each is called.

A function of the class is called as it is, with nothing in between. What is decorated in a way that
Python has to bind, such as a descriptor or a mock, is looked up on the endpoint for each message.
"""

import functools
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from operator import attrgetter
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, get_args, get_origin

from wsendpoints.messages.annotations import MISSING, message_types
from wsendpoints.messages.blocking import check_blocking
from wsendpoints.messages.keys import KeyOf, key_reader
from wsendpoints.messages.method import Handler, Method, running_beside
from wsendpoints.messages.options import PLAIN, Options, Overlap
from wsendpoints.messages.providers import Plan, Provider, plan_of
from wsendpoints.messages.replies import reply_of
from wsendpoints.messages.wrapping import Kind, find, held_by, kind_of, layers
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "Adapters",
    "Look",
    "Stream",
    "check_callable",
    "check_hooks",
    "find",
    "handler_of",
    "is_marked",
    "looking_at",
    "mark",
    "names_of_marked",
    "options_of",
    "read",
    "read_reply",
]

F = TypeVar("F", bound=Callable[..., Any])

Stream: TypeAlias = Callable[[Any, Any, Any], AsyncGenerator[Any, None]]
"""Called with the same; returns the async generator of the replies."""

Look: TypeAlias = Callable[[], Any]
"""Returns what a class has now of what was compiled."""

_STREAMS: Final = frozenset({AsyncGenerator, AsyncIterable, AsyncIterator})
_AWAITABLES: Final = frozenset({Awaitable, Coroutine})

_MARK: Final = "__wsendpoints_handles__"
_HOOKS: Final = ("on_connect", "on_disconnect", "on_invalid", "on_error", "on_gap")
_COMPILED: Final = ("encoding", "sends", "correlation_id", "answers", "error_codes", "dialect")
"""What is compiled with a class, in addition to its handlers."""


class Adapters(NamedTuple):
    """What makes handlers of other methods than coroutine functions.

    Attributes:
        stream: Returns the handler that sends what an async generator yields.
        either: Returns the handler that awaits, or sends, whatever a method returns.
        blocking: Returns the handler that calls a method in a thread.
        providing: Returns the handler that opens what a method takes, and closes it in the end.
        correlating: Returns the handler whose reply has the id of the message.
        concurrent: Returns the handler that has another one run beside the loop, given that one,
            the name of its method, what tells the key of a message, and what a message does whose
            key is busy.
        answered: The handler of answers to questions of the server.
        calling: Returns the handler that answers a call by what another one returns, given that
            one, the name of its method, what makes a value of a result, and whether it is a stream.
        exchange: The handler of the records in a frame, in a class with a dialect.
    """

    stream: Callable[[Stream], Handler]
    either: Callable[[Handler], Handler]
    blocking: Callable[[Callable[..., Any]], Handler]
    providing: Callable[[Callable[..., Any], Kind, Plan], Handler]
    correlating: Callable[[Handler], Handler]
    concurrent: Callable[[Handler, str, KeyOf, Overlap | None], Handler]
    answered: Handler
    calling: Callable[[Handler, str, Any, bool], Handler]
    exchange: Handler


def looking_at(cls: Any, names: Iterable[str]) -> Look:
    """Return what looks at the attributes of a class that are compiled, so that a change shows.

    Args:
        cls: The class.
        names: Those of its handlers and providers, and of those that it had.
    """
    names = dict.fromkeys((*_COMPILED, *names))
    if isinstance(getattr(cls, "subprotocols", None), Mapping):
        # Their encodings are compiled; mere names are not.
        names["subprotocols"] = None
    # Some descriptors return another object each time, and others may be gone for a while.
    simple = [name for name in names if getattr(cls, name, None) is getattr(cls, name, _MARK)]
    others = [name for name in names if name not in simple]
    look = functools.partial(attrgetter(*simple), cls)
    return (lambda: (look(), *(_raw(cls, name) for name in others))) if others else look


def _raw(cls: type, name: str) -> Any:
    return next((vars(klass)[name] for klass in cls.__mro__ if name in vars(klass)), None)


def mark(method: F, options: Options = PLAIN) -> F:
    """Mark a method as a handler, and return it: `wsendpoints.handles` for any callable.

    Args:
        method: The method.
        options: How it runs.

    Raises:
        ConfigurationError: It takes no mark.
    """
    try:
        # A static method is marked too, for an error that names the class, when the class is made.
        setattr(getattr(method, "__func__", method), _MARK, options)
    except AttributeError:
        raise ConfigurationError(
            f"@handles can't mark a {type(method).__qualname__}, which takes no attributes: put "
            "it on the function itself, below other decorators"
        ) from None
    return method


def names_of_marked(cls: type) -> list[str]:
    """Return the names of the methods marked as handlers, whether or not an override is marked.

    Raises:
        ConfigurationError: A decorator hides the mark.
    """
    names: dict[str, None] = {}
    for klass in reversed(cls.__mro__):
        for name, value in vars(klass).items():
            if is_marked(value):
                names[name] = None
            elif _hides_mark(name, value):
                raise ConfigurationError(
                    f"{cls.__qualname__}.{name} is marked with @handles below a decorator that "
                    "hides it: use functools.wraps in that decorator, or put @handles on top"
                )
    return [*names]


def is_marked(value: Any) -> bool:
    """Return whether a value in the body of a class is marked with `handles`."""
    return _mark_of(value) is not None


def _mark_of(value: Any) -> Options | None:
    # Not `hasattr`: a mock and a lazy proxy have every attribute.
    marks = (inspect.getattr_static(layer, _MARK, None) for layer in layers(value))
    return next((found for found in marks if isinstance(found, Options)), None)


def options_of(cls: type, name: str, before: Options = PLAIN) -> Options:
    """Return how a handler runs: as the nearest class says that marks it.

    Args:
        cls: The class.
        name: The name of the method.
        before: What is returned where no class marks it any more, since a mock took its place.
    """
    marks = (_mark_of(vars(klass)[name]) for klass in cls.__mro__ if name in vars(klass))
    return next((found for found in marks if found is not None), before)


def _hides_mark(name: str, value: Any) -> bool:
    """Whether a function without the mark has hold of one of its own name that is marked."""
    if type(value) is not FunctionType:
        return False
    return any(
        type(within) is FunctionType and within.__name__ == name and is_marked(within)
        for within in held_by(value)
    )


def check_hooks(cls: type) -> None:
    """Check that hooks can be awaited, and that nothing is overridden that only Starlette has.

    Raises:
        ConfigurationError: One of them can't, or is.
    """
    where = cls.__qualname__
    for hook in _HOOKS:
        if kind_of(find(cls, hook)[1]) not in {Kind.COROUTINE, Kind.EITHER}:
            raise ConfigurationError(f"{where}.{hook} is no async method: use `async def {hook}`")
    for name, (arguments, advice) in _STARLETTE.items():
        method = getattr(cls, name, None)
        if method is None or kind_of(method) is not Kind.COROUTINE or is_marked(method):
            continue
        if _can_be_called(method, arguments):
            raise ConfigurationError(
                f"{where}.{name} is a hook of Starlette's, which is not called here: {advice}, or "
                "give it another name"
            )


def _can_be_called(method: Any, arguments: Sequence[None]) -> bool:
    try:
        inspect.signature(method).bind(*arguments)
    except (TypeError, ValueError):
        return False
    return True


_STARLETTE: Final[Mapping[str, tuple[Sequence[None], str]]] = {
    "dispatch": (
        (None,),
        "write what it does into on_connect, on_receive and on_disconnect",
    ),
    "decode": (
        (None, None, None),
        "set `encoding`, and annotate the message of on_receive, whose type may have validators",
    ),
}
"""Methods that Starlette's class calls, each with its arguments, and what takes its place."""


def read(
    cls: type,
    name: str,
    adapters: Adapters,
    providers: Mapping[str, Provider],
    before: Method | None = None,
    *,
    is_correlated: bool = False,
) -> Method:
    """Read a method that handles messages.

    Args:
        cls: The class.
        name: The name of the method.
        adapters: What makes a handler of it.
        providers: Those of the class.
        is_correlated: Whether its replies have the ids of the messages.
        before: What the class had under this name when it was compiled before. A mock that takes
            its place says nothing of its types, and keeps them.

    Raises:
        ConfigurationError: It is not async, or declared incorrectly.
        UnboundTypeVariable: The class is still generic.
    """
    owner, found = find(cls, name)
    kind = kind_of(found)
    is_blocking = check_callable(cls, name, found, kind, before, "(self, websocket, data)")
    plan = plan_of(cls, name, providers, before.plan if before else None)
    takes, returns = message_types(found, owner, cls, plan.takes if plan else ())
    if is_blocking:
        check_blocking(found, f"{cls.__qualname__}.{name}", returns)
    if before is not None and (takes is MISSING or takes is Any):
        takes = before.takes
    if before is not None and returns is MISSING:
        returns, is_stream = before.returns, before.is_stream
    else:
        returns, is_stream = read_reply(returns, kind, f"{cls.__qualname__}.{name}")
    function = found if type(found) is FunctionType else _bound(name)
    handler = handler_of(found, function, kind, adapters, plan)
    options = options_of(cls, name, PLAIN if before is None else before.options)
    if is_correlated:
        handler = adapters.correlating(handler)
    method = Method(name, handler, takes, returns, options, is_blocking, plan, is_stream)
    if not options.concurrent:
        return method
    key_of = key_reader(options, takes, f"{cls.__qualname__}.{name}")
    return running_beside(
        method, lambda handler: adapters.concurrent(handler, name, key_of, options.overlap)
    )


def check_callable(
    cls: type, name: str, found: Any, kind: Kind, before: Method | None, parameters: str
) -> bool:
    """Check that a method can be awaited, iterated over, or called in a thread.

    Args:
        cls: The class.
        name: The name of the method.
        found: The method, as it was found in a class.
        kind: What a call of it returns.
        before: What the class had under this name when it was compiled before.
        parameters: How it is to be declared.

    Returns:
        Whether it is to be called in a thread.

    Raises:
        ConfigurationError: It can't be called at all.
    """
    is_unbound = isinstance(found, staticmethod | classmethod | functools.partial)
    is_blocking = kind is Kind.NEITHER and _may_block(cls, name, found, before)
    if is_unbound or (kind is Kind.NEITHER and not is_blocking):
        raise ConfigurationError(
            f"{cls.__qualname__}.{name} is no async method: use `async def {name}{parameters}`"
        )
    return is_blocking


def read_reply(returns: Any, kind: Kind, where: str) -> tuple[Any, bool]:
    """Return the type of what a method sends, and whether it sends each of many.

    Args:
        returns: Its return annotation; `MISSING` if there is none.
        kind: What a call of it returns.
        where: The name of the method, for the text of an error.

    Raises:
        ConfigurationError: It can't return what it is annotated with.
    """
    is_stream = kind is Kind.STREAM
    if kind is Kind.EITHER:
        is_stream = (get_origin(returns) or returns) in _STREAMS
        if get_origin(returns) in _AWAITABLES:
            returns = get_args(returns)[-1]
    return reply_of(returns, where, is_stream=is_stream), is_stream


def _may_block(cls: type, name: str, found: Any, before: Method | None) -> bool:
    """Whether a method that is not async is meant to be called in a thread.

    An override counts as marked if what it overrides is such a method too.
    """
    if before is not None and before.is_blocking and callable(found):
        return True
    if name == "on_receive" or type(found) is not FunctionType:
        return False
    values = [vars(klass).get(name) for klass in cls.__mro__]
    return any(is_marked(value) and kind_of(value) is Kind.NEITHER for value in values)


def handler_of(
    found: Any, function: Callable[..., Any], kind: Kind, adapters: Adapters, plan: Plan | None
) -> Handler:
    """Return the handler that calls a method.

    Args:
        found: The method, as it was found in a class.
        function: Calls it with the endpoint, the WebSocket and the message, and by name with what
            is provided.
        kind: What a call of it returns.
        adapters: What makes handlers of other methods than coroutine functions.
        plan: What is to be done around it; `None` for nothing.
    """
    if type(found) is not FunctionType:
        kind = kind if kind is Kind.NEITHER else Kind.EITHER
    if plan is not None:
        return adapters.providing(function, kind, plan)
    if kind is Kind.STREAM:
        return adapters.stream(function)
    if kind is Kind.NEITHER:
        return adapters.blocking(function)
    return adapters.either(function) if kind is Kind.EITHER else function


def _bound(name: str) -> Callable[..., Any]:
    def handler(endpoint: Any, websocket: Any, data: Any, **values: Any) -> Any:
        return getattr(endpoint, name)(websocket, data, **values)

    return handler
