"""Methods that can't be called with the arguments that they get."""

from typing import Any, Final

from typing_extensions import Format, get_annotations

from wsendpoints.mistakes.body import Body, Method, method_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_init", "check_order", "check_signatures"]

_WEBSOCKET_NAMES: Final = frozenset({"socket", "websocket", "ws"})


def check_signatures(body: Body) -> None:
    """Check that the hooks can be called.

    Those that get a message are checked where its annotation is read, and those that are not async
    where they are compiled.

    Raises:
        ConfigurationError: A hook takes other arguments.
    """
    for name in body.hooks:
        method = method_of(name, vars(_owner_of(name, body.cls))[name])
        usual = method_of(name, vars(body.base)[name])
        if method is None or usual is None or name == "on_receive" or not method.is_async:
            continue
        arguments = usual.parameters
        if not method.can_be_called(len(arguments)):
            raise ConfigurationError(
                f"{body.where}.{method} is called with {' and '.join(arguments)}: declare it as "
                f"`async def {usual}`"
            )


def check_order(body: Body) -> None:
    """Check that the WebSocket is the first argument of hooks and handlers.

    Raises:
        ConfigurationError: It is the second one.
    """
    for method in body.methods:
        if method.name not in body.hooks and method.name not in body.handlers:
            continue
        match method.parameters:
            case (first, second, *_) if _is_websocket(method, second):
                if not _is_websocket(method, first):
                    raise ConfigurationError(
                        f"{body.where}.{method} gets the WebSocket as its first argument: declare "
                        f"it as `async def {method.name}(self, {second}, {first})`"
                    )
            case _:
                pass


def _is_websocket(method: Method, parameter: str) -> bool:
    """Whether a parameter is meant for a WebSocket, by its annotation, or else by its name."""
    annotations = get_annotations(method.function, format=Format.FORWARDREF)
    if parameter not in annotations:
        return parameter in _WEBSOCKET_NAMES
    annotation: Any = annotations[parameter]
    if isinstance(annotation, type):
        return any(klass.__name__ == "WebSocket" for klass in annotation.__mro__)
    text = str(getattr(annotation, "__forward_arg__", annotation))
    return text.partition("[")[0].rpartition(".")[2] == "WebSocket"


def check_init(cls: type) -> None:
    """Check that an instance can be made for a connection.

    Raises:
        ConfigurationError: `__init__` takes other arguments.
    """
    where, owner = cls.__qualname__, _owner_of("__init__", cls)
    method = method_of("__init__", vars(owner)["__init__"])
    if method is None or method.can_be_called(3):
        return
    if "__dataclass_params__" in vars(owner):
        raise ConfigurationError(
            f"{where} is a dataclass, whose __init__ does not take what an endpoint is made of: "
            "remove @dataclass. Without it too, an annotated attribute can be given to as_asgi, "
            "and `field(default_factory=...)` gives each connection a value of its own"
        )
    raise ConfigurationError(
        f"{where}.{method} is called for each connection, with scope, receive and send: remove it, "
        "and annotate what comes from where the class is mounted, such as `db: Given[DB]`, which "
        f"`{cls.__name__}.as_asgi(db=...)` sets"
    )


def _owner_of(name: str, cls: type) -> type:
    return next(klass for klass in cls.__mro__ if name in vars(klass))
