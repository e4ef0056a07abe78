"""How one outcome looks on a server that can't do without its exceptions."""

from .clients import Closed
from .servers import Lack, Server

__all__ = ["as_sent", "as_told"]


def as_sent(server: Server, code: int, reason: str = "") -> Closed:
    """Return how a client sees our close."""
    if Lack.CLOSE_CODES in server.lacks and 1000 < code < 3000:
        code += 3000
    return Closed(code, "" if Lack.CLOSE_REASON in server.lacks else reason)


def as_told(server: Server, code: int) -> int:
    """Return the code that `on_disconnect` is given for a client's close."""
    return 1006 if Lack.CLIENTS_CODE in server.lacks else code
