"""What members of a group are told when they missed something."""

from dataclasses import dataclass
from typing import Any, final

from wsendpoints.connection.websocket import WebSocket
from wsendpoints.groups.group import Group

__all__ = ["Gap", "ignore_gap"]


@final
@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a group that were published, and that its members here did not get.

    Attributes:
        group: The group, as it was joined.
        lost: How many they are; `None` if nobody knows, as after what kept them was emptied.
    """

    group: Group[Any] | str
    lost: int | None


async def ignore_gap(self: Any, websocket: WebSocket, gap: Gap) -> None:
    """Take note that the client missed messages of a group, as while Redis was away.

    It runs as a task of the connection, for each group with such a gap. A group that has a history
    is filled from it first; what is still missing then is not kept any more. By default nothing
    is done.

    Args:
        self: The endpoint.
        websocket: The connection.
        gap: How many messages of which group.
    """
