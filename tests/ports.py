"""The ports that servers of the tests listen on."""

import random
import socket
from typing import Final

__all__ = ["HOST", "reserve_port"]

HOST: Final = "127.0.0.1"


def reserve_port() -> socket.socket:
    """Return a socket that keeps other tests' servers away from its port, until it is closed.

    A server takes a while until it listens. A port that is only found free may meanwhile be
    given to a second server, and each would take the other for itself.
    """
    # Below those that the system gives to outgoing connections (32768 to 60999 on Linux): one of
    # these may be taken by any client before the server listens there.
    while True:
        reserved = socket.socket()
        try:
            # Only one socket can be bound to a port in this way ...
            reserved.bind((HOST, random.randrange(20000, 32000)))  # noqa: S311 - no secret
        except OSError:
            reserved.close()
        else:
            # ... and from here on those that set the same option can be too, as all servers do.
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return reserved
