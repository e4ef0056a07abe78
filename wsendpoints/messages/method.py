"""A method that handles messages, once it is read from a class."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from wsendpoints.messages.options import PLAIN, Options
from wsendpoints.messages.providers import Plan

__all__ = ["Handler", "Method", "running_beside"]

Handler: TypeAlias = Callable[[Any, Any, Any], Any]
"""Called with the endpoint, the WebSocket and the message; returns the coroutine of the reply."""


class Method(NamedTuple):
    """A method that handles messages, with the types of what it takes and sends.

    What it returns is that of an item, if it sends a stream of them.

    Attributes:
        beside: Of a concurrent method, the handler of a message that is handled alone, and what
            makes of that the handler proper.
    """

    name: str
    handler: Handler
    takes: Any
    returns: Any
    options: Options = PLAIN
    is_blocking: bool = False
    plan: Plan | None = None
    is_stream: bool = False
    beside: tuple[Handler, Callable[[Handler], Handler]] | None = None


def running_beside(method: Method, beside: Callable[[Handler], Handler]) -> Method:
    """Return a method that is concurrent.

    Args:
        method: The method, with the handler of a message that is handled alone.
        beside: Makes of that the handler that runs it beside the loop.
    """
    return method._replace(handler=beside(method.handler), beside=(method.handler, beside))
