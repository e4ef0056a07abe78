"""The class that users subclass: what it declares, its hooks, and how it is mounted."""

from abc import ABC
from collections.abc import AsyncIterable, Awaitable, Generator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, Self, final, overload

from typing_extensions import TypeVar

from wsendpoints.actions import Actions
from wsendpoints.application import Application, ASGIConnection, OwnScope, check_not_accepted
from wsendpoints.attributes import Own, Required, check_given, read_own, read_required
from wsendpoints.connection.websocket import WebSocket, connection_of
from wsendpoints.dialects.dialect import Dialect
from wsendpoints.groups.gap import ignore_gap
from wsendpoints.groups.group import Group, check_groups
from wsendpoints.handshake.admission import Admission
from wsendpoints.handshake.credentials import Credential, check_security
from wsendpoints.handshake.origins import Origins
from wsendpoints.hosting import Route, check_mounting, fastapi_route
from wsendpoints.lifecycle.adapters import ADAPTERS
from wsendpoints.lifecycle.answering import ANSWERED
from wsendpoints.lifecycle.hooks import Lifecycle
from wsendpoints.lifecycle.serving import serve
from wsendpoints.messages.annotations import UnboundTypeVariable
from wsendpoints.messages.assignments import guard_assignments, refuse_assignment
from wsendpoints.messages.custom import AnyEncoding, Subprotocols
from wsendpoints.messages.declaration import Declaration, declare
from wsendpoints.messages.parameter import take_brackets
from wsendpoints.mistakes.checks import check_body
from wsendpoints.mistakes.mounting import not_initialised, not_servable
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.protocol.exceptions import ClientMessageError
from wsendpoints.protocol.limits import Limits, check_limits
from wsendpoints.protocol.state import ConnectionState
from wsendpoints.protocol.subprotocols import choose_subprotocol

__all__ = ["WebSocketEndpoint"]

# The messages that a class sends. Without brackets it is `Any`, so that nothing is checked.
M = TypeVar("M", default=Any)


@final
class _Anything:
    """Stands for a message that no class declares.

    To a type checker only an endpoint without brackets is a `WebSocketEndpoint[_Anything]`.
    """


