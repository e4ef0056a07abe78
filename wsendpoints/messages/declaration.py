"""What an endpoint class declares: its handlers, and the messages that it takes and sends.

It is read and compiled when the class is made, which fails if the declaration has a mistake.
"""

import functools
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple, TypeAlias, cast

from pydantic import AfterValidator

from wsendpoints.messages.annotations import MISSING, check_bound
from wsendpoints.messages.codecs import CODECS, Codec, Encode
from wsendpoints.messages.generics import bind
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.joining import takes_anything
from wsendpoints.messages.methods import (
    Adapters,
    Handler,
    Look,
    Method,
    Stream,
    check_hooks,
    find,
    looking_at,
    names_of_marked,
    read,
)
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.substitution import union_of
from wsendpoints.messages.tags import clash, members
from wsendpoints.messages.unions import runtime_types
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Adapters", "Declaration", "Handler", "Stream", "declare"]

_Routes: TypeAlias = tuple[Handler, Mapping[type, Handler], Sequence[Any]]


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
        methods: The methods that handle messages, by their names.
        look: Returns what its class has now of what was compiled ...
        compiled: ... what it had then ...
        seen: ... and what it had when it was served first; `()` until then, since a decorator of
            the class may have done more to it than shows in a look.
        compile_again: Compiles the class again, in place of this.
        original: What the class declared when it was made, if it was changed since.
        default_on_connect: What answers the handshake of a class that is quiet.
        default_on_disconnect: What cleans nothing up, and so need not be called.
        is_quiet: Whether the class has no code of its own that runs before the first message.
    """

    codec: Codec
    inbound: Inbound
    outbound: Outbound
    encode: Encode
    handlers: Mapping[type, Handler]
    on_message: Handler
    tag: str
    methods: Mapping[str, Method]
    look: Look
    compiled: Any
    seen: Any
    compile_again: "Callable[[Declaration], Declaration]"
    original: "Declaration | None"
    default_on_connect: Any
    default_on_disconnect: Any
    is_quiet: bool

    def current(self) -> "Declaration":
        """Return what the class declares now: a decorator of it, or a mock, may have changed it."""
        try:
            if self.look() == self.seen:
                return self
        except AttributeError:  # deleted
            pass
        return self.compile_again(self)

    def is_true_of(self, cls: type) -> bool:
        """Whether the class is as it was when it was compiled."""
        try:
            now = self.look()
        except AttributeError:  # deleted
            return False
        return now == self.compiled and all(
            name in self.methods or getattr(cls, name) is None for name in names_of_marked(cls)
        )

    def settled(self) -> "Declaration":
        """Return what holds for its class until a look shows a change."""
        return replace(self, seen=self.compiled)


def declare(
    cls: type,
    defaults: Mapping[str, Any],
    encoding: object,
    sends: object,
    adapters: Adapters,
    compile_again: Callable[[Declaration], Declaration],
    before: Declaration | None = None,
) -> Declaration:
    """Read and compile what a class declares.

    Args:
        cls: The class.
        defaults: The attributes of the class with the default hooks.
        encoding: The `encoding` of the class.
        sends: The `sends` of the class.
        adapters: What makes handlers of other methods than coroutine functions.
        compile_again: Called if the class was changed.
        before: What the class declared before it was changed.

    Raises:
        ConfigurationError: The class is declared incorrectly.
        UnboundTypeVariable: The class is still generic.
    """
    where = cls.__qualname__
    codec = CODECS.get(encoding) if isinstance(encoding, Hashable) else None
    if codec is None:
        raise ConfigurationError(f"{where}: encoding is {encoding!r}: use {_encodings()}")
    check_hooks(cls)
    if before is None:
        check_bound(cls, "params")
    original = before and (before.original or before)
    known: Mapping[str, Method] = original.methods if original else {}
    methods = [
        read(cls, name, adapters, known.get(name))
        for name in {**dict.fromkeys(known), **dict.fromkeys(names_of_marked(cls))}
        if name != "on_receive" and getattr(cls, name, None) is not None
    ]
    receiver = None
    if find(cls, "on_receive")[1] not in {defaults["on_receive"], None}:
        receiver = read(cls, "on_receive", adapters, known.get("on_receive"))
    if methods and receiver is not None:
        raise ConfigurationError(
            f"{where} has both on_receive and methods marked with @handles "
            f"({', '.join(method.name for method in methods)}): use one of the two"
        )
    if receiver is not None:
        methods = [receiver]
    # Without handlers that of the base class takes every message, and ignores it.
    routes: _Routes = defaults["on_receive"], {}, [Any]
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
    look = looking_at(cls, {**known, **{method.name: None for method in methods}})
    return Declaration(
        codec=codec,
        inbound=inbound,
        outbound=outbound,
        encode=outbound.encode,
        handlers=handlers,
        on_message=on_message,
        tag=inbound.tag or outbound.tag or "type",
        methods={method.name: method for method in methods},
        look=look,
        compiled=look(),
        seen=(),
        compile_again=compile_again,
        original=original,
        default_on_connect=defaults["on_connect"],
        default_on_disconnect=defaults["on_disconnect"],
        is_quiet=all(find(cls, name)[1] is defaults[name] for name in ("on_connect", "__init__")),
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


def _sent(methods: Sequence[Method], sends: object) -> list[Any]:
    """Return the types that a class declares to send; none if it declares nothing."""
    declared = [] if sends is None else [sends]
    declared.extend(it.returns for it in methods if it.returns is not MISSING)
    return declared


def _route(where: str, methods: Sequence[Method], *, routed: bool) -> _Routes:
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
    owners: list[tuple[Any, Method]] = []
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


def _refuse_ambiguity(where: str, owners: Sequence[tuple[Any, Method]]) -> None:
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
