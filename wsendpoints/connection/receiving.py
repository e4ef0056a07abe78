"""What the application receives of a connection: raw events, or messages of one kind."""

from collections.abc import AsyncIterator
from typing import Any, Final, Literal

from wsendpoints.connection.connection import Connection
from wsendpoints.handshake.request import Request
from wsendpoints.messages.codecs import decode_json
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import (
    InvalidStateError,
    UnsupportedDataError,
    WebSocketDisconnect,
    about,
)
from wsendpoints.protocol.frames import frame_of
from wsendpoints.protocol.state import DISCONNECT, ConnectionState

__all__ = ["Receiving", "check_mode"]

_NOT_ACCEPTED: Final = frozenset(
    {ConnectionState.CONNECTING, ConnectionState.HANDSHAKE, ConnectionState.DENYING}
)
_ENDED_BY_US: Final = frozenset({ConnectionState.CLOSED, ConnectionState.BROKEN})


class Receiving(Request):
    """The half of `WebSocket` that receives; `WebSocket` makes the connection."""

    __slots__ = ("_connection",)

    _connection: Connection

    async def receive_text(self) -> str:
        """Wait for the next message, which is to be text.

        One task at a time may call it. Cancelling it loses no message.

        Raises:
            UnsupportedDataError: It is binary.
            WebSocketDisconnect: The connection ended, by the peer or by us.
            InvalidStateError: The connection is not accepted yet, or another task is receiving.
        """
        frame = await self._receive_frame()
        if isinstance(frame, str):
            return frame
        raise about(UnsupportedDataError("expected a text message, not a binary one"), frame)

    async def receive_bytes(self) -> bytes:
        """Wait for the next message, which is to be binary; for the rest see `receive_text`.

        Raises:
            UnsupportedDataError: It is text.
        """
        frame = await self._receive_frame()
        if isinstance(frame, bytes):
            return frame
        raise about(UnsupportedDataError("expected a binary message, not a text one"), frame)

    async def receive_json(self, mode: Literal["text", "binary"] = "text") -> Any:
        """Wait for the next message, and return the value of its JSON; see `receive_text`.

        Args:
            mode: The kind of frame that is to carry it.

        Raises:
            UnsupportedDataError: The frame is of the other kind.
            InvalidDataError: It is not UTF-8, or not JSON.
            ValueError: `mode` is neither of the two.
        """
        check_mode(mode)
        frame = await (self.receive_text() if mode == "text" else self.receive_bytes())
        return decode_json(frame)

    async def iter_text(self) -> AsyncIterator[str]:
        """Yield text messages until the connection ends; see `receive_text`."""
        try:
            while True:
                yield await self.receive_text()
        except WebSocketDisconnect:
            return

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yield binary messages until the connection ends; see `receive_bytes`."""
        try:
            while True:
                yield await self.receive_bytes()
        except WebSocketDisconnect:
            return

    async def iter_json(self, mode: Literal["text", "binary"] = "text") -> AsyncIterator[Any]:
        """Yield the values of JSON messages until the connection ends; see `receive_json`."""
        try:
            while True:
                yield await self.receive_json(mode)
        except WebSocketDisconnect:
            return

    async def receive(self) -> Event:
        """Wait for the next raw ASGI event, keeping the state right.

        One task at a time may call it. Cancelling it loses no event.

        Raises:
            InvalidStateError: The disconnect was received already (some servers never return
                from a further call), or another task is receiving.
            ServerProtocolError: The event is not one that may come now.
        """
        return await self._connection.next_event()

    async def _receive_frame(self) -> str | bytes:
        connection = self._connection
        if connection.state in _NOT_ACCEPTED:
            raise InvalidStateError("messages can be received once the connection is accepted")
        if connection.is_drained or connection.state in _ENDED_BY_US:
            raise connection.disconnect_error()
        event = await connection.next_event()
        if event["type"] == DISCONNECT:
            raise connection.disconnect_error()
        return frame_of(event)


def check_mode(mode: object) -> None:
    """Check the kind of frame that is to carry JSON.

    Raises:
        ValueError: It is neither `"text"` nor `"binary"`.
    """
    if mode not in {"text", "binary"}:
        raise ValueError(f"mode={mode!r}: use 'text' or 'binary'")
