"""How one outcome looks on a server, by its facts."""

from .clients import Closed
from .servers import Server

__all__ = ["as_sent", "as_told"]


def as_sent(server: Server, code: int, reason: str = "") -> Closed:
    """Return how a client sees our close."""
    if code in server.facts.refused_codes:
        code += 3000
    return Closed(code, reason if server.facts.close_reasons else "")


def as_told(server: Server, code: int) -> int:
    """Return the code that `on_disconnect` is given for a client's close."""
    return code if server.facts.told_code is None else server.facts.told_code
