"""Handlers that are async generators: what they yield is sent as it comes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from typing import Any, Final

from anyio.lowlevel import checkpoint

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.messages.declaration import Handler, Stream
from wsendpoints.protocol.state import ConnectionState

__all__ = ["streaming"]


_TURN: Final = 0.001
"""Seconds that a generator may go on before others have a turn."""


def streaming(function: Stream) -> Handler:
    """Return the handler that sends what an async generator yields."""

    def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        lifecycle = endpoint._lifecycle
        return _send_each(
            function(endpoint, websocket, data), lifecycle.connection, lifecycle.tasks
        )

    return handler


async def _send_each(
    replies: AsyncGenerator[Any, None], connection: Connection, tasks: Tasks
) -> None:
    """Send what is yielded, until the connection ends: the generator is cancelled then."""
    with tasks.scope():
        turn_ends = monotonic() + _TURN
        async with aclosing(replies):
            async for reply in replies:
                if connection.state is not ConnectionState.OPEN:
                    return
                await connection.transmit(connection.encode(reply))
                # A generator that never waits must not keep the others from running. To let them
                # run takes as long as three messages, so it is not done for each.
                if monotonic() >= turn_ends:
                    await checkpoint()
                    turn_ends = monotonic() + _TURN