class WebSocketEndpoint(Actions[M], ABC, Generic[M]):
    """The server's side of a WebSocket API: subclass it, and mount the class.

    ```python
    class Echo(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
            return Said(text=data.text)


    app = Echo.as_asgi()
    ```

    An instance serves one connection, so `self` is the place for what belongs to it; an attribute
    with `field(default_factory=list)`, of dataclasses, is a new list for each. What the
    message of `on_receive` is annotated with is validated; what it returns is sent. A class that
    takes several types of messages has a method for each, marked with `handles`.

    `class Chat(WebSocketEndpoint[Said | Left])` declares what it sends, as `sends = Said | Left`
    does, and has type checkers hold `push` and the replies of `on_receive` to it.

    Messages are handled one at a time, in the order in which they came, except by handlers that are
    marked as concurrent. A disconnect is noticed
    within 40 ms, also while a handler waits: sending raises `WebSocketDisconnect` from then on, the
    tasks of `start_soon` and a streaming handler are cancelled, any other handler may go on for
    `limits.grace` seconds. What the client sent before it disconnected is still handled.

    Methods are found as Python finds them, decorated or inherited. A handler that is replaced on
    the class, as `mock.patch.object` does, runs for the connections that are made from then on. It
    can't be replaced on an instance.

    Mistakes in the declaration raise `ConfigurationError` when the class is made, and where the
    code could be meant, they are a `ConfigurationWarning`.

    Attributes:
        encoding: What a message is: `"text"`, `"bytes"`, `"json"`, `"msgpack"`, a `Codec` of one's
            own, or `None` for each frame as it comes, as str or bytes.
        sends: The union of the messages that it sends in addition to its replies, if it declares
            them; or a list of them. Then `push` and replies can send nothing that the class does
            not declare. With `WebSocketEndpoint[...]` it is what is in the brackets.
        correlation_id: The name of the field, in JSON, by which an answer belongs to its message,
            such as `"id"`. The reply to a message, each item of its stream, and each error that
            answers it have the value that the client sent there, if they have the field and leave
            it unset. A value that is neither a str of at most 128 characters nor an int is not sent
            back, nor is one that the type of the field would change, as an `int` changes `"5"`.
        answers: The union of what clients answer to the questions of `ask`, or a list of it. It
            takes no handler.
        groups: The groups that it may join, as subclasses of `Group`: it sends their messages, too.
        error_codes: The codes of the `ErrorReply`s that it raises, each with its description, if it
            declares them. Then it can raise no others.
        dialect: A protocol's envelope, such as `JsonRpc()`: handlers are called by name, with the
            params of a call, and what they return is its result.
        allowed_origins: The web pages that may connect, as the origins that browsers send: by
            default, `None`, those of the same origin alone; a list; or `"*"` for all.
        require_origin: Whether a client without an `Origin` header is refused: no browser is one.
        subprotocols: The subprotocols that it speaks, in the order of preference; with a mapping,
            each has an encoding, and `encoding` is that of a connection without subprotocol.
        require_subprotocol: Whether a client that offers none of them is refused with 400, before
            `on_connect`. Which of them is chosen is up to `on_connect`.
        params: Annotate it with a model of the path and query parameters. They are validated
            before `on_connect`, and a client with others is refused with 422.
        security: What clients show of who they are, such as `(Credential("bearer"),)`: any of these
            will do. It is for the contract; `on_connect` checks them.
        limits: What a connection may take of the server. Until `on_connect` is done, `self.limits`
            may be assigned, and holds from then on.
        cancel_on_disconnect: Whether a handler is cancelled as soon as the client disconnects.
        websocket: The connection.
    """

    encoding: ClassVar[AnyEncoding] = None
    sends: ClassVar[Any] = None
    correlation_id: ClassVar[str | None] = None
    answers: ClassVar[Any] = None
    groups: ClassVar[Sequence[type[Group[Any]]]] = ()
    error_codes: ClassVar[Mapping[Any, str] | Sequence[str | int] | None] = None
    dialect: ClassVar[Dialect | None] = None
    allowed_origins: Origins = None
    require_origin: bool = False
    subprotocols: ClassVar[Subprotocols] = ()
    require_subprotocol: bool = False
    params: Any
    security: ClassVar[Sequence[Credential]] = ()
    limits: Limits = Limits()
    cancel_on_disconnect: bool = False

    _admission: ClassVar[Admission]
    _required_attributes: ClassVar[Required] = {}
    _own_attributes: ClassVar[Own] = ()
    _declaration: ClassVar[Declaration | None] = None
    _open_variable: ClassVar[str | None] = None
    _lifecycle: Lifecycle

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Compile what the class declares."""
        super().__init_subclass__(**kwargs)
        check_body(cls, WebSocketEndpoint)
        cls._required_attributes = read_required(cls, cls._required_attributes)
        cls._own_attributes = read_own(cls)
        check_limits(cls.limits, cls.__qualname__)
        check_security(cls.security, cls.__qualname__)
        cls._admission = Admission(cls, cls.allowed_origins, cls.subprotocols)
        cls._compile_declaration()

    @classmethod
    def _compile_declaration(cls, before: Declaration | None = None) -> None:
        try:
            take_brackets(cls, WebSocketEndpoint)
            check_groups(cls.groups, cls.__qualname__)
            cls._declaration = declare(cls, _DEFAULTS, ADAPTERS, cls._compile_again, before)
            cls._open_variable = None
        except UnboundTypeVariable as exc:
            # A generic base class: which messages it takes, a subclass says.
            cls._declaration, cls._open_variable = None, str(exc)
        handlers = cls._declaration.methods if cls._declaration else ()
        guard_assignments(cls, WebSocketEndpoint, handlers)

    def __init__(self, scope: OwnScope, receive: Receive, send: Send) -> None:
        declaration = self._declaration
        if declaration is None:
            raise not_servable(type(self), self._open_variable)
        self.websocket: WebSocket = WebSocket(scope, receive, send)
        connection = connection_of(self.websocket)
        connection.encode = declaration.encode
        # The only other attribute: a subclass has all other names to itself.
        self._lifecycle = Lifecycle(connection, declaration)
        if own := self._own_attributes:
            for name, make in own:
                setattr(self, name, make())

    def _check_assignment(self, name: str, value: Any) -> None:
        if name != "limits":
            refuse_assignment(type(self), name)
        check_limits(value, type(self).__qualname__)
        # A subclass may assign limits before it calls `__init__` of this class.
        lifecycle: Lifecycle | None = getattr(self, "_lifecycle", None)
        if lifecycle is not None:
            lifecycle.limit_by(value)

    @property
    def scope(self) -> Scope:
        """The connection's ASGI scope."""
        return self.websocket.scope

    # How it is mounted.

    @classmethod
    def as_asgi(cls, **attributes: Any) -> Application:
        """Return the class as an ASGI application, for any host.

        Args:
            attributes: Set on the endpoint of each connection: this is how a database pool gets
                in. The class must declare them; an annotation is enough. One that is annotated as
                `Given[...]` must be given.

        Raises:
            ConfigurationError: The class does not declare one of them, or is abstract; or one that
                must be given is missing, or of another class.
        """
        cls._check_servable()
        check_mounting(cls, attributes, cls._required_attributes)
        # No function of its own: that could not be pickled.
        return Application(partial(cls._with, attributes), cls, attributes)

    @classmethod
    def as_route(cls, **attributes: Any) -> Route:
        """Return the class as a function for a route of FastAPI's.

        ```python
        class Chat(WebSocketEndpoint):
            db: Annotated[DB, Depends(get_db)]


        app.websocket("/chat/{room}")(Chat.as_route())
        ```

        FastAPI resolves the attributes that are annotated with `Depends`, `Security`, `Path`,
        `Query`, `Header` or `Cookie`, and they are set before `on_connect`. What it opened for them
        it closes after `on_disconnect`.

        Args:
            attributes: As for `as_asgi`. What is given here is not resolved.

        Raises:
            ConfigurationError: As for `as_asgi`; or FastAPI can't resolve what must be given, or
                is not installed.
        """
        return fastapi_route(cls, attributes)

    @classmethod
    async def serve(cls, websocket: ASGIConnection, /, **attributes: Any) -> None:
        """Serve a connection within a framework's own function for it.

        ```python
        @app.websocket("/chat")
        async def chat(websocket: fastapi.WebSocket, db: Annotated[DB, Depends(get_db)]) -> None:
            await Chat.serve(websocket, db=db)
        ```

        Args:
            websocket: The framework's WebSocket, not accepted yet.
            attributes: As for `as_asgi`.

        Raises:
            ConfigurationError: As for `as_asgi`.
            InvalidStateError: It was accepted already.
        """
        check_mounting(cls, attributes, cls._required_attributes)
        check_not_accepted(websocket, cls.__name__)
        await cls._with(attributes, websocket.scope, websocket.receive, websocket.send)

    @classmethod
    def _with(cls, attributes: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> Self:
        endpoint = cls(scope, receive, send)
        for name, value in attributes.items():
            setattr(endpoint, name, value)
        return endpoint

    @classmethod
    def _check_servable(cls) -> Declaration:
        if cls._declaration is None:
            raise not_servable(cls, cls._open_variable)
        return cls._declaration.current()

    @classmethod
    def _compile_again(cls, before: Declaration) -> Declaration:
        if not before.is_true_of(cls):
            cls._compile_declaration(before)
        if cls._declaration is None:
            raise not_servable(cls, cls._open_variable)
        cls._declaration = cls._declaration.settled()
        return cls._declaration

    def __await__(self) -> Generator[Any, None, None]:
        """Serve the connection; this is how Starlette's routes call the class."""
        if self._required_attributes:
            check_given(self, self._required_attributes)
        try:
            lifecycle = self._lifecycle
        except AttributeError:
            raise not_initialised(type(self)) from None
        return serve(self, lifecycle, lifecycle.declaration, self._admission).__await__()

    # What a subclass overrides.

    async def on_connect(self, websocket: WebSocket) -> None:
        """Answer the handshake. By default: accept, with the best subprotocol that both speak.

        Returning without having accepted refuses the client. Raise `Denied` to refuse it with a
        status of your choice.
        """
        subprotocol = None
        if self.subprotocols:
            subprotocol = choose_subprotocol(self.subprotocols, websocket.subprotocols)
        await websocket.accept(subprotocol)

    # An override is held to both of these, and so to the second one. A call of the default, by
    # `await super().on_receive(...)`, is the first one in a class without brackets.
    @overload
    def on_receive(
        self: "WebSocketEndpoint[_Anything]", websocket: WebSocket, data: Any
    ) -> Any: ...
    @overload
    def on_receive(
        self, websocket: WebSocket, data: Any
    ) -> Awaitable[M | None] | AsyncIterable[M]: ...

    def on_receive(self, websocket: WebSocket, data: Any) -> Any:
        """Handle a message. By default: drop it; the log tells of the first on a connection.

        Write it as `async def`. What it returns is sent, unless it is `None`. With `yield` it is
        an async generator, and each value is sent as it comes. It cleans up as a task of
        `start_soon` does.

        Args:
            websocket: The connection.
            data: The message, validated as this parameter is annotated.
        """
        has_handler = type(self).on_receive is not WebSocketEndpoint.on_receive
        if not (has_handler or self._check_servable().handlers):
            self._lifecycle.dropped(self)
        return _ignore()

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Clean up. Called exactly once if the connection was accepted, otherwise never.

        The connection's tasks ended before, and nothing can be sent any more. It is not
        cancelled for `limits.disconnect_timeout` seconds.

        Args:
            websocket: The connection.
            close_code: Ours if we closed it, else the client's; 1006 if it sent none.
        """

    async def on_error(self, websocket: WebSocket, data: Any, exc: Exception) -> Any:
        """Answer what a handler raised, or raise it. By default: raise it.

        What is raised here, `exc` or another exception, closes the connection with 1011 and
        surfaces in the server's log; an `ErrorReply` answers the message. What is returned is the
        reply; with `None` nothing is sent, and the connection goes on.

        It is not called for an `ErrorReply`, for the disconnect, nor for what a task raises.

        Args:
            websocket: The connection.
            data: The message whose handler raised it.
            exc: The exception.
        """
        raise exc

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        """Answer a message that can't be used.

        By default a value that is not one of those declared, as of JSON, is answered with an error
        message, and everything else closes the connection with the error's code.

        Args:
            websocket: The connection.
            error: What is wrong with the message.
        """
        connection = connection_of(websocket)
        answer = self._lifecycle.declaration.invalid_event(error, ANSWERED.get())
        if answer is None:
            await connection.end(error.close_code, error.detail)
        elif connection.state is not ConnectionState.CLOSED:
            await connection.transmit(answer)

    on_gap = ignore_gap


async def _ignore() -> None:
    pass


_DEFAULTS: Final = MappingProxyType(dict(vars(WebSocketEndpoint)))
"""The attributes of the base class, before anything is patched."""
