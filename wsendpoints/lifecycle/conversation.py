"""The conversation with one client: message after message, and what runs beside them."""

import math
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Final
from weakref import ref

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.listener import Listener
from wsendpoints.connection.stepping import DONE, resume
from wsendpoints.lifecycle.answering import Answering
from wsendpoints.lifecycle.calling import answering_of
from wsendpoints.lifecycle.deadlines import REMAINING, Deadlines
from wsendpoints.lifecycle.failures import failed_wait, raise_replaced
from wsendpoints.lifecycle.hooks import Hooks
from wsendpoints.lifecycle.intake import Intake
from wsendpoints.lifecycle.leaving import Leaving, count_age
from wsendpoints.lifecycle.names import tell_cancelled, tell_held_up, tell_sender
from wsendpoints.lifecycle.reader import Reader
from wsendpoints.lifecycle.stage import Stage
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.lifecycle.two_way import TwoWay
from wsendpoints.messages.declaration import Declaration
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.exceptions import ClientMessageError, WebSocketDisconnect
from wsendpoints.protocol.frames import frame_of
from wsendpoints.protocol.limits import Limits
from wsendpoints.protocol.state import CLOSED, DISCONNECTED, HANDSHAKE, OPEN, RECEIVE

__all__ = ["Conversation"]

# Python 3.11 takes thirty times as long to read a member of an enumeration from its class.
_CONNECTING: Final = Stage.CONNECTING
_HANDLING: Final = Stage.HANDLING
_REPLYING: Final = Stage.REPLYING


