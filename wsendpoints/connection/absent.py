"""What takes the place of a server's `receive` and `send` where there is none."""

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.exceptions import InvalidStateError

__all__ = ["no_receive", "no_send"]


async def no_receive() -> Event:
    """Receive nothing.

    Raises:
        InvalidStateError: Always.
    """
    raise InvalidStateError("this WebSocket was made without a `receive`: it can't receive")


async def no_send(event: Event) -> None:
    """Send nothing.

    Raises:
        InvalidStateError: Always.
    """
    raise InvalidStateError("this WebSocket was made without a `send`: it can't send")
