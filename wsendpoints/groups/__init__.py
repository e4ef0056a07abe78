"""Groups: one message to many clients, from anywhere in the application."""

from wsendpoints.groups.group import Group
from wsendpoints.groups.groups import Groups
from wsendpoints.groups.logs import History

__all__ = ["Group", "Groups", "History"]
