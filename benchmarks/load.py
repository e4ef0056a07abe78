"""A client for many connections that costs little: raw sockets, frames made in advance.

It works in a closed loop: each connection sends its next message once it has the reply to the one
before. The replies are compared, byte by byte, with those that were checked at first.
"""

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Final

from benchmarks.frames import CLOSE, TEXT, frame

__all__ = ["Audience", "Connection", "Load", "UnexpectedReplyError"]

HOST: Final = "127.0.0.1"
PATIENCE: Final = 10.0

_MOST: Final = 65536


class UnexpectedReplyError(Exception):
    """A server answered with other bytes than before.

    Args:
        expected: What it answered before.
        received: What it answered now.

    Attributes:
        expected: What it answered before.
        received: What it answered now.
    """

    def __init__(self, expected: bytes, received: bytes) -> None:
        super().__init__(expected, received)
        self.expected: bytes = expected
        self.received: bytes = received

    def __str__(self) -> str:
        return f"expected {self.expected!r}, received {self.received!r}"


class Load:
    """What one server is asked, and what it has to answer.

    Args:
        port: Where the server listens.
        frames: The texts to send, again and again.
        check: Called with the replies to them, once; raises if one of them is wrong.
        patience: Seconds without any reply, after which something is wrong.
    """

    def __init__(
        self,
        port: int,
        frames: Sequence[str],
        check: Callable[[Sequence[str]], None],
        patience: float = PATIENCE,
    ) -> None:
        self._port = port
        self._patience = patience
        self._open: list[Connection] = []
        self._frames = [frame(TEXT, text.encode()) for text in frames]
        connection = Connection(port, patience)
        # Twice, to see that the same is answered in the same way.
        replies = [connection.ask(frame) for frame in (*self._frames, *self._frames)]
        connection.close()
        check([_text_of(reply) for reply in replies])
        self._replies = replies[: len(frames)]
        for expected, received in zip(self._replies, replies[len(frames) :], strict=True):
            if expected != received:
                raise UnexpectedReplyError(expected, received)

    def connect(self, connections: int) -> None:
        """Open so many connections, to talk on."""
        self._open = [Connection(self._port, self._patience) for _ in range(connections)]

    def disconnect(self) -> None:
        """Close the connections, and wait until the server is done with them."""
        while self._open:
            self._open.pop().close()

    def talk(self, seconds: float) -> tuple[float, list[float]]:
        """Send on all connections at once, for so long.

        Returns:
            The seconds that it took, and those from each message to its reply.
        """
        exchanges = list(zip(self._frames, self._replies, strict=True))
        latencies: list[float] = []
        busy = len(self._open)
        with selectors.DefaultSelector() as selector:
            start = time.perf_counter()
            for index, connection in enumerate(self._open):
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                # Not all of them say the same at the same time.
                connection.exchanges = islice(cycle(exchanges), index % len(exchanges), None)
                connection.send_next()
            while busy:
                ready = selector.select(self._patience)
                if not ready:
                    raise TimeoutError(
                        f"{busy} connections have no reply within {self._patience:g} s"
                    )
                for key, _ in ready:
                    connection = key.data
                    if not connection.has_reply():
                        continue
                    now = time.perf_counter()
                    latencies.append(now - connection.sent_at)
                    if now - start < seconds:
                        connection.send_next()
                    else:
                        busy -= 1
            return time.perf_counter() - start, latencies

    def take_turns(self, messages: int) -> None:
        """Send so many messages on each connection; each waits for the reply to the one before."""
        exchanges = list(zip(self._frames, self._replies, strict=True))
        for number in range(messages):
            for index, connection in enumerate(self._open, number):
                frame, expected = exchanges[index % len(exchanges)]
                received = connection.ask(frame)
                if received != expected:
                    raise UnexpectedReplyError(expected, received)


class Audience:
    """Connections that get what one of them has sent to all.

    Args:
        port: Where the server listens.
        number: How many they are.
        message: The text that is sent to all.
        patience: Seconds without any of it, after which something is wrong.
    """

    def __init__(self, port: int, number: int, message: str, patience: float = PATIENCE) -> None:
        self._members = [Connection(port, patience) for _ in range(number)]
        text = message.encode()
        self._frame = bytes([0x80 | TEXT, len(text)]) + text
        assert len(text) < 126

    def have_sent(self, times: int) -> None:
        """Have the message sent so often, and wait until all have got it."""
        self._members[0].socket.sendall(frame(TEXT, str(times).encode()))
        expected = self._frame * times
        for member in self._members:
            received = member.read(len(expected))
            if received != expected:
                raise UnexpectedReplyError(expected, received)

    def disconnect(self) -> None:
        """Close the connections, and wait until the server is done with them."""
        while self._members:
            self._members.pop().close()


class Connection:
    """One connection."""

    def __init__(self, port: int, patience: float) -> None:
        self.exchanges: Iterator[tuple[bytes, bytes]]
        self.sent_at = 0.0
        self.socket = socket.create_connection((HOST, port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._expected = b""
        # No extension is offered, so that none is used: compression would be all that counts.
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        response = self._read_until(lambda data: b"\r\n\r\n" in data)
        if not response.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"the handshake was answered with {response!r}")

    def read(self, size: int) -> bytes:
        """Wait for so many bytes."""
        return self._read_until(lambda data: len(data) >= size)

    def ask(self, frame: bytes) -> bytes:
        """Send a frame, and wait for the one that answers it."""
        self.socket.sendall(frame)
        return self._read_until(_is_whole)

    def read_frame(self) -> bytes:
        """Wait for a frame of less than 64 KiB, and read no more than that."""
        head = self._read_exactly(2)
        if head[1] < 126:
            return head + self._read_exactly(head[1])
        size = self._read_exactly(2)
        return head + size + self._read_exactly(int.from_bytes(size))

    def expect(self, reply: bytes) -> None:
        """Say what comes next."""
        self._expected, self._received = reply, b""

    def send_next(self) -> None:
        frame, reply = next(self.exchanges)
        self.expect(reply)
        self.sent_at = time.perf_counter()
        self.socket.sendall(frame)

    def has_reply(self) -> bool:
        """Read what there is; whether the reply is whole."""
        data = self.socket.recv(_MOST)
        if data == self._expected:
            return True
        self._received += data
        if not data or not self._expected.startswith(self._received):
            raise UnexpectedReplyError(self._expected, self._received)
        return self._received == self._expected

    def close(self) -> None:
        """Close, and wait until the server is done with it."""
        self.socket.sendall(frame(CLOSE, b"\x03\xe8"))
        while self.socket.recv(_MOST):
            pass
        self.socket.close()

    def _read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError(f"the server closed the connection after {data!r}")
            data += more
        return data

    def _read_until(self, is_whole: Callable[[bytes], bool]) -> bytes:
        data = b""
        while not is_whole(data):
            more = self.socket.recv(_MOST)
            if not more:
                raise ConnectionError(f"the server closed the connection after {data!r}")
            data += more
        return data


def _is_whole(data: bytes) -> bool:
    """Whether a server's frame is there to its end."""
    if len(data) < 4:
        return False
    start, size = (2, data[1]) if data[1] < 126 else (4, int.from_bytes(data[2:4]))
    return len(data) == start + size


def _text_of(reply: bytes) -> str:
    """Return the text of a server's frame.

    Raises:
        UnexpectedReplyError: It is no text frame.
    """
    if reply[0] != 0x80 | TEXT:
        raise UnexpectedReplyError(bytes([0x80 | TEXT]), reply)
    return reply[2 if reply[1] < 126 else 4 :].decode()
