"""Classes that can't be served, which shows only when they are mounted."""

import inspect

from wsendpoints.mistakes.body import method_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_mountable", "not_initialised"]


def check_mountable(cls: type) -> None:
    """Check what a decorator, or `abc`, does to a class after it is made.

    Raises:
        ConfigurationError: A method is abstract, or `dataclass` replaced `__init__`.
    """
    if inspect.isabstract(cls):
        abstract: frozenset[str] = vars(cls)["__abstractmethods__"]
        names = " and ".join(sorted(abstract))
        raise ConfigurationError(
            f"{cls.__qualname__} leaves {names} abstract: serve a subclass that defines it"
        )
    init = method_of("__init__", inspect.getattr_static(cls, "__init__"))
    if hasattr(cls, "__dataclass_fields__") and init is not None and not init.can_be_called(3):
        raise ConfigurationError(
            f"{cls.__qualname__} is a dataclass, whose __init__ does not take what an endpoint is "
            "made of: remove @dataclass. Without it too, an annotated attribute can be given to "
            "as_asgi, and `field(default_factory=...)` gives each connection a value of its own"
        )


def not_initialised(cls: type) -> ConfigurationError:
    """Return the error for an instance that the `__init__` of the library did not make."""
    return ConfigurationError(
        f"{cls.__qualname__}.__init__ does not call that of WebSocketEndpoint: begin it with "
        "`super().__init__(scope, receive, send)`"
    )
