"""The HTTP response that refuses a handshake."""

from typing import final

from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.protocol.headers import HeadersLike, check_headers

__all__ = ["DenialResponse"]


@final
class DenialResponse:
    """A small HTTP response to refuse a handshake with.

    Any other ASGI response, such as Starlette's, works as well.

    Args:
        body: The body; a `str` is sent as UTF-8.
        status: The HTTP status.
        headers: The headers. If they are missing, `content-length` is added, and `content-type`
            for a `str`.

    Raises:
        ValueError: A header can't be sent.
        TypeError: A header is made of something other than str or bytes.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        body: str | bytes = b"",
        status: int = 403,
        *,
        headers: HeadersLike | None = None,
    ) -> None:
        self.status: int = status
        self.headers: list[tuple[bytes, bytes]] = check_headers(headers)
        self.body: bytes = body.encode() if isinstance(body, str) else body
        given = {name for name, _ in self.headers}
        if isinstance(body, str) and b"content-type" not in given:
            self.headers.append((b"content-type", b"text/plain; charset=utf-8"))
        if b"content-length" not in given:
            self.headers.append((b"content-length", str(len(self.body)).encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, as an ASGI application does.

        Cancelling it may leave the response incomplete.
        """
        prefix = "websocket." if scope["type"] == "websocket" else ""
        await send(
            {
                "type": f"{prefix}http.response.start",
                "status": self.status,
                "headers": self.headers,
            }
        )
        await send({"type": f"{prefix}http.response.body", "body": self.body})
