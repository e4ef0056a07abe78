"""What an endpoint class declares: its handlers, and the messages that it takes and sends.

It is read and compiled when the class is made, which fails if the declaration has a mistake.
"""

import functools
import inspect
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Hashable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from pydantic import AfterValidator

from wsendpoints.messages.annotations import MISSING, check_bound, message_types
from wsendpoints.messages.codecs import CODECS, Codec, Encode
from wsendpoints.messages.generics import bind
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.joining import takes_anything
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.replies import reply_of
from wsendpoints.messages.substitution import union_of
from wsendpoints.messages.tags import clash, members
from wsendpoints.messages.unions import runtime_types
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Declaration", "Handler", "Stream", "declare", "is_marked", "mark"]

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "__wsendpoints_handles__"
_HOOKS: Final = ("on_connect", "on_disconnect", "on_invalid")

Handler: TypeAlias = Callable[[Any, Any, Any], Any]
"""Called with the endpoint, the WebSocket and the message; returns the coroutine of the reply."""

Stream: TypeAlias = Callable[[Any, Any, Any], AsyncGenerator[Any, None]]
"""Called with the same; returns the async generator of the replies."""


_Routes: TypeAlias = tuple[Handler, Mapping[type, Handler], Sequence[Any]]


def mark(method: F) -> F:
    """Mark a method as a handler, and return it: `wsendpoints.handles` for any callable."""
    # A static method is marked too, for an error that names the class, when the class is made.
    setattr(getattr(method, "__func__", method), _MARK, True)
    return method


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a class declares, compiled.

    Attributes:
        codec: How its messages are read from frames, and written into frames.
        inbound: The messages that it takes.
        outbound: The messages that it sends.
        encode: Its `outbound.encode`, bound once for all connections.
        handlers: The handlers, by the class of the message.
        on_message: The handler for messages of any other class.
        tag: The field that tells its messages apart, `"type"` if it has none.
        cleans_up: Whether it overrides `on_disconnect`.
        is_quiet: Whether the class has no code of its own that runs before the first message.
    """

    codec: Codec
    inbound: Inbound
    outbound: Outbound
    encode: Encode
    handlers: Mapping[type, Handler]
    on_message: Handler
    tag: str
    cleans_up: bool
    is_quiet: bool


class _Method(NamedTuple):
    """A method that handles messages, with the types of what it takes and sends."""

    name: str
    handler: Handler
    takes: Any
    returns: Any


def declare(
    cls: type, base: Any, encoding: object, sends: object, stream: Callable[[Stream], Handler]
) -> Declaration:
    """Read and compile what a class declares.

    Args:
        cls: The class.
        base: The class with the default hooks.
        encoding: The `encoding` of the class.
        sends: The `sends` of the class.
        stream: Returns the handler that sends what an async generator yields.

    Raises:
        ConfigurationError: The class is declared incorrectly.
        UnboundTypeVariable: The class is still generic.
    """
    where = cls.__qualname__
    codec = CODECS.get(encoding) if isinstance(encoding, Hashable) else None
    if codec is None:
        raise ConfigurationError(f"{where}: encoding is {encoding!r}: use {_encodings()}")
    for hook in _HOOKS:
        function = getattr(cls, hook)
        if not inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"{where}.{hook} is no async method: use `async def {hook}`")
    check_bound(cls, "params")
    methods = _handlers_of(cls, stream)
    receiver = _receiver_of(cls, base, stream)
    if methods and receiver is not None:
        raise ConfigurationError(
            f"{where} has both on_receive and methods marked with @handles "
            f"({', '.join(method.name for method in methods)}): use one of the two"
        )
    if receiver is not None:
        methods = [receiver]
    # Without handlers that of the base class takes every message, and ignores it.
    routes: _Routes = base.on_receive, {}, [Any]
    if methods:
        routes = _route(where, methods, routed=receiver is None)
    on_message, handlers, taken = routes
    inbound = Inbound(Any if Any in taken else union_of(taken), codec, where)
    if isinstance(sends, list | tuple | set | frozenset):
        sends = _union_of_all(cast("Collection[Any]", sends), where)
    if sends is not None:
        owner = next(klass for klass in cls.__mro__ if "sends" in vars(klass))
        sends = bind(sends, owner, cls, f"{where}.sends")
    outbound = Outbound(_sent(methods, sends), codec, where)
    return Declaration(
        codec=codec,
        inbound=inbound,
        outbound=outbound,
        encode=outbound.encode,
        handlers=handlers,
        on_message=on_message,
        tag=inbound.tag or outbound.tag or "type",
        cleans_up=not _inherits(cls, base, "on_disconnect"),
        is_quiet=_inherits(cls, base, "on_connect") and _inherits(cls, base, "__init__"),
    )


def _union_of_all(sends: Collection[Any], where: str) -> Any:
    if not sends:
        raise ConfigurationError(
            f"{where}.sends is empty: name what it sends, or leave `sends` out, and it may send "
            "anything"
        )
    return union_of([*sends])


def _encodings() -> str:
    *names, last = (f'"{name}"' if isinstance(name, str) else repr(name) for name in CODECS)
    return f"{', '.join(names)} or {last}"


def _handlers_of(cls: type, stream: Callable[[Stream], Handler]) -> list[_Method]:
    """Return the methods marked with `handles`, and the overrides of such methods."""
    names: dict[str, None] = {}
    for klass in reversed(cls.__mro__):
        for name, value in vars(klass).items():
            if is_marked(value):
                names[name] = None
    return [_read(cls, name, stream) for name in names if getattr(cls, name) is not None]


def is_marked(value: Any) -> bool:
    """Return whether a value in the body of a class is marked with `handles`."""
    if isinstance(value, staticmethod | classmethod):
        value = cast("Any", value).__func__
    # Not `hasattr`: a mock and a lazy proxy have every attribute.
    return inspect.getattr_static(value, _MARK, None) is True


def _receiver_of(cls: type, base: type, stream: Callable[[Stream], Handler]) -> _Method | None:
    if _inherits(cls, base, "on_receive") or getattr(cls, "on_receive", None) is None:
        return None
    return _read(cls, "on_receive", stream)


def _inherits(cls: type, base: type, name: str) -> bool:
    return getattr(cls, name) is getattr(base, name)


def _read(cls: type, name: str, stream: Callable[[Stream], Handler]) -> _Method:
    owner = next(klass for klass in cls.__mro__ if name in vars(klass))
    function: Any = vars(owner)[name]
    is_stream = inspect.isasyncgenfunction(function)
    is_async = is_stream or inspect.iscoroutinefunction(function)
    # Python 3.13 and later unwrap a partial method, whose parameters are not those of its function.
    if not is_async or isinstance(function, functools.partialmethod):
        raise ConfigurationError(
            f"{cls.__qualname__}.{name} is no async method: use `async def {name}(self, "
            "websocket, data)`"
        )
    takes, returns = message_types(function, owner, cls)
    returns = reply_of(returns, f"{cls.__qualname__}.{name}", is_stream=is_stream)
    handler = stream(function) if is_stream else function
    return _Method(name, handler, takes, returns)


def _sent(methods: Sequence[_Method], sends: object) -> list[Any]:
    """Return the types that a class declares to send; none if it declares nothing."""
    declared = [] if sends is None else [sends]
    declared.extend(it.returns for it in methods if it.returns is not MISSING)
    return declared


def _route(where: str, methods: Sequence[_Method], *, routed: bool) -> _Routes:
    """Decide which handler gets which message.

    Args:
        where: The name of the class.
        methods: The methods that handle messages.
        routed: Whether each method handles its own messages; if not, the only one handles all.

    Returns:
        The handler for messages of classes that are not in the table, the table from classes to
        handlers, and the members of the inbound union.
    """
    if not routed:
        takes = methods[0].takes
        return methods[0].handler, {}, [Any if takes is MISSING else takes]
    owners: list[tuple[Any, _Method]] = []
    for method in methods:
        if method.takes is MISSING or method.takes is Any:
            raise ConfigurationError(
                f"{where}.{method.name} does not say which message it handles: annotate its "
                "last parameter with a type"
            )
        owners.extend((member, method) for member in members(method.takes))
    _refuse_ambiguity(where, owners)

    classes = [runtime_types(member) for member, _ in owners]
    claims = Counter(klass for some in classes for klass in some or ())
    routes: dict[type, Handler] = {}
    union: list[Any] = []
    for (member, method), some in zip(owners, classes, strict=True):
        if some is not None and all(claims[klass] == 1 for klass in some):
            routes.update(dict.fromkeys(some, method.handler))
            union.append(member)
        else:
            # The class does not decide: several handlers may take dicts, or lists. So pydantic
            # wraps the message, together with the handler of the member that it matched.
            route = functools.partial(_Routed, method.handler)
            union.append(Annotated[member, AfterValidator(route)])
            routes[_Routed] = _handle_routed
    return _by_instance(routes), routes, union


def _refuse_ambiguity(where: str, owners: Sequence[tuple[Any, _Method]]) -> None:
    every = [member for member, _ in owners]
    anything = [takes_anything(member) for member in every]
    for number, (member, method) in enumerate(owners):
        for earlier, (other, rival) in enumerate(owners[:number]):
            what = clash(member, other, every)
            if anything[number] == anything[earlier]:
                what = what or anything[number]
            if what is not None and method is not rival:
                raise ConfigurationError(
                    f"{where}.{rival.name} and {where}.{method.name} both handle {what}: "
                    "take it from one of them"
                )


def _by_instance(routes: Mapping[type, Handler]) -> Handler:
    """Return a handler that finds the one for an instance of a subclass.

    A model's validator may return such an instance.
    """

    def on_message(endpoint: Any, websocket: Any, data: Any) -> Any:
        for klass, handler in routes.items():
            if isinstance(data, klass):
                return handler(endpoint, websocket, data)
        raise ConfigurationError(
            f"{type(endpoint).__qualname__}: a validator turned a message into a "
            f"{type(data).__name__}, which no handler takes"
        )

    return on_message


class _Routed(NamedTuple):
    """A message with its handler."""

    handler: Handler
    message: Any


def _handle_routed(endpoint: Any, websocket: Any, data: _Routed) -> Any:
    return data.handler(endpoint, websocket, data.message)
