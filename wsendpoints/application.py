"""An endpoint as an ASGI application: the one form that every host takes.

Some hosts recognise an application by its signature: it must be an object with an `async def
__call__`, whose parameters have these names and are annotated.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Protocol, TypeAlias, final

from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send
from wsendpoints.protocol.exceptions import ConfigurationError, InvalidStateError

__all__ = ["ASGIConnection", "Application", "OwnScope", "check_not_accepted"]


class _NoParameter:
    """Raises where the argument of an application is taken for what a client sends.

    FastAPI takes any callable for a route, and would have clients send `scope` as a body. That
    none can is what they would be told; pydantic asks here, while the route is made.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        raise ConfigurationError(
            "a route of FastAPI's takes no endpoint class, and no ASGI application: write "
            "`app.websocket(path)(Chat.as_route())`, or `app.mount(path, Chat.as_asgi())`"
        )


OwnScope: TypeAlias = Annotated[Scope, _NoParameter()]
"""The scope that an ASGI server calls with."""


class ASGIConnection(Protocol):
    """A framework's own WebSocket: Starlette's, FastAPI's, Litestar's, or this library's."""

    @property
    def scope(self) -> Any:
        """The ASGI scope."""
        ...

    @property
    def receive(self) -> Callable[[], Awaitable[Any]]:
        """Waits for the next raw ASGI event."""
        ...

    @property
    def send(self) -> Callable[..., Awaitable[None]]:
        """Sends a raw ASGI event."""
        ...


def check_not_accepted(websocket: ASGIConnection, name: str) -> None:
    """Check that a framework's function leaves the handshake to an endpoint.

    Args:
        websocket: The framework's WebSocket.
        name: The name of the endpoint's class, for the text of the error.

    Raises:
        InvalidStateError: It was accepted already.
    """
    # Starlette's name for it, and ours.
    for state in ("application_state", "connection_state"):
        if getattr(getattr(websocket, state, None), "name", None) in {"CONNECTED", "OPEN"}:
            raise InvalidStateError(
                f"the connection was accepted already: leave that to on_connect of {name}"
            )


@final
class Application:
    """What `WebSocketEndpoint.as_asgi` returns.

    It also answers what else a server asks of an application: `lifespan`, and `http` with 426
    (RFC 9110, section 15.5.22). It can be pickled if its class can be imported by name, and if the
    attributes that are set on it can be pickled.

    Args:
        serve: Serves the scopes of WebSockets.
        endpoint: The class whose connections these are.
        attributes: What is set on the endpoint of each.

    Attributes:
        endpoint: The class.
        attributes: What was given to `as_asgi`, by name.
    """

    __slots__ = ("__name__", "_serve", "attributes", "endpoint")

    def __init__(self, serve: ASGIApp, endpoint: type[Any], attributes: Mapping[str, Any]) -> None:
        self._serve = serve
        self.__name__: str = endpoint.__name__
        self.endpoint: type[Any] = endpoint
        self.attributes: Mapping[str, Any] = attributes

    def __repr__(self) -> str:
        return f"<{self.__name__}.as_asgi()>"

    async def __call__(self, scope: OwnScope, receive: Receive, send: Send) -> None:
        """Serve one connection.

        Raises:
            ValueError: The scope is of another type than the three.
        """
        match scope["type"]:
            case "websocket":
                await self._serve(scope, receive, send)
            case "lifespan":
                await _answer_lifespan(receive, send)
            case "http":
                await _require_upgrade(scope, send)
            case other:
                raise ValueError(
                    f"{self!r} serves scopes of type 'websocket', 'http' and 'lifespan', "
                    f"not {other!r}"
                )


async def _answer_lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _require_upgrade(scope: Scope, send: Send) -> None:
    body = b"This is a WebSocket endpoint."
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    # RFC 9113, section 8.2.2: HTTP/2 and later have no such headers.
    if scope.get("http_version", "1.1") in {"1.0", "1.1"}:
        headers += [(b"connection", b"upgrade"), (b"upgrade", b"websocket")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})
