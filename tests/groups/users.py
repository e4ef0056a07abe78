"""A group that tells of its users, for the tests of presence."""

from pydantic import BaseModel

from wsendpoints.groups import Group

__all__ = ["Came", "Room", "Went"]


class Came(BaseModel):
    """A user came."""

    came: str


class Went(BaseModel):
    """A user went."""

    went: str


class Room(Group[Came | Went]):
    """Tells of each user, of three at once."""

    name = "room"
    max_users = 3

    def joined(self, user: str) -> Came:
        return Came(came=user)

    def left(self, user: str) -> Went:
        if user == "raises":
            raise KeyError(user)
        return Went(went=user)
