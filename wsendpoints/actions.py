"""What an endpoint calls: to send, to ask, to start something beside handlers, and to cancel."""

from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Hashable
from types import MethodType
from typing import Any, ClassVar, Generic, TypeVarTuple, Unpack

from typing_extensions import TypeForm, TypeVar

from wsendpoints.handshake.admission import Admission
from wsendpoints.lifecycle.draining import drain
from wsendpoints.lifecycle.hooks import Lifecycle
from wsendpoints.lifecycle.streaming import start_streaming
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.protocol.limits import Limits

__all__ = ["Actions", "admissions_of"]

# The messages that a class sends. Without brackets it is `Any`, so that nothing is checked.
M = TypeVar("M", default=Any)
A = TypeVar("A")
Ts = TypeVarTuple("Ts")


class Actions(Generic[M]):
    """The methods that a subclass of `WebSocketEndpoint` calls.

    They are for the connection of the endpoint, from any task of its event loop: a handler, a task
    of `start_soon`, or a request of somewhere else in the application that knows the endpoint.
    `drain` is for all connections of the class.
    """

    limits: Limits
    _admission: ClassVar[Admission]
    _lifecycle: Lifecycle

    def push(self, message: M) -> Coroutine[Any, Any, None]:
        """Send a message, as a reply is sent: await it.

        Any task may call it, at any time; see `WebSocket.send_text`.

        Raises:
            ConfigurationError: The class declares what it sends, and this is not among it.
            ValueError: It can't be written as JSON.
            InvalidStateError: The connection is not accepted yet, or the application closed it.
            WebSocketDisconnect: The peer disconnected, or a limit closed the connection.
        """
        connection = self._lifecycle.connection
        # In a variable first: as a method call it takes 160 instructions more.
        encode = connection.encode
        return connection.transmit(encode(message))

    def post(self, message: M) -> None:
        """Send a message without waiting: also where the client reads slowly, or has left.

        It waits for what is before it, within `limits.outbox`; over that the connection is closed
        with 1013. To a client that left nothing is sent.

        Raises:
            ConfigurationError: The class declares what it sends, and this is not among it.
            ValueError: It can't be written as JSON.
            InvalidStateError: The connection is not accepted yet.
        """
        event = self._lifecycle.connection.encode(message)
        self._lifecycle.post(self, event)

    async def ask(
        self,
        question: M,
        answer: TypeForm[A],
        *,
        timeout: float,  # noqa: ASYNC109 - the client's, which a scope around a send would break
    ) -> A:
        """Send a question to the client, and return its answer.

        ```python
        class Assistant(WebSocketEndpoint):
            encoding = "json"
            correlation_id = "id"
            answers = Approval

            @handles
            async def run(self, websocket: WebSocket, data: Run) -> Done:
                approval = await self.ask(Approve(tool=data.tool), Approval, timeout=60)
        ```

        The question gets an id of its own in the field that `correlation_id` names, and an answer
        is a message of a type in `answers` that has the same id. It does not wait behind other
        messages, so that a handler may ask; but where the inbox is full of them, nothing is read.
        What comes too late, or answers nothing, is dropped, and logged at DEBUG. A client may
        answer with an invalid message: it is told so at once, and may answer again.

        With a `dialect` the question is a `Request` of a method of the client's, and the answer its
        result, of any type: `await self.ask(Request("show", params), bool, timeout=60)`.

        Any task may call it, any number of times at once. Cancelling it while it waits loses the
        answer alone.

        Args:
            question: The message. An id that it has already is kept.
            answer: The type of the answer, or a union of some.
            timeout: Seconds that the client has to answer once the question is sent.

        Raises:
            ConfigurationError: The class does not declare such an answer, or the question has no
                field for an id.
            TimeoutError: No answer came in time.
            AskError: The client answered a `Request` with an error.
            InvalidRecordError: It answered a `Request` with a result of another type.
            InvalidStateError: The connection is not served, or not accepted yet.
            WebSocketDisconnect: The connection ended before an answer came.
        """
        lifecycle = self._lifecycle
        if lifecycle.declaration.envelope is None:
            lifecycle.declaration.answers.check(answer)
        result: A = await lifecycle.ask(question, answer, timeout)
        return result

    def start_soon(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], *args: *Ts) -> TaskHandle:
        """Run a task that lives as long as the connection, and is cancelled when that ends.

        An exception in it closes the connection with 1011, and is raised to the server. When the
        connection ends, one wait of the task is cancelled; what it awaits then, in a `finally`,
        has `limits.disconnect_timeout` seconds. The tasks of a group of its own have none.

        Args:
            func: An async function; it is called in the task.
            args: What it is called with.

        Returns:
            The task: `cancel` ends it while the connection goes on.

        Raises:
            TypeError: `func` is no async function: it was called already, or has a `yield`.
            InvalidStateError: The connection is not served yet, or it ended.
        """
        return self._lifecycle.start_soon(func, args)

    def stream(self, replies: AsyncIterable[M]) -> TaskHandle:
        """Send each value that an async generator yields, in a task, as a streaming handler does.

        Args:
            replies: The generator, which was called already, or any async iterable. A generator is
                closed in any case.

        Returns:
            The task: `cancel` closes the generator, `wait` waits until all is sent.

        Raises:
            TypeError: It is none.
            InvalidStateError: The connection is not served yet, or it ended.
        """
        return start_streaming(self._lifecycle, replies)

    def cancel(self, key: Hashable) -> bool:
        """Cancel what concurrent handlers do under a key, and drop what waits for it.

        A handler is cancelled at its next wait, or the one that it is at; a generator too, and it
        may still send in its `finally`. No reply of it is sent after this returns. A send that is
        under way ends first.

        Args:
            key: The key, as `@handles(concurrent=True, key=...)` reads it from a message, or a
                handler itself, `self.ask_model`, for all that it does.

        Returns:
            Whether anything ran or waited.

        Raises:
            ConfigurationError: The class has no concurrent handler, or the method is none.
        """
        lifecycle = self._lifecycle
        methods = lifecycle.declaration.methods
        concurrent = [name for name, method in methods.items() if method.options.concurrent]
        method = key if isinstance(key, MethodType) and key.__self__ is self else None
        # A decorator may have given it any other name.
        name = next((name for name in concurrent if getattr(self, name) == method), None)
        if not concurrent or (method is not None and name is None):
            what = "no handler is" if method is None else f"{method.__name__} is not"
            raise ConfigurationError(
                f"{type(self).__qualname__}: {what} marked with @handles(concurrent=True), and no "
                "other can be cancelled"
            )
        beside = lifecycle.two_way
        if beside is None:
            return False
        return beside.cancel(key) if name is None else beside.cancel_handler(name)

    @classmethod
    async def drain(cls, *, over: float) -> None:
        """Close all connections of the class before a restart, and let no client connect any more.

        It is for the end of a process, such as a `preStop` hook of Kubernetes, and for good: no
        client connects to the class, or to a subclass, in this event loop again.
        `WebSocketEndpoint` itself stands for all classes.

        New clients get a 503, or, where the server can't send one, are accepted, and closed with
        1012 at once. Those that are connected are closed with 1012 ("service restart"), one after
        the other, evenly over the time. What a client has sent is handled, and answered, before
        that, for `limits.grace` seconds at most; tasks of `start_soon` and `stream` are not waited
        for. A client whose handshake is not answered yet is closed once `on_connect` is done.

        It returns once all connections have ended, with their `on_disconnect`. Cancelling it, as by
        `anyio.move_on_after`, leaves those open whose turn has not come. Any task may call it, any
        number of times.

        Args:
            over: Seconds over which the connections are closed; 0 closes them all at once.

        Raises:
            ConfigurationError: It is no such time.
        """
        await drain(admissions_of(cls), over, cls.__qualname__)


def admissions_of(*classes: type[Actions[Any]]) -> list[Admission]:
    """Return what knows the connections of some classes, and of each of their subclasses, once."""
    found: dict[type[Actions[Any]], None] = {}
    remaining = [*classes]
    while remaining:
        each = remaining.pop()
        if each not in found:
            found[each] = None
            remaining += each.__subclasses__()
    # `WebSocketEndpoint` itself has none.
    return [vars(it)["_admission"] for it in found if "_admission" in vars(it)]
