"""What is told of a connection, as it happens: the way up from a connection to what serves it."""

from typing_extensions import override

__all__ = ["Listener", "Relay"]


class Listener:
    """Is told what happens to a connection, as it happens.

    Its methods do nothing; override those of interest. They must neither raise nor send.
    """

    __slots__ = ()

    def on_accept(self) -> None:
        """The accept is sent."""

    def on_close(self) -> None:
        """A close is about to be sent."""

    def on_disconnect(self) -> None:
        """The peer disconnected, or more is known of how it did."""

    def on_send(self) -> None:
        """A send begins, while `Connection.tells_sends` is set."""

    def on_sent(self) -> None:
        """A send has ended, while `Connection.tells_sent` is set."""

    def on_expiry_set(self) -> None:
        """`Connection.expires_at` was set."""


class Relay(Listener):
    """A listener in front of another one: what it overrides, it passes on by `super()`.

    It is put there once the endpoint listens: `connection.listener = Log(connection.listener)`.

    Args:
        behind: The listener that was there before.
    """

    __slots__ = ("_behind",)

    def __init__(self, behind: Listener) -> None:
        self._behind = behind

    @override
    def on_accept(self) -> None:
        self._behind.on_accept()

    @override
    def on_close(self) -> None:
        self._behind.on_close()

    @override
    def on_disconnect(self) -> None:
        self._behind.on_disconnect()

    @override
    def on_send(self) -> None:
        self._behind.on_send()

    @override
    def on_sent(self) -> None:
        self._behind.on_sent()

    @override
    def on_expiry_set(self) -> None:
        self._behind.on_expiry_set()
