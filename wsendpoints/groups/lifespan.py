"""The lifespan of an application with nothing else to start (ASGI spec, "Lifespan Protocol")."""

import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

from wsendpoints.protocol.asgi import Receive, Send

__all__ = ["serve_lifespan"]

logger: logging.Logger = logging.getLogger("wsendpoints")


async def serve_lifespan(
    started: AbstractAsyncContextManager[Any], receive: Receive, send: Send
) -> None:
    """Enter something as the server starts, and leave it as the server shuts down.

    If it can't be entered, the server is told, and does not start.

    Args:
        started: What is entered, and left, in the task that the server serves the lifespan in.
        receive: The scope's.
        send: The scope's.

    Raises:
        Exception: It failed meanwhile, or as it was left; the server logs it.
    """
    await receive()
    try:
        await started.__aenter__()
    except Exception as exc:
        logger.exception("the application can't start")
        await send({"type": "lifespan.startup.failed", "message": str(exc)})
        return
    try:
        await send({"type": "lifespan.startup.complete"})
        await receive()
    finally:
        await started.__aexit__(None, None, None)
    await send({"type": "lifespan.shutdown.complete"})
