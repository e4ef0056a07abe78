"""`as_handler`: an endpoint class as a function for a route of Litestar's."""

from inspect import Parameter
from typing import Any, Final

from litestar import WebSocket
from litestar.di import NamedDependency

from wsendpoints.endpoint import WebSocketEndpoint
from wsendpoints.hosting import Hosted, Route, described
from wsendpoints.markers import marks_in

__all__ = ["as_handler"]

# Not to be resolved by type checkers, for which it is no generic class.
_NAMED: Final[Any] = NamedDependency


def as_handler(cls: type[WebSocketEndpoint[Any]], /, **attributes: Any) -> Route:
    """Return an endpoint class as a function for Litestar's `websocket` decorator.

    ```python
    class Chat(WebSocketEndpoint):
        db: Given[DB]
        room: FromPath[str]


    chat = websocket("/chat/{room:str}", dependencies={"db": Provide(get_db)})(as_handler(Chat))
    ```

    Litestar resolves what the class requires, and it is set before `on_connect`. An attribute that
    is annotated with `Given` is the dependency of that name, in whichever layer it is declared; one
    that is marked for Litestar, as by `FromPath`, `FromQuery`, `NamedDependency` or `Parameter`, is
    what it would be in a function. What Litestar opened it closes after `on_disconnect`.

    Args:
        cls: The class.
        attributes: Set on the endpoint of each connection, as by `as_asgi`. What is given here is
            not resolved.

    Raises:
        ConfigurationError: As for `as_asgi`; or something that must be given is annotated for
            another framework.
    """
    hosted = Hosted(cls, "Litestar", attributes)

    # A controller calls it as a method of its own.
    async def handler(
        self: object = None, /, *, socket: WebSocket[Any, Any, Any], **resolved: Any
    ) -> None:
        await hosted.serve(socket, resolved)

    own = [
        Parameter("self", Parameter.POSITIONAL_ONLY, default=None, annotation=Any),
        Parameter("socket", Parameter.KEYWORD_ONLY, annotation=WebSocket[Any, Any, Any]),
    ]
    return described(handler, hosted, [*own, *map(_marked, hosted.parameters)])


def _marked(parameter: Parameter) -> Parameter:
    """Return a parameter with a mark for Litestar: without one it is a dependency, by its name."""
    if marks_in(parameter.annotation.__metadata__):
        return parameter
    # Of any type: its own is checked before it is set, and Litestar would copy a list.
    return parameter.replace(annotation=_NAMED[Any])
