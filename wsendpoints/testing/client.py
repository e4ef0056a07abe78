"""The client's side of a connection, as a test uses it."""

# ruff: noqa: ASYNC109 - each wait has a limit of its own, and an error that tells what came.

from collections.abc import AsyncIterator
from typing import Any, Final, assert_never, final, overload

import anyio
from anyio.lowlevel import checkpoint
from pydantic_core import to_json
from typing_extensions import TypeForm, TypeVar

from wsendpoints.protocol.asgi import Event, Scope
from wsendpoints.protocol.close_codes import describe
from wsendpoints.protocol.exceptions import InvalidStateError
from wsendpoints.testing.decoding import (
    BINARY,
    TEXT,
    Mode,
    decode_binary,
    decode_json,
    decode_text,
    describe_json,
    describe_type,
)
from wsendpoints.testing.encodings import Messages
from wsendpoints.testing.errors import ConnectionEndedError, UnexpectedEventError
from wsendpoints.testing.events import (
    Accepted,
    Closed,
    Frame,
    HeaderList,
    describe_close,
    describe_frame,
)
from wsendpoints.testing.server import Server

__all__ = ["Client"]

__tracebackhide__: Final = True  # by pytest
# With a default: to a type checker that is too old for `TypeForm`, what comes is `Any`.
T = TypeVar("T", default=Any)

# anyio's `wait_all_tasks_blocked` polls ten times a second on asyncio; nearly always, this many
# turns of the loop are enough for it to find all blocked at once.
_TURNS = 20


