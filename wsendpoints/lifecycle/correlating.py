"""Handlers whose reply has the id of the message that it answers."""

import functools
from typing import Any

from wsendpoints.lifecycle.answering import ANSWERED
from wsendpoints.messages.declaration import Handler

__all__ = ["correlating"]


def correlating(function: Handler) -> Handler:
    """Return the handler that gives another one's reply the id of the message."""

    @functools.wraps(function, updated=())
    async def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        reply: Any = await function(endpoint, websocket, data)
        if reply is None:
            return None
        return endpoint._lifecycle.declaration.correlation.fill(reply, ANSWERED.get())

    return handler
