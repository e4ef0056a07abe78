"""The frames that a client sends (RFC 6455, section 5.2)."""

from typing import Final

__all__ = ["CLOSE", "PING", "PONG", "TEXT", "frame"]

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    head = bytes([0x80 | opcode, 0x80 | min(size, 126)])
    return head + (size.to_bytes(2) if size >= 126 else b"") + bytes(4) + payload