@final
class Client:
    """A connected client; made by `connect`.

    Sending never waits: what is sent is queued for the app. Receiving waits for the app,
    up to a limit: `timeout` in seconds, `None` for the one that was given to `connect`. A wait
    that is cancelled or times out loses nothing. If nothing can come any more because the app
    failed, a wait raises the app's exception, once.

    Several tasks may use one client: each frame goes to one of them.

    Attributes:
        subprotocol: The subprotocol that the app chose.
        headers: The headers that it accepted with.
        scope: What the app was called with.
    """

    def __init__(self, server: Server, timeout: float, messages: Messages) -> None:
        accepted = server.accepted or Accepted(None, [])
        self.subprotocol: str | None = accepted.subprotocol
        self.headers: HeaderList = accepted.headers
        self.scope: Scope = server.scope
        self._server = server
        self._timeout = timeout
        self._messages = messages

    @property
    def is_app_done(self) -> bool:
        """Whether the app has ended."""
        return self._server.has_ended

    # Sending.

    async def send(self, message: Any) -> None:
        """Send a `str` as text, `bytes` as bytes, and anything else as `connect` was told: as JSON.

        Raises:
            ConnectionEndedError: If the connection is over.
        """
        is_frame = isinstance(message, (str, bytes))
        self._send_frame(message if is_frame else self._messages.frame_of(message))

    async def send_text(self, data: str) -> None:
        """Send a text frame.

        Raises:
            ConnectionEndedError: If the connection is over.
        """
        self._send_frame(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame.

        Raises:
            ConnectionEndedError: If the connection is over.
        """
        self._send_frame(data)

    async def send_json(self, data: Any, mode: Mode = "text") -> None:
        """Send `data` as JSON.

        Args:
            data: Whatever pydantic can serialize: models (fields by their aliases), dataclasses,
                plain values.
            mode: The kind of frame.

        Raises:
            ConnectionEndedError: If the connection is over.
        """
        encoded = to_json(data)
        self._send_frame(encoded if mode == "binary" else encoded.decode())

    async def send_event(self, event: Event) -> None:
        """Let the app receive `event` as it is, legal or not.

        A `websocket.disconnect` ends the connection.

        Raises:
            ConnectionEndedError: If the connection is over.
        """
        self._check_open("send an event")
        self._server.deliver(event)

    def _send_frame(self, frame: Frame) -> None:
        self._check_open(f"send a {'text' if isinstance(frame, str) else 'binary'} frame")
        self._server.deliver_frame(frame)

    # Receiving.

    @overload
    async def receive(self, *, timeout: float | None = None) -> str | bytes: ...
    @overload
    async def receive(self, expected: TypeForm[T], *, timeout: float | None = None) -> T: ...

    async def receive(self, expected: Any = None, *, timeout: float | None = None) -> Any:
        """Return the next frame, validated as `expected`.

        Args:
            expected: Any type that pydantic takes, of a message in the encoding of `connect`. `str`
                stands for a text frame as it came, `bytes` for a binary one, `None` for either.
            timeout: Seconds.

        Raises:
            UnexpectedEventError: If what comes is not that, or nothing comes.
        """
        if expected is None:
            return await self._frame("a frame", timeout)
        if expected is str:
            return await self.receive_text(timeout=timeout)
        if expected is bytes:
            return await self.receive_bytes(timeout=timeout)
        frame = await self._frame(describe_type(expected), timeout)
        return self._messages.message_of(frame, expected)

    async def receive_text(self, *, timeout: float | None = None) -> str:
        """Return the next frame, a text frame.

        Raises:
            UnexpectedEventError: If something else comes, or nothing.
        """
        return decode_text(await self._frame(TEXT, timeout))

    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:
        """Return the next frame, a binary frame.

        Raises:
            UnexpectedEventError: If something else comes, or nothing.
        """
        return decode_binary(await self._frame(BINARY, timeout))

    async def receive_json(self, mode: Mode | None = None, *, timeout: float | None = None) -> Any:
        """Return the value of the next frame, which is JSON.

        Args:
            mode: The kind of frame; `None` takes both.
            timeout: Seconds.

        Raises:
            UnexpectedEventError: If something else comes, or nothing.
        """
        return decode_json(await self._frame(describe_json(mode), timeout), mode)

    async def receive_nothing(self, *, timeout: float | None = None) -> None:
        """Wait until every task of the event loop waits for something, and nothing came by then.

        What came stays there to be received. A task that sleeps, or waits for a thread or the
        network, counts as waiting: this cannot know what they will lead to.

        Args:
            timeout: Seconds, after which it is enough that nothing came, though tasks still run.

        Raises:
            UnexpectedEventError: If something came.
        """
        self._check_reading()
        with anyio.move_on_after(self._limit(timeout)):
            for _ in range(_TURNS):
                if self._has_news():
                    break
                await checkpoint()
            else:
                await anyio.wait_all_tasks_blocked()
        if self._server.frames:
            raise UnexpectedEventError("nothing", describe_frame(self._server.frames[0]))
        if self._server.ending is not None:
            self._raise_app_error()
            raise UnexpectedEventError("nothing", self._server.ending)

    async def expect_close(
        self, code: int | None = None, reason: str | None = None, *, timeout: float | None = None
    ) -> Closed:
        """Return how the app closes the connection, which is the next thing it does.

        Args:
            code: The close code that it must be; `None` takes any.
            reason: The reason that it must be; `None` takes any.
            timeout: Seconds.

        Raises:
            UnexpectedEventError: If the app closes otherwise, or does something else first, or
                nothing.
        """
        awaited = "a close"
        if code is not None:
            awaited += f" with {describe(code)}"
        if reason is not None:
            awaited += f" {'and' if code is not None else 'with'} the reason {reason!r}"
        came = await self._next(awaited, timeout)
        if not isinstance(came, Closed):
            raise UnexpectedEventError(awaited, describe_frame(came))
        if code not in (None, came.code) or reason not in (None, came.reason):
            raise UnexpectedEventError(awaited, self._server.ending or "")
        return came

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next frame, or end the iteration if the app closes."""
        came = await self._next("a frame or a close", None)
        if isinstance(came, Closed):
            raise StopAsyncIteration
        return came

    async def _frame(self, awaited: str, timeout: float | None) -> Frame:
        came = await self._next(awaited, timeout)
        if isinstance(came, Closed):
            raise UnexpectedEventError(awaited, self._server.ending or "")
        return came

    async def _next(self, awaited: str, timeout: float | None) -> Frame | Closed:
        self._check_reading()
        limit = self._limit(timeout)
        with anyio.move_on_after(limit):
            await self._server.wait_for(self._has_news)
        if self._server.frames:
            return self._server.take_frame()
        if self._server.closed is not None:
            return self._server.closed
        self._raise_app_error()
        if self._server.dropped is not None:
            return self._server.dropped
        raise UnexpectedEventError(
            awaited, self._server.ending or f"nothing came within {limit:g} s"
        )

    # Ending.

    async def close(
        self, code: int = 1000, reason: str = "", *, timeout: float | None = None
    ) -> None:
        """Close the connection as a client does, and wait for the app to end.

        Frames that the app had sent before can still be received.

        Args:
            code: What the app is told, if the server tells it. 1005 is a close without a code.
            reason: The reason that the app is told, if the server tells it.
            timeout: Seconds.

        Raises:
            ConnectionEndedError: If the connection is over already.
            UnexpectedEventError: If the app does not end in time.
        """
        told = self._server.dialect.disconnect_by_client(code, reason)
        self._leave(
            "close the connection", told, f"the client closed with {describe_close(code, reason)}"
        )
        await self.wait_for_app(timeout=timeout)

    def vanish(self, code: int | None = None) -> None:
        """Lose the TCP connection, without a close frame.

        From now on, the app's `send` raises `OSError`, or does what the server that `connect`
        was told to play does. The app receives what is queued for it, then the disconnect.

        Args:
            code: What the app is told; `None` for what the server tells, which is 1006 or 1005.

        Raises:
            ConnectionEndedError: If the connection is over already.
        """
        told = self._server.dialect.told_reset if code is None else code
        disconnect = self._server.dialect.disconnect(told)
        self._leave("vanish", disconnect, f"the client vanished with {describe_close(told, '')}")

    def shutdown(self) -> None:
        """Shut the server down, as far as this connection sees it.

        By default the app gets a disconnect with 1012. Most servers cancel it instead, and some
        of those lose the connection before.

        Raises:
            ConnectionEndedError: If the connection is over already.
        """
        action, dialect = "shut the server down", self._server.dialect
        match shutdown := dialect.shutdown:
            case "disconnects":
                how = f"the server shut down with {describe_close(1012, '')}"
                # Unlike the disconnect of a client that closes, uvicorn's own has no reason.
                self._leave(action, {"type": "websocket.disconnect", "code": 1012}, how)
            case "cancels":
                self._check_open(action)
                self._server.cancel()
            case "kills":
                self._leave(action, dialect.disconnect(1006), "the server was killed")
                self._server.cancel()
            case _:
                assert_never(shutdown)

    def cancel_app(self) -> None:
        """Cancel the app's task, as hypercorn does when it shuts down.

        The app can still close the connection.

        Raises:
            ConnectionEndedError: If the connection is over already.
        """
        self._check_open("cancel the app")
        self._server.cancel()

    async def wait_for_app(self, *, timeout: float | None = None) -> None:
        """Wait until the app has ended.

        Args:
            timeout: Seconds.

        Raises:
            UnexpectedEventError: If it does not end in time.
            BaseException: What the app raised, if that was not raised before.
        """
        limit = self._limit(timeout)
        with anyio.move_on_after(limit):
            await self._server.wait_for(lambda: self._server.has_ended)
        if not self._server.has_ended:
            raise UnexpectedEventError("the app's end", f"it still ran after {limit:g} s")
        self._raise_app_error()

    def pause_reading(self) -> None:
        """Stop reading, as a slow client does: the app's sends of frames wait from now on.

        A send that waits has given its frame to the server already: the client gets it.
        """
        self._server.set_paused(True)

    def resume_reading(self) -> None:
        """Read again: the sends that wait go on."""
        self._server.set_paused(False)

    def _leave(self, action: str, disconnect: Event, how: str) -> None:
        self._check_open(action)
        self._server.leave(disconnect, how)

    def _check_open(self, action: str) -> None:
        if self._server.ending is not None:
            self._raise_app_error()
            raise ConnectionEndedError(action, self._server.ending)

    def _check_reading(self) -> None:
        self._server.check_loop()
        if self._server.is_paused:
            raise InvalidStateError("the client has paused reading: call resume_reading() first")

    def _has_news(self) -> bool:
        return bool(self._server.frames) or self._server.ending is not None

    def _raise_app_error(self) -> None:
        if (error := self._server.take_error()) is not None:
            raise error

    def _limit(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else timeout
