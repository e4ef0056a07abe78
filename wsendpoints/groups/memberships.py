"""Which groups each connection of this process is in, and of which it is a user."""

import logging
from functools import partial
from typing import Any, final

import anyio

from wsendpoints.connection.outbox import Outbox
from wsendpoints.groups.direct import Direct
from wsendpoints.groups.members import Members
from wsendpoints.groups.presence import Membership
from wsendpoints.groups.sharing import Sharing
from wsendpoints.lifecycle.hooks import Lifecycle, Member, lifecycle_of

__all__ = ["Memberships"]

logger: logging.Logger = logging.getLogger("wsendpoints")


@final
class Memberships:
    """Has each connection leave by itself, however it ends.

    Args:
        members: The members.
        way: How messages reach them, which counts users.
    """

    __slots__ = ("_counted", "_joined", "_members", "_way")

    def __init__(self, members: Members, way: Direct | Sharing) -> None:
        self._members = members
        self._way = way
        # `None` stands for one that need not be known any more.
        self._joined: dict[Outbox, dict[str, Membership | None]] = {}
        # Those of users: until their connection has ended for good.
        self._counted: dict[Outbox, list[Membership]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept of any connection."""
        return not (self._joined or self._counted)

    def of(self, lifecycle: Lifecycle, box: Outbox) -> dict[str, Membership | None]:
        """Return those of a connection, by the names of the groups, to be added to."""
        joined = self._joined.get(box)
        if joined is None:
            joined = self._joined[box] = {}
            lifecycle.connection.at_end(partial(self._leave_all, box))
        return joined

    def found(self, endpoint: Member) -> list[tuple[Outbox, dict[str, Membership | None]]]:
        """Return the outbox of an endpoint, and its memberships, if it has some."""
        box = lifecycle_of(endpoint).open_outbox
        joined = None if box is None else self._joined.get(box)
        return [] if box is None or joined is None else [(box, joined)]

    def boxes_of(self, endpoints: Any) -> frozenset[object]:
        """Return the outboxes of an endpoint, or of some; those that are in no group have none."""
        some = [endpoints] if hasattr(endpoints, "_lifecycle") else endpoints
        return frozenset(box for endpoint in some for box, _ in self.found(endpoint))

    def count(self, lifecycle: Lifecycle, box: Outbox, membership: Membership) -> None:
        """Take note that a user is counted until the connection has ended."""
        if box not in self._counted:
            lifecycle.farewells += (partial(self._depart_all, box),)
        self._counted.setdefault(box, []).append(membership)

    async def uncount(self, box: Outbox, membership: Membership) -> None:
        """Count a user's connection no more that was to be in a group, if it was counted."""
        counted = self._counted.get(box, [])
        if membership in counted:
            counted.remove(membership)
            with anyio.CancelScope(shield=True):
                await self._way.depart(membership)

    async def _depart_all(self, box: Outbox) -> None:
        for membership in self._counted.pop(box):
            try:
                await self._way.depart(membership)
            except Exception:
                logger.exception("%s: to tell that a user left failed", membership.name)

    def _leave_all(self, box: Outbox) -> None:
        for name in self._joined.pop(box, {}):
            self._members.discard(name, box)
