"""The close, as each server takes it."""

import logging

from wsendpoints.handshake.identity import LogFields
from wsendpoints.protocol.asgi import Scope, Send
from wsendpoints.protocol.server_errors import is_servers
from wsendpoints.protocol.servers import DAPHNES_OFFSET, is_daphne
from wsendpoints.protocol.state import CLOSE

__all__ = ["send_close"]

logger: logging.Logger = logging.getLogger("wsendpoints")


async def send_close(send: Send, code: int, reason: str, scope: Scope) -> None:
    """Send a close with a code that the server takes; if none, the peer disconnected.

    Args:
        send: The server's.
        code: The code that the application, or this library, closes with.
        reason: The reason.
        scope: The connection's; daphne is recognised by it.

    Raises:
        Exception: Something between this and the server raised it.
    """
    if 1000 < code < 3000 and is_daphne(scope):
        await _send(send, code, code + DAPHNES_OFFSET, reason, scope)
    else:
        await _send(send, code, code, reason, scope)


async def _send(send: Send, code: int, sent: int, reason: str, scope: Scope) -> None:
    if sent != code:
        _tell(scope, "close: the server refuses code %d, sending %d", code, sent)
    try:
        await send({"type": CLOSE, "code": sent, "reason": reason})
    except Exception as exc:
        if not is_servers(exc):
            raise
        # uvicorn's legacy implementation raises RuntimeError after it delivered a disconnect.
        if isinstance(exc, OSError | RuntimeError):
            _tell(scope, "close: the peer disconnected before: %s", type(exc).__name__)
        elif 1000 < sent < 3000:
            await _send(send, code, sent + DAPHNES_OFFSET, reason, scope)
        else:
            _tell(scope, "close: the server can't: %s", type(exc).__name__)


def _tell(scope: Scope, text: str, *arguments: object) -> None:
    logger.debug(text, *arguments, extra=LogFields(scope))
