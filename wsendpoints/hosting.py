"""An endpoint class as a function of a framework's, which gives it what it resolves."""

import inspect
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from inspect import Parameter
from typing import Any, Final, TypeAlias, final

from wsendpoints.application import ASGIConnection, check_not_accepted
from wsendpoints.attributes import Required, check_attributes, check_types, resolved_parameters
from wsendpoints.handshake.admission import check_subprotocols
from wsendpoints.handshake.origins import compile_origins
from wsendpoints.markers import Host
from wsendpoints.mistakes.mounting import check_mountable
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.limits import check_limits

__all__ = ["Hosted", "Route", "check_mounting", "described", "fastapi_route", "hosted_in"]

Route: TypeAlias = Callable[..., Coroutine[Any, Any, None]]
"""A function that a framework calls for each connection."""

_HOSTED: Final = "__wsendpoints__"
"""The attribute of such a function that leads to its endpoint."""


def check_mounting(
    cls: Any, attributes: Mapping[str, Any], required: Required, resolved: Collection[str] = ()
) -> None:
    """Check what an endpoint class is mounted with.

    Args:
        cls: The class.
        attributes: What is set on the endpoint of each connection.
        required: What the class requires.
        resolved: The names of what a framework resolves for each connection.

    Raises:
        ConfigurationError: The class does not take this, or requires more, or is abstract.
    """
    check_mountable(cls)
    check_attributes(cls, attributes, required, resolved)
    check_limits(attributes.get("limits", cls.limits), cls.__qualname__)
    compile_origins(attributes.get("allowed_origins"), cls.__qualname__)
    check_subprotocols(
        attributes.get("subprotocols", cls.subprotocols),
        cls.__qualname__,
        required=attributes.get("require_subprotocol", cls.require_subprotocol),
    )


@final
class Hosted:
    """An endpoint class in a framework that resolves attributes of it.

    Args:
        cls: The class. What is used of it has no public name: those are the subclass's.
        host: The framework.
        given: The attributes that are the same for all connections.

    Attributes:
        cls: The class.
        given: The attributes that are the same for all connections.
        parameters: What the framework resolves, as parameters of a function.

    Raises:
        ConfigurationError: As `check_mounting` raises; or the class can't be served, or the
            framework can't resolve what it requires.
    """

    __slots__ = ("cls", "given", "parameters")

    def __init__(self, cls: Any, host: Host, given: Mapping[str, Any]) -> None:
        cls._check_servable()
        required: Required = cls._required_attributes
        self.cls: Any = cls
        self.given: Mapping[str, Any] = given
        self.parameters: Sequence[Parameter] = resolved_parameters(cls, given, required, host)
        check_mounting(cls, given, required, [it.name for it in self.parameters])

    async def serve(self, websocket: ASGIConnection, resolved: Mapping[str, Any]) -> None:
        """Serve a connection.

        Args:
            websocket: The framework's WebSocket.
            resolved: What the framework resolved, by name.

        Raises:
            ConfigurationError: Something is no instance of what `Given` declares.
            InvalidStateError: It was accepted already, by what was resolved.
        """
        check_types(self.cls, resolved, self.cls._required_attributes)
        check_not_accepted(websocket, self.cls.__name__)
        attributes = {**self.given, **resolved}
        await self.cls._with(attributes, websocket.scope, websocket.receive, websocket.send)


def described(function: Route, hosted: Hosted, parameters: Sequence[Parameter]) -> Route:
    """Return a function with the name of a class, and the parameters that a framework reads.

    Args:
        function: The function.
        hosted: The endpoint class that it serves.
        parameters: All of its parameters.
    """
    vars(function)[_HOSTED] = hosted
    signature = inspect.Signature(parameters, return_annotation=None)
    vars(function)["__signature__"] = signature
    annotations = {it.name: it.annotation for it in parameters}
    function.__annotations__ = {**annotations, "return": None}
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(function, name, getattr(hosted.cls, name))
    return function


def hosted_in(function: object) -> Hosted | None:
    """Return the endpoint of a function that `described` returned; `None` for any other value."""
    hosted: object = getattr(function, _HOSTED, None)
    return hosted if isinstance(hosted, Hosted) else None


def fastapi_route(cls: type, given: Mapping[str, Any]) -> Route:
    """Return an endpoint class as a function for a route of FastAPI's.

    Args:
        cls: The class.
        given: The attributes that are the same for all connections.

    Raises:
        ConfigurationError: As for `Hosted`; or FastAPI is not installed.
    """
    hosted = Hosted(cls, "FastAPI", given)

    async def route(websocket: ASGIConnection, **resolved: Any) -> None:
        await hosted.serve(websocket, resolved)

    # FastAPI knows the parameter of its WebSocket by the class.
    kind = Parameter.POSITIONAL_OR_KEYWORD
    own = Parameter("websocket", kind, annotation=_starlette_websocket(cls))
    return described(route, hosted, [own, *hosted.parameters])


def _starlette_websocket(cls: type) -> type:
    try:
        from starlette.websockets import WebSocket
    except ImportError:
        raise ConfigurationError(
            f"{cls.__qualname__}.as_route() is for FastAPI, which is not installed: anything else "
            f"takes `{cls.__name__}.as_asgi()`"
        ) from None
    return WebSocket
