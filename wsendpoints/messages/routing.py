"""Which handler gets which message."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import AfterValidator

from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.joining import takes_anything
from wsendpoints.messages.method import Handler, Method
from wsendpoints.messages.tags import clash, members
from wsendpoints.messages.unions import runtime_types
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Routed", "Routes", "rerouted", "route"]

Routes: TypeAlias = tuple[Handler, Mapping[type, Handler], Sequence[Any]]
"""The handler for messages of classes that are not in the table, the table from classes to
handlers, and the members of the inbound union."""


def route(where: str, methods: Sequence[Method], *, routed: bool) -> Routes:
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
            route = functools.partial(Routed, method.handler)
            union.append(Annotated[member, AfterValidator(route)])
            routes[Routed] = _handle_routed
    return _by_instance(routes), routes, union


def rerouted(
    on_message: Handler, handlers: Mapping[type, Handler], others: Mapping[Handler, Handler]
) -> tuple[Handler, Mapping[type, Handler]]:
    """Return the same routes, to other handlers.

    Args:
        on_message: The handler for messages of classes that are not in the table.
        handlers: The table from classes to handlers.
        others: What takes the place of a handler; those that are not in it stay.

    Returns:
        The first two, changed.
    """
    if on_message in others or not handlers:
        return others.get(on_message, on_message), handlers

    def handle_routed(endpoint: Any, websocket: Any, data: Routed) -> Any:
        return others.get(data.handler, data.handler)(endpoint, websocket, data.message)

    routes = {
        klass: handle_routed if handler is _handle_routed else others.get(handler, handler)
        for klass, handler in handlers.items()
    }
    return _by_instance(routes), routes


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


class Routed(NamedTuple):
    """A message with its handler."""

    handler: Handler
    message: Any


def _handle_routed(endpoint: Any, websocket: Any, data: Routed) -> Any:
    return data.handler(endpoint, websocket, data.message)
