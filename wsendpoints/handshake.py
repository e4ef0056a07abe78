"""The handshake: what an answer to it may hold, and the response that denies it."""

from collections.abc import Iterable, Sequence
from typing import Final, final

from wsendpoints.asgi import Receive, Scope, Send
from wsendpoints.headers import HeadersLike, check_headers

__all__ = [
    "BEARER",
    "DenialResponse",
    "check_subprotocol",
    "real_subprotocols",
]

BEARER: Final = "bearer."
"""What a token begins with that travels among the subprotocols; see `bearer_token`."""


def real_subprotocols(offered: Iterable[str]) -> list[str]:
    """Return the subprotocols offered, without the tokens among them.

    Args:
        offered: What the client offers: `websocket.subprotocols`.

    Returns:
        Those that may be chosen, and so sent back, in the client's order.
    """
    return [offer for offer in offered if not offer.startswith(BEARER)]


def check_subprotocol(subprotocol: object, offered: Sequence[str]) -> str:
    """Return `subprotocol` if the server may choose it.

    Raises:
        ValueError: It is not one of `offered`. A server that is made to send it answers with
            an error, or exits. RFC 6455, section 4.2.2, /subprotocol/: "The value chosen MUST
            be derived from the client's handshake". Or it is a token, which is not sent back.
    """
    if isinstance(subprotocol, str) and subprotocol.startswith(BEARER):
        raise ValueError("a token among the subprotocols can't be chosen: it would be sent back")
    real = real_subprotocols(offered)
    if isinstance(subprotocol, str) and subprotocol in real:
        return subprotocol
    raise ValueError(
        f"the subprotocol {subprotocol!r} can't be chosen: "
        + (f"the client offers {', '.join(real)}" if real else "the client offers none")
    )


@final
class DenialResponse:
    """A small HTTP response, to refuse a handshake with.

    Any other ASGI response does as well, Starlette's among them.

    Args:
        body: The body; a `str` is sent as UTF-8.
        status: The HTTP status.
        headers: Its headers. `content-length` is added, and, for a `str`, `content-type`.

    Raises:
        ValueError: A header can't be sent.
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
        """Send the response, as an ASGI application does."""
        prefix = "websocket." if scope["type"] == "websocket" else ""
        await send(
            {
                "type": f"{prefix}http.response.start",
                "status": self.status,
                "headers": self.headers,
            }
        )
        await send({"type": f"{prefix}http.response.body", "body": self.body})
