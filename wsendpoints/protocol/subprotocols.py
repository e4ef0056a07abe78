"""Subprotocols: what is offered, what may be chosen, and the token that may stand among them."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, cast

__all__ = [
    "BEARER",
    "check_subprotocol",
    "choose_subprotocol",
    "is_token",
    "parse_subprotocols",
    "real_subprotocols",
]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

BEARER: Final = "bearer."
"""What a token begins with that travels among the subprotocols; see `bearer_token`."""


def is_token(text: str) -> bool:
    """Whether `text` is a token: the form of a subprotocol, or of a header's name.

    RFC 9110, section 5.6.2: one or more ASCII letters, digits and some signs.
    """
    return _TOKEN.fullmatch(text) is not None


def parse_subprotocols(value: object) -> list[str]:
    """Return the subprotocols that a client offers, in its order of preference.

    Args:
        value: What the scope has under `"subprotocols"`: an iterable of `str` (ASGI spec,
            "WebSocket Connection Scope"). Anything else counts as no offer.

    Returns:
        Tokens without duplicates; RFC 6455, section 4.1, item 10, wants them so of the client.
        The rest is left out: no server can select it.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return []
    items = cast("Iterable[object]", value)  # Pyright takes it for one of unknown items.
    return list(dict.fromkeys(item for item in items if isinstance(item, str) and is_token(item)))


def real_subprotocols(offered: Iterable[str]) -> list[str]:
    """Return the subprotocols offered, without the tokens among them.

    Args:
        offered: What the client offers: `websocket.subprotocols`.

    Returns:
        Those that may be chosen, and so sent back, in the client's order.
    """
    return [offer for offer in offered if not offer.startswith(BEARER)]


def check_subprotocol(subprotocol: object, offered: Sequence[str]) -> str:
    """Return `subprotocol` if the server may choose it.

    Raises:
        ValueError: It is not one of `offered`. A server that is made to send it answers with
            an error, or exits. RFC 6455, section 4.2.2, /subprotocol/: "The value chosen MUST
            be derived from the client's handshake". Or it is a token, which is not sent back.
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


def choose_subprotocol(preferred: Sequence[str], offered: Iterable[str]) -> str | None:
    """Return the subprotocol to accept a connection with.

    RFC 6455, section 4.2.2, item 5, /subprotocol/: "a single value representing the subprotocol
    the server is ready to use", chosen from the client's handshake.

    Args:
        preferred: Those that the server speaks, the most wanted first.
        offered: What the client offers: `websocket.subprotocols`. Its order does not matter.

    Returns:
        The first of `preferred` that is offered; `None` if none is. It is never a token.
    """
    real = frozenset(real_subprotocols(offered))
    return next((name for name in preferred if name in real), None)
