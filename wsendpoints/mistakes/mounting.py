"""Classes that can't be served, which shows only when they are mounted."""

import inspect

from wsendpoints.mistakes.signatures import check_init
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["check_mountable", "not_initialised", "not_servable"]


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
    check_init(cls)


def not_initialised(cls: type) -> ConfigurationError:
    """Return the error for an instance that the `__init__` of the library did not make."""
    return ConfigurationError(
        f"{cls.__qualname__}.__init__ does not call that of WebSocketEndpoint: begin it with "
        "`super().__init__(scope, receive, send)`"
    )


def not_servable(cls: type, open_variable: str | None) -> ConfigurationError:
    """Return the error for a class that is not compiled.

    Args:
        cls: The class.
        open_variable: The type variable for which it has no type; `None` for the base class.
    """
    if open_variable is None:
        return ConfigurationError("WebSocketEndpoint is abstract: serve a subclass of it")
    return ConfigurationError(
        f"{cls.__qualname__} leaves the type variable {open_variable} open: serve a "
        f"subclass of {cls.__qualname__}[...]"
    )
