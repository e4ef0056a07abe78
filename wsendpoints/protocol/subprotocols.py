"""Subprotocols: what a client offers, which offer may be chosen, and which carries a token."""

from collections.abc import Iterable, Sequence
from typing import Final, cast

from wsendpoints.protocol.headers import is_token

__all__ = [
    "BEARER",
    "check_subprotocol",
    "choose_subprotocol",
    "parse_subprotocols",
    "real_subprotocols",
]

BEARER: Final = "bearer."
"""The prefix of an offer that carries a bearer token; see `handshake.tokens`."""


def parse_subprotocols(value: object) -> list[str]:
    """Return the subprotocols that a client offers, in its order of preference.

    Args:
        value: The scope's `"subprotocols"`: an iterable of `str` (ASGI spec, "WebSocket
            Connection Scope"). Anything else counts as no offer.

    Returns:
        The offers that are tokens (RFC 9110), without duplicates: RFC 6455, section 4.1,
        item 10, requires both of the client. Other items are dropped: no server can select them.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return []
    items = cast("Iterable[object]", value)  # Pyright infers `Iterable[Unknown]`.
    return list(dict.fromkeys(item for item in items if isinstance(item, str) and is_token(item)))


def real_subprotocols(offered: Iterable[str]) -> list[str]:
    """Return the offers that name a subprotocol, without those that carry a bearer token.

    Args:
        offered: What the client offers: `websocket.subprotocols`.

    Returns:
        The subprotocols that may be chosen, and so sent back, in the client's order.
    """
    return [offer for offer in offered if not offer.startswith(BEARER)]


def check_subprotocol(subprotocol: object, offered: Sequence[str]) -> str:
    """Return `subprotocol` if the server may choose it.

    Raises:
        ValueError: It is not one of `offered`, or it carries a bearer token, which must not be
            sent back. RFC 6455, section 4.2.2, /subprotocol/: "The value chosen MUST be derived
            from the client's handshake". Told to send another, some servers answer with an
            error and others exit.
    """
    if isinstance(subprotocol, str) and subprotocol.startswith(BEARER):
        raise ValueError("a token among the subprotocols can't be chosen: it would be sent back")
    real = real_subprotocols(offered)
    if isinstance(subprotocol, str) and subprotocol in real:
        return subprotocol
    raise ValueError(
        f"the subprotocol {subprotocol!r} can't be chosen: "
        + (f"the client offers {', '.join(real)}" if real else "the client offers none")
    )


def choose_subprotocol(preferred: Iterable[str], offered: Iterable[str]) -> str | None:
    """Return the subprotocol to accept a connection with.

    RFC 6455, section 4.2.2, item 5, /subprotocol/: "a single value representing the subprotocol
    the server is ready to use", chosen from the client's handshake.

    Args:
        preferred: The subprotocols that the server supports, in order of preference.
        offered: What the client offers: `websocket.subprotocols`. Its order does not matter.

    Returns:
        The first of `preferred` that is offered, or `None`; never an offer that carries a token.
    """
    real = frozenset(real_subprotocols(offered))
    return next((name for name in preferred if name in real), None)
