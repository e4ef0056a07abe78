"""MessagePack, for tests: the package has no types."""

from importlib import import_module
from typing import Any

__all__ = ["extension", "pack", "unpack"]

_msgpack: Any = import_module("msgpack")


def pack(value: Any) -> bytes:
    """Return the MessagePack of a value."""
    packed: bytes = _msgpack.packb(value, datetime=True)
    return packed


def unpack(frame: Any) -> Any:
    """Return the value of MessagePack, with moments as datetimes, and any keys."""
    return _msgpack.unpackb(frame, timestamp=3, strict_map_key=False)


def extension(code: int, data: bytes) -> Any:
    """Return a value of an extension type."""
    return _msgpack.ExtType(code, data)
