"""What an endpoint does while it does not wait for the next event."""

from enum import Enum

__all__ = ["Stage"]


class Stage(Enum):
    """What the loop of a conversation does."""

    CONNECTING = "the handshake"
    HANDLING = "a handler"
    REPLYING = "sending a handler's reply"