class Conversation(Listener):
    """Holds the conversation of an endpoint with its client.

    Args:
        endpoint: Its hooks and handlers are called, and its limits kept.
        declaration: What its class receives, sends, and handles.
        connection: Its connection.
        first: The first message, if there is one already: the handshake is answered then.
        clock: Returns seconds.

    Attributes:
        reader: What reads its messages.
        tasks: The tasks of the connection.
        two_way: Handlers beside the loop, and questions to the client; `None` if it has none.
    """

    __slots__ = (
        "_connection",
        "_deadlines",
        "_declaration",
        "_endpoint",
        "_intake",
        "_is_over",
        "_steps",
        "reader",
        "tasks",
        "two_way",
    )

    def __init__(
        self,
        endpoint: Hooks,
        declaration: Declaration,
        connection: Connection,
        first: Event | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        limits = endpoint.limits
        self._endpoint = endpoint
        self._declaration = declaration
        self._connection = connection
        self._is_over = False
        # Each knows those before it, and none of those after it.
        self.tasks: Tasks = Tasks(connection, limits.disconnect_timeout or math.inf)
        self._deadlines = Deadlines(limits, self.tasks, clock)
        self._intake = Intake(limits, self._deadlines, clock)
        self.reader: Reader = Reader(
            connection, self.tasks, self._deadlines, self._intake, limits, first
        )
        self.two_way: TwoWay | None = None
        if declaration.is_two_way:
            self.two_way = TwoWay(
                endpoint, declaration, connection, self.reader, self._deadlines, self._answering
            )
        self._steps: Callable[[], Coroutine[Any, Any, None] | None]
        connection.listen(self)

    async def hold(self) -> BaseException | None:
        """Hold it, until either side ends it.

        Returns:
            The exception that ended it, if one did: it may be the cancellation of this.
        """
        tasks = self.tasks
        try:
            async with tasks:
                try:
                    steps = self._converse()
                    # Weak, since it holds this.
                    self._steps = ref(steps)
                    await (steps if self.two_way is None else self._hold_both(steps, self.two_way))
                except GeneratorExit:
                    raise
                except anyio.get_cancelled_exc_class() as exc:
                    if (failed := failed_wait(exc)) is None:
                        raise
                    tasks.fail(failed)
                    del failed
                except BaseException as exc:  # noqa: BLE001 - raised in the end
                    tasks.fail(exc)
                finally:
                    self.reader.retire()
                    tasks.close()
                # To cancel takes as long as two messages, so only if there is something to cancel.
                if tasks.were_started:
                    tasks.end()
        except anyio.get_cancelled_exc_class() as exc:
            if not tasks.has_ended_itself:
                tasks.fail(exc)
        finally:
            self._connection.stop_listening(self)
            self.reader.release()
            failure, tasks.failure = tasks.failure, None
            # The exception holds the frames of the task group, and so this, on Python 3.12 and
            # later: without these references it is no cycle.
            del tasks, self._connection, self._endpoint, self.reader, self.tasks
            self.two_way = None
        try:
            return failure
        finally:
            del failure

    def passed(self) -> Deadline | None:
        """Return the time limit that ended it, if one did."""
        return self._deadlines.passed()

    def limit_by(self, limits: Limits) -> None:
        """Keep other limits from now on, which `on_connect` has assigned.

        Raises:
            InvalidStateError: It is done: messages are looked at as was decided before the first.
        """
        intake = self._intake.limited_by(limits)
        self.reader.limit_by(limits, intake)
        self._intake = intake
        connection = self._connection
        connection.close_timeout = limits.close_timeout or math.inf
        is_open = connection.state is OPEN
        awaits_first = not self._intake.has_arrived
        self._deadlines.limit_by(limits, is_open=is_open, awaits_first=awaits_first)
        if is_open:
            count_age(self.tasks, self._deadlines, self.leave)

    @property
    def is_held(self) -> bool:
        """Whether `hold` has begun."""
        return hasattr(self, "_steps")

    def leave(self, deadline: Deadline) -> None:
        """Close the connection once no message is handled, or the grace of its handlers is over."""
        self._deadlines.leave(deadline)
        Leaving(self._endpoint, self._connection, self.reader, self.two_way, deadline).begin()

    async def _converse(self) -> None:
        """Answer the handshake, if that is to be done, then handle each message.

        All that a message passes on its way is here. What is the same for each is looked up
        before the first.
        """
        connection, endpoint = self._connection, self._endpoint
        websocket = endpoint.websocket
        reader, receive, deadlines = self.reader, self.reader.receive, self._deadlines
        keep_track = None if self.two_way is None else self.two_way.keep_track
        message: Any = None

        if connection.state is HANDSHAKE:
            await self._connect()
        # Now: by the subprotocol that was accepted.
        declaration = self._declaration
        handlers, on_message = declaration.handlers, declaration.on_message
        inbound, outbound = declaration.inbound, declaration.outbound
        decode_text, decode_binary = inbound.decode_text, inbound.decode_binary
        encoders, encode = outbound.encoders, outbound.encode
        handler = on_message
        surely_passes = self._intake.surely_passes
        reader.watch_sends()
        while True:
            if connection.state is not OPEN and not self._awaits_remaining():
                return
            event = await (receive() if reader.has_role else reader.next())
            if connection.state is not OPEN:
                # What another task did while this one was waiting: it closed the connection, or
                # found that it is over.
                if connection.state is CLOSED:
                    return
                self._remaining_came()
            try:
                is_message = event["type"] == RECEIVE
            except KeyError:
                is_message = False
            if not is_message:
                self._is_over = True
                connection.received(event)
                return
            reader.stage = _HANDLING
            if not reader.is_unseen:
                reader.attend()
            try:
                frame, decode = event.get("text"), decode_text
                # Most servers have one of the keys "text" and "bytes" in an event, some have both.
                if type(frame) is not str or (len(event) != 2 and event.get("bytes") is not None):
                    frame = frame_of(event)
                    decode = decode_text if type(frame) is str else decode_binary
                if len(frame) > surely_passes:
                    self._intake.check(frame, event)
                try:
                    message = decode(frame)
                except inbound.refused as exc:
                    raise inbound.client_error(exc, frame) from None
                handler = handlers.get(message.__class__, on_message) if handlers else on_message
                if keep_track is not None:
                    keep_track(message, frame, event)
                reply = await handler(endpoint, websocket, message)
                connection.invalid_in_a_row = 0
                # A reply is dropped if the connection was closed meanwhile.
                if reply is not None and connection.state is OPEN:
                    event = encoders.get(reply.__class__, encode)(reply)
                    reader.stage = _REPLYING
                    if not reader.is_unseen:
                        reader.attend()
                    # In a variable first: as a method call it takes 160 instructions more.
                    send = connection.send
                    try:
                        await send(event)
                    except Exception as exc:
                        raise connection.send_failed(exc) from exc
                    except BaseException:
                        connection.send_cancelled()
                        raise
            except UnawaitedError as error:
                tell_sender(error, endpoint, handler)
                raise
            except (Exception, BaseExceptionGroup) as exc:
                # What a send raises is no exception of the handler's.
                is_handlers = reader.stage is _HANDLING
                if not await self._answering.answer(exc, message, is_handlers=is_handlers):
                    raise
                raise_replaced(exc)
            reader.stage = None
            if deadlines.time_messages:
                deadlines.handled()
            # An idle connection holds no message.
            del event
            frame = message = reply = None

    async def _hold_both(self, steps: Coroutine[Any, Any, None], two_way: TwoWay) -> None:
        """Await the loop, then the handlers that run beside it."""
        # If one of them closes the connection, nothing more is received, and they go on.
        with two_way.loop_scope:
            await steps
        if self._connection.state in {CLOSED, DISCONNECTED}:
            if self._is_over and two_way.is_handling:
                self._end_what_runs()
            await two_way.finish()

    async def _connect(self) -> None:
        self.reader.stage = _CONNECTING
        try:
            # By hand, so that it shows when it has to wait.
            steps = self._endpoint.on_connect(self._endpoint.websocket).__await__()
            if (trap := next(steps, DONE)) is not DONE:
                if self._connection.state is not OPEN:
                    self._deadlines.connecting()
                self.reader.attend()
                await resume(steps, trap)
        except ClientMessageError as error:  # from a message that it received itself
            await self._answering.refuse(error)
            raise_replaced(error)
        except (WebSocketDisconnect, BaseExceptionGroup) as exc:
            if not self._answering.is_own_disconnect(exc):
                raise
            raise_replaced(exc)
        if self._endpoint.limits is not self._deadlines.limits:
            self.limit_by(self._endpoint.limits)
        self._deadlines.connected()
        self.reader.stage = None

    def _awaits_remaining(self) -> bool:
        """Whether the server is still to deliver what the client sent before it disconnected."""
        connection = self._connection
        if connection.state is not DISCONNECTED or connection.is_drained:
            return False
        self._bound_remaining()
        return True

    def _bound_remaining(self) -> None:
        """Bound the wait for what the server is still to deliver."""
        if self.two_way is not None and self.two_way.is_handling:
            # They have their grace.
            self.two_way.loop_scope.deadline = anyio.current_time() + REMAINING.seconds
        else:
            self._deadlines.await_remaining()

    def _remaining_came(self) -> None:
        self._deadlines.remaining_came()
        if self.two_way is not None:
            self.two_way.loop_scope.deadline = math.inf
        self._give_grace()

    @property
    def _answering(self) -> Answering:
        # Made where it is needed, which is rare.
        return answering_of(self._endpoint, self._declaration, self._connection)

    @property
    def _is_handling(self) -> bool:
        return self.reader.is_handling or (self.two_way is not None and self.two_way.is_handling)

    # What happens to the connection meanwhile.

    def on_accept(self) -> None:
        """Count the time until the first message, and until it expires; speak as was chosen."""
        self._deadlines.accepted()
        if self._deadlines.limits.max_age is not None:
            count_age(self.tasks, self._deadlines, self.leave)
        if self._connection.expires_at is not None:
            self.on_expiry_set()
        if self._declaration.by_subprotocol:
            spoken = self._declaration.speaking(self._endpoint.websocket.subprotocol)
            self._declaration = spoken
            if self.two_way is not None:
                self.two_way.speak(spoken)

    def on_send(self) -> None:
        """Have the ticker look at it, should it take long."""
        self.reader.attend_send()

    def on_sent(self) -> None:
        """Count the time of the next send, if there is one, and cancel what waited for this one."""
        self.reader.sent()
        connection = self._connection
        connection.tells_sent = self.tasks.sent() or connection.is_send_long

    def on_held_up(self) -> None:
        """Tell which handler, or hook, lets messages wait."""
        tell_held_up(self._endpoint, self._steps())

    def on_told(self) -> None:
        """Let a task, or a stream, that is told of the end clean up undisturbed."""
        self.tasks.told()

    def on_expiry_set(self) -> None:
        """Count the time until it expires."""
        connection = self._connection
        self._deadlines.expires_at(connection.expires_at if connection.state is OPEN else None)

    def on_disconnect(self) -> None:
        """End what only sends; a handler may go on for its grace."""
        if not self._is_over:
            self._end_what_runs()

    def _end_what_runs(self) -> None:
        self.tasks.cancel()
        if self._endpoint.cancel_on_disconnect:
            if self._is_handling:
                tell_cancelled(self._endpoint)
            self.tasks.end()
            return
        if self._is_handling:
            self._give_grace()
        if not (self.reader.is_handling or self._is_over):
            self._bound_remaining()

    def on_close(self) -> None:
        """Wait for no further message; a handler may go on for its grace."""
        self.reader.stop()
        if self.two_way is not None:
            self.two_way.close()
        if not self._is_handling:
            self.tasks.end()
            return
        # Nothing is read any more, so nothing else would end a handler that goes on.
        self._give_grace()
        if self.two_way is not None and not self.reader.is_handling:
            self.two_way.loop_scope.cancel()

    def _give_grace(self) -> None:
        self._deadlines.ended(is_shutdown=self._connection.is_shutdown)
