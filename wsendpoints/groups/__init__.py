"""Groups: one message to many clients, from anywhere in the application."""

from wsendpoints.backplanes import (
    Backplane,
    History,
    LocalBackplane,
    MemoryBackplane,
    RedisBackplane,
)
from wsendpoints.groups.gap import Gap
from wsendpoints.groups.group import Group
from wsendpoints.groups.groups import Groups

__all__ = [
    "Backplane",
    "Gap",
    "Group",
    "Groups",
    "History",
    "LocalBackplane",
    "MemoryBackplane",
    "RedisBackplane",
]
