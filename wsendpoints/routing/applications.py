"""What may be at a path of a router: an endpoint class, or an ASGI application."""

import inspect
from typing import Any, cast

from wsendpoints.application import Application
from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.routing.patterns import Pattern

__all__ = ["application_at", "check_parameters"]


def application_at(path: str, routed: Any) -> ASGIApp:
    """Return what is at a path as an application.

    Args:
        path: How the path is written, for the text of an error.
        routed: The endpoint class, or the application.

    Raises:
        ConfigurationError: It is neither, or a class that can't be served without more.
    """
    if isinstance(routed, type):
        if issubclass(routed, WebSocketEndpoint):
            return routed.as_asgi()
        raise ConfigurationError(
            f"at the path {path!r} is the class {routed.__qualname__}, which is no subclass of "
            "WebSocketEndpoint of wsendpoints: give one, or an ASGI application"
        )
    name: str = type(routed).__qualname__
    if isinstance(routed, WebSocketEndpoint):
        raise ConfigurationError(
            f"at the path {path!r} is an instance of {name}, and each connection has its own: give "
            f"the class, or `{name}.as_asgi(...)`"
        )
    if not callable(routed) or not _takes_three(routed):
        raise ConfigurationError(
            f"at the path {path!r} is {routed!r}, which is neither an endpoint class nor an ASGI "
            "application: that is called with scope, receive and send"
        )
    return cast("ASGIApp", routed)


def _takes_three(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None, None, None)
    except (TypeError, ValueError):
        return False
    return True


def check_parameters(pattern: Pattern, app: ASGIApp) -> None:
    """Check that an endpoint takes the parameters of its path.

    Raises:
        ConfigurationError: Its class forbids one of them.
    """
    if isinstance(app, Application):
        # Of a class; it has no public name, since all public names are the subclass's to use.
        app.endpoint._admission.check_path(pattern.text, pattern.parameters)
