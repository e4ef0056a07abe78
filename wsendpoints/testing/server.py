"""The server's side of one connection: runs the app, and stands between it and the client."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, assert_never, cast

import anyio
from anyio.lowlevel import checkpoint

from wsendpoints.protocol.asgi import ASGIApp, Event, Scope
from wsendpoints.protocol.close_codes import describe
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.testing.dialects import Dialect
from wsendpoints.testing.errors import (
    AppStillRunningError,
    HandshakeDenied,
    IllegalEventError,
    LeftoverTasksError,
    UnexpectedEventError,
)
from wsendpoints.testing.events import (
    Accepted,
    AppEvent,
    Closed,
    DenialBody,
    DenialStart,
    Frame,
    describe_close,
    shorten,
)
from wsendpoints.testing.referee import Phase, Referee
from wsendpoints.testing.scopes import DENIAL_EXTENSION
from wsendpoints.testing.tasks import AppTasks, running_loop

__all__ = ["Server"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

# Servers take some megabytes before `await send` waits for the client; a test wants to read
# everything that one step caused, but not to be flooded.
_MOST_UNREAD: Final = 1024


class Server:
    """Plays the ASGI server of one connection.

    The queue towards the app has no bound, as the test decides how much it sends; in the other
    direction `send` waits while the client has not read 1024 frames.

    Attributes:
        scope: What the app was called with.
        dialect: How the server behaves.
        accepted: The app's acceptance.
        denied: The app's refusal, once it is complete.
        frames: What the app sent and the client has not read yet.
        closed: The app's close, after it accepted.
        dropped: What the client sees of an app that ended without a close, where that is known.
        disconnected: How the client disconnected, in words.
        is_paused: Whether the client does not read at present.
        has_ended: Whether the app has ended.
        error: What the app raised.
    """

    def __init__(
        self, app: ASGIApp, scope: Scope, dialect: Dialect, lasting_tasks: Collection[str] = ()
    ) -> None:
        self.scope: Scope = scope
        self.dialect: Dialect = dialect
        self.accepted: Accepted | None = None
        self.denied: HandshakeDenied | None = None
        self.frames: deque[Frame] = deque()
        self.closed: Closed | None = None
        self.dropped: Closed | None = None
        self.disconnected: str | None = None
        self.is_paused: bool = False
        self.has_ended: bool = False
        self.error: BaseException | None = None
        self._app = app
        # A test may put anything into a scope, to see what the app makes of it.
        offered = scope.get("subprotocols")
        self._referee = Referee(
            subprotocols=cast("list[str]", offered) if isinstance(offered, list) else [],
            has_denial_response=DENIAL_EXTENSION in (scope.get("extensions") or {}),
            server=dialect.name,
        )
        self._denial: DenialStart | None = None
        self._denial_body = b""
        self._inbox: deque[Event] = deque([{"type": "websocket.connect"}])
        self._disconnect: Event | None = None
        self._is_disconnect_received = False
        self._is_cancelled = False
        self._receiving = 0
        self._problems: list[BaseException] = []
        self._changed = anyio.Event()
        self._cancel_scope = anyio.CancelScope()
        self._tasks = AppTasks(lasting_tasks)
        self._loop = running_loop()

    @property
    def ending(self) -> str | None:
        """What ended the connection, in words, or `None` while it is open."""
        if self.denied is not None:
            return str(self.denied)
        if self.closed is not None:
            return f"the app closed with {describe_close(self.closed.code, self.closed.reason)}"
        if self.disconnected is not None:
            return self.disconnected
        if self.error is not None:
            return f"the app raised {shorten(self.error)}"
        if not self.has_ended:
            return None
        if self._is_cancelled:
            return "the server cancelled the app"
        if self.dialect.return_stays_open and self.accepted is not None:
            return None
        return "the app returned without closing the connection"

    # The client's side.

    def start(self) -> None:
        """Run the app in a task, with `websocket.connect` as its first event."""
        self._tasks.start(self._run, f"app at {self.scope.get('path')}")

    def deliver(self, event: Event) -> None:
        """Queue `event` for the app's `receive`."""
        self.check_loop()
        if event.get("type") == "websocket.disconnect":
            self.leave(event, "the client disconnected by a raw event")
        else:
            self._inbox.append(event)
            self._notify()

    def deliver_frame(self, frame: Frame) -> None:
        """Queue a text or binary frame for the app's `receive`."""
        key, other = ("text", "bytes") if isinstance(frame, str) else ("bytes", "text")
        event: Event = {"type": "websocket.receive", key: frame}
        if self.dialect.both_keys:
            event[other] = None
        self.deliver(event)

    def leave(self, disconnect: Event, how: str) -> None:
        """End the connection from the client's side, after what is queued already.

        Args:
            disconnect: What the app receives.
            how: The ending, in words.
        """
        self.check_loop()
        self.disconnected = how
        self._disconnect = disconnect
        self._notify()

    def set_paused(self, is_paused: bool) -> None:
        """Hold up the app's sends of frames, or let them go on."""
        self.check_loop()
        self.is_paused = is_paused
        self._notify()

    def take_frame(self) -> Frame:
        """Return the oldest frame that the client has not read."""
        frame = self.frames.popleft()
        self._notify()
        return frame

    def take_error(self) -> BaseException | None:
        """Return what the app raised, unless that was told before."""
        is_untold = bool(self._problems) and self._problems[0] is self.error
        return self._problems.pop(0) if is_untold else None

    def take_problem(self) -> BaseException | None:
        """Return the first thing that went wrong with the app and was not told yet."""
        return self._problems.pop(0) if self._problems else None

    def check_loop(self) -> None:
        """Check that the event loop is that on which the app runs.

        Raises:
            InvalidStateError: It is another one: nothing that is told to the app would wake it.
        """
        if running_loop() is not self._loop:
            raise InvalidStateError(
                "the client is used on another event loop than `connect` was: let the test and its "
                "fixtures share one, or call `connect` in the test"
            )

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds, and return without another task having had a turn."""
        self.check_loop()
        while not condition():
            await self._changed.wait()

    def cancel(self) -> None:
        """Cancel the app, as some servers do when they shut down."""
        self.check_loop()
        self._is_cancelled = True
        self._cancel_scope.cancel()
        self._notify()

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - each wait has this limit
        """Disconnect the client if it is connected, and end what runs on.

        What goes wrong is found by `take_problem` afterwards. May be called again.
        """
        self.check_loop()
        with anyio.CancelScope(shield=True):
            if self.ending is None:
                code = 1000 if self.accepted else 1006
                self.leave(
                    self.dialect.disconnect_by_client(code, ""),
                    f"the client disconnected with {describe_close(code, '')}",
                )
            with anyio.move_on_after(timeout):
                await self.wait_for(lambda: self.has_ended)
            if not self.has_ended:
                self._cancel_scope.cancel()
                with anyio.move_on_after(timeout):
                    await self.wait_for(lambda: self.has_ended)
                self._problems.append(
                    AppStillRunningError(self.ending or "", timeout, self.has_ended)
                )
            remaining = await self._tasks.end(timeout)
            if remaining:
                self._problems.append(LeftoverTasksError(remaining))

    # The app's side.

    async def receive(self) -> Event:
        """Be the app's `receive`."""
        if self._is_disconnect_received:
            if self.dialect.second_receive == "blocks":
                await anyio.sleep_forever()
            # An app that goes on receiving must not block the loop.
            await checkpoint()
        self._receiving += 1
        try:
            await self.wait_for(lambda: bool(self._inbox) or self._disconnect is not None)
        finally:
            self._receiving -= 1
            if self.dialect.close_awaits_receive:
                self._notify()
        if self._inbox:
            return self._inbox.popleft()
        self._is_disconnect_received = True
        return dict(self._disconnect or {})

    async def send(self, event: Event) -> None:
        """Be the app's `send`."""
        try:
            said = self._referee.judge(event)
        except IllegalEventError as exc:
            self._problems.append(exc)
            await checkpoint()
            raise
        if self.disconnected is None:
            await self._refuse_legal(said)
        self._referee.follow(said)
        if isinstance(said, Closed) and self.dialect.close_awaits_receive:
            await self.wait_for(lambda: not self._receiving)
        if self.disconnected is not None:
            await self._refuse()
            return
        self._take(said)
        self._notify()
        if isinstance(said, (str, bytes)):
            await self.wait_for(lambda: self._has_room or self.ending is not None)
            if self.disconnected is not None:
                await self._refuse()

    async def _refuse_legal(self, said: AppEvent) -> None:
        """Raise for a legal event that this server refuses nevertheless."""
        match said:
            case DenialBody(has_more=True) if self.dialect.single_denial_body:
                await checkpoint()
                raise RuntimeError("this server takes one body event of a denial response")
            case Closed(code) if self.accepted is not None and code in self.dialect.refused_codes:
                await checkpoint()
                raise _CloseCodeRefusedError(f"this server does not close with {describe(code)}")
            case _:
                pass

    def _take(self, said: AppEvent) -> None:
        match said:
            case Accepted():
                headers = said.headers if self.dialect.accept_headers else []
                self.accepted = replace(said, headers=headers)
            case Closed() if self.accepted is not None:
                self.closed = said if self.dialect.close_reasons else replace(said, reason="")
                self._disconnect = self.dialect.disconnect_after_close(said.code, said.reason)
            case Closed():
                # ASGI spec, WebSocket, "Close": before accepting, "the server must close the
                # connection with an HTTP 403 error code".
                self.denied = HandshakeDenied(403)
                self._disconnect = self.dialect.disconnect_after_close(said.code, said.reason)
            case DenialStart():
                self._denial = said
            case DenialBody():
                self._denial_body += said.body
                if self._denial is not None and not said.has_more:
                    self.denied = HandshakeDenied(
                        self._denial.status, self._denial.headers, self._denial_body
                    )
                    self._disconnect = self.dialect.disconnect_after_close(1006, "")
            case str() | bytes():
                if said or self.dialect.empty_messages:
                    self.frames.append(said)
            case _:
                assert_never(said)

    @property
    def _has_room(self) -> bool:
        return not self.is_paused and len(self.frames) <= _MOST_UNREAD

    async def _refuse(self) -> None:
        # An app that goes on sending must not block the loop.
        await checkpoint()
        how = self.dialect.send_after_disconnect
        if self._is_disconnect_received and self.dialect.send_once_received != "same":
            how = self.dialect.send_once_received
        match how:
            case "oserror":
                # ASGI spec, WebSocket, "Send": "If send is called on a closed connection the
                # server should raise a server-specific subclass of OSError."
                raise OSError(self.disconnected)
            case "runtime_error":
                raise RuntimeError(self.disconnected)
            case "silent":
                pass
            case _:
                assert_never(how)

    async def _run(self) -> None:
        try:
            with self._cancel_scope:
                await self._app(self.scope, self.receive, self.send)
        except anyio.get_cancelled_exc_class():
            # Not by us: somebody cancelled the task, or the loop is shut down.
            self._fail(UnexpectedEventError("the app's end", "its task was cancelled from outside"))
            raise
        except BaseException as exc:  # noqa: BLE001 - it belongs to the test, which raises it
            self._fail(exc)
        finally:
            self.has_ended = True
            self._referee.phase = Phase.RETURNED
            self._drop()
            self._notify()

    def _drop(self) -> None:
        """Show the client the end of an app that ended without a close, as the server does."""
        code = self.dialect.failure_code if self.error else self.dialect.return_code
        is_open = self.accepted is not None and self.closed is None and self.disconnected is None
        if is_open and code is not None and not self._is_cancelled:
            self.dropped = Closed(code)

    def _fail(self, error: BaseException) -> None:
        self.error = error
        # An illegal event that made the app fail is reported once.
        self._problems = [error, *(other for other in self._problems if other is not error)]

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class _CloseCodeRefusedError(Exception):
    """What a refused close code raises: to an app a plain `Exception`, as on daphne."""
