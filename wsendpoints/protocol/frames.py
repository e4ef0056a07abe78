"""The payload of one frame: a str or bytes that every server accepts."""

from typing import cast

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import ServerProtocolError

__all__ = ["check_binary", "check_text", "frame_of"]


def frame_of(event: Event) -> str | bytes:
    """Return the payload of a `websocket.receive` event.

    ASGI spec, WebSocket, "Receive": "At least one of `bytes` or `text` must be non-`None`."

    Raises:
        ServerProtocolError: The event has no payload, two of them, or one of another type.
    """
    text: object = event.get("text")
    data: object = event.get("bytes")
    if isinstance(text, str) and data is None:
        return text
    if isinstance(data, bytes) and text is None:
        return data
    raise ServerProtocolError(
        "the server sent a 'websocket.receive' event with "
        f"'text' of {type(text).__name__} and 'bytes' of {type(data).__name__}; "
        "expected one of them, a str or bytes"
    )


def check_text(text: object) -> str:
    """Return `text` if a text frame can carry it.

    Raises:
        TypeError: It is not a str.
        ValueError: It holds a lone surrogate, which UTF-8 can't encode (RFC 3629, section 3).
            Given one, a server would drop the connection, or silently send nothing.
    """
    if not isinstance(text, str):
        raise TypeError(f"a text frame carries a str, not {type(text).__name__}")
    # `isascii` reads a flag of the string, so the common case costs next to nothing.
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            raise ValueError(
                f"a text frame can't carry the lone surrogate at position {exc.start}"
            ) from None
    return text


def check_binary(data: object) -> bytes:
    """Return `data` as bytes if a binary frame can carry it.

    Raises:
        TypeError: It is not bytes, a bytearray or a memoryview.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(cast("memoryview", data))
    raise TypeError(f"a binary frame carries bytes, not {type(data).__name__}")
