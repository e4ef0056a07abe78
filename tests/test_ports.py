"""The ports that servers of the tests listen on."""

import errno
import os
import socket

import pytest

from tests.ports import HOST, reserve_port


def test_a_reserved_port_is_for_one_server_alone() -> None:
    """No second one is reserved, and the server can listen there, also a second time."""
    with reserve_port() as reserved:
        port = reserved.getsockname()[1]
        in_use = os.strerror(errno.EADDRINUSE)
        with socket.socket() as other, pytest.raises(OSError, match=in_use):
            other.bind((HOST, port))
        for _ in range(2):
            with socket.create_server((HOST, port)), socket.create_connection((HOST, port)):
                pass
