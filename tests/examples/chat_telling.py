"""The chat, where each worker tells which browser's connections it serves."""

import os
from pathlib import Path

from examples.chat import app as chat
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["app"]


def tell(window: str) -> None:
    """Tell which process serves a window, whose browser has its name."""
    Path(os.environ["CHAT_WORKERS"], window).write_text(str(os.getpid()))


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the chat."""
    if scope["type"] == "websocket":
        headers = dict(scope["headers"])
        tell(headers[b"user-agent"].decode())
    await chat(scope, receive, send)
