"""Backplanes: what connects the processes that share groups."""

from wsendpoints.backplanes.backplane import Backplane, Receiver
from wsendpoints.backplanes.local import LocalBackplane
from wsendpoints.backplanes.logs import History
from wsendpoints.backplanes.memory import Hub, MemoryBackplane
from wsendpoints.backplanes.redis import RedisBackplane

__all__ = [
    "Backplane",
    "History",
    "Hub",
    "LocalBackplane",
    "MemoryBackplane",
    "Receiver",
    "RedisBackplane",
]
