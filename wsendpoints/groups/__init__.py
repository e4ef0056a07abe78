"""Groups: one message to many clients, from anywhere in the application."""

from wsendpoints.backplanes.logs import History
from wsendpoints.groups.group import Group
from wsendpoints.groups.groups import Groups

__all__ = ["Group", "Groups", "History"]
