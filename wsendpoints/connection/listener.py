"""What is told of a connection, as it happens: the way up from a connection to what serves it."""

from wsendpoints.protocol.exceptions import ClientMessageError

__all__ = ["Listener"]


class Listener:
    """Is told what happens to a connection, as it happens.

    Its methods do nothing; override those of interest. They must neither raise nor send. It listens
    from `Connection.listen` on; those that listen are told in that order.
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

    def on_told(self) -> None:
        """What runs at this moment is told of the end of the connection, by an exception."""

    def on_held_up(self) -> None:
        """Messages have waited for long behind a handler."""

    def on_invalid(self, error: ClientMessageError) -> None:
        """A message is unusable, which the endpoint's `on_invalid` is about to be told."""

    def on_expiry_set(self) -> None:
        """`Connection.expires_at` was set."""
