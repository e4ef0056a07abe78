"""Clients that are told what one of them says, and how long that takes; and one that does not read.

They are raw sockets, as those of `benchmarks.load`. The next message is said when all have the one
before.
"""

import selectors
import socket
import struct
import time
from typing import Final

from benchmarks.frames import CLOSE, TEXT, frame
from benchmarks.load import Connection, UnexpectedReplyError

__all__ = ["Listeners", "Silent", "frame_of_server"]

PATIENCE: Final = 10.0
"""Seconds that a server may take for a handshake, and for what a client reads at last."""

RECEIVE_BUFFER: Final = 65536
"""Bytes that the system takes for a client that does not read; by itself it would take more."""


class Listeners:
    """Clients that all get what the first of them says.

    Args:
        port: Where the server listens.
        number: How many they are.
        text: What is said.
    """

    def __init__(self, port: int, number: int, text: str) -> None:
        self._members = [Connection(port, PATIENCE) for _ in range(number)]
        self._said = frame(TEXT, text.encode())
        self._heard = frame_of_server(text)

    def latencies(self, times: int, at_most: float) -> list[float]:
        """Have it said so often, and return the seconds until each of them had it, each time.

        Args:
            times: How often.
            at_most: Seconds without a delivery, after which no more is said. What has not come by
                then is counted as so late.
        """
        latencies: list[float] = []
        with selectors.DefaultSelector() as selector:
            for member in self._members:
                selector.register(member.socket, selectors.EVENT_READ, member)
            for _ in range(times):
                missing = len(self._members)
                for member in self._members:
                    member.expect(self._heard)
                said_at = time.perf_counter()
                self._members[0].socket.sendall(self._said)
                while missing:
                    ready = selector.select(at_most)
                    if not ready:
                        late = times * len(self._members) - len(latencies)
                        return latencies + [at_most] * late
                    for key, _ in ready:
                        if key.data.has_reply():
                            latencies.append(time.perf_counter() - said_at)
                            missing -= 1
        return latencies

    def disconnect(self) -> None:
        """Close the connections, and wait until the server is done with them."""
        while self._members:
            self._members.pop().close()


class Silent:
    """A client that does not read.

    Args:
        port: Where the server listens.
    """

    def __init__(self, port: int) -> None:
        self._connection = Connection(port, PATIENCE)
        self._socket = self._connection.socket
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def read_to_close(self, text: str) -> tuple[int, int]:
        """Read all that came, and close.

        Args:
            text: What each message is.

        Returns:
            How many messages they were, and the code of the close that followed them.

        Raises:
            UnexpectedReplyError: There is anything else among them.
            TimeoutError: No close followed.
        """
        message = frame_of_server(text)
        number = 0
        while (data := self._connection.read_frame())[0] != 0x80 | CLOSE:
            if data != message:
                raise UnexpectedReplyError(message, data)
            number += 1
        self._connection.close()
        return number, int.from_bytes(data[2:4])

    def reset(self) -> None:
        """End without a word, by a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def frame_of_server(text: str) -> bytes:
    """Return a server's frame of a text of less than 64 KiB (RFC 6455, section 5.2)."""
    data = text.encode()
    size = len(data)
    head = bytes([0x80 | TEXT, min(size, 126)])
    return head + (size.to_bytes(2) if size >= 126 else b"") + data
