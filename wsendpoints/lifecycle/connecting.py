"""The handshake of a class that leaves it to the default: answered where nothing else runs yet.

Until the first message there is nothing to be watched or ended, and so no task group: a client
that says nothing costs a third of the time, and a quarter of the memory, of one that does. The
limits are those of every handshake.
"""

import asyncio

import anyio

from wsendpoints.connection.connection import Connection
from wsendpoints.connection.stepping import DONE, resume
from wsendpoints.lifecycle.deadlines import strictest
from wsendpoints.lifecycle.hooks import Hooks
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.limits import Period
from wsendpoints.protocol.state import RECEIVE

__all__ = ["connect_alone"]


async def connect_alone(endpoint: Hooks, connection: Connection) -> Event | Deadline | None:
    """Answer the handshake, and wait for the first message.

    Returns:
        The first message; the time limit that passed before the handshake was answered; or `None`
        if the client disconnected.
    """
    answer = endpoint.on_connect(endpoint.websocket)
    # A cancel scope costs a third of a whole handshake (3.6 of 10 us). On asyncio there is none
    # unless the server holds the accept up, which is rare: unlike a cancel scope,
    # `asyncio.timeout` may begin in the middle, within scopes that a middleware has open.
    if is_asyncio():
        steps = answer.__await__()
        if (trap := next(steps, DONE)) is not DONE:
            deadline = _deadline(endpoint)
            timeout = asyncio.timeout(deadline and deadline.seconds)
            try:
                async with timeout:
                    await resume(steps, trap)
            except TimeoutError:
                if not timeout.expired():
                    raise
                return deadline
    else:
        deadline = _deadline(endpoint)
        with anyio.move_on_after(deadline and deadline.seconds) as scope:
            await answer
        if scope.cancelled_caught:
            return deadline
    event = await connection.receive()
    if event.get("type") == RECEIVE:
        return event
    connection.received(event)
    return None


def _deadline(endpoint: Hooks) -> Deadline | None:
    return strictest(endpoint.limits, Period.CONNECTING, Period.SENDING)
