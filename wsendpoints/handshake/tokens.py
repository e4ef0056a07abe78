"""Bearer tokens of the handshake, and the subprotocols that are offered beside them.

A browser's page can't set the header `Authorization` of a WebSocket. What it can set is the list
of subprotocols, so a token travels there, as an offer that is never chosen.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from wsendpoints.handshake.request import Request
from wsendpoints.protocol.subprotocols import BEARER

__all__ = [
    "bearer_token",
]

_SCHEME: Final = re.compile(r"(?i:bearer)(?: .*)?", re.ASCII | re.DOTALL)
_CREDENTIALS: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)", re.ASCII)
"""RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1)."""

_VISIBLE: Final = re.compile(r"[\x20-\x7e]+")
"""RFC 6749, appendix A.12: what an access token is made of."""


def bearer_token(websocket: Request) -> str | None:
    """Return the token that the client authenticates with.

    It comes in the header `Authorization: Bearer <token>` (RFC 6750, section 2.1) or, from a
    browser, as one of the subprotocols offered: `bearer.` and the token in base64url without
    padding (RFC 4648, section 5). A page offers it beside a real subprotocol, which is the one
    that is chosen: browsers end a connection if none of those offered is.

    ```javascript
    const encoded = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    new WebSocket(url, ["chat.v1", `bearer.${encoded}`]);
    ```

    The token is not checked in any way. Compare it in constant time:
    `hmac.compare_digest(token, expected)`, which raises for no client, as the token is ASCII.
    Prefer tokens that live for minutes: a proxy may write either header to its log. A connection
    goes on after its token expired, unless you end it.

    Args:
        websocket: The connection, in its handshake or later.

    Returns:
        The token, of printable ASCII (RFC 6749, appendix A.12). `None` if there is none, if it is
        not as above, or if there are several: "Clients MUST NOT use more than one method to
        transmit the token in each request" (RFC 6750, section 2). Credentials of another scheme,
        such as a browser's own for HTTP Basic, do not count. It never raises.
    """
    headers = websocket.headers.getlist("authorization")
    offers = [offer for offer in websocket.subprotocols if offer.startswith(BEARER)]
    if len(headers) > 1 or len(offers) > 1:
        return None
    if headers and _SCHEME.fullmatch(headers[0]):
        found = _CREDENTIALS.fullmatch(headers[0])
        return found[1] if found and not offers else None
    return _decode(offers[0].removeprefix(BEARER)) if offers else None


def _decode(text: str) -> str | None:
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = data.decode("ascii")
    except ValueError:
        return None
    # The decoder skips what it does not know, and ignores the bits left over at the end: one
    # token would have many forms. RFC 4648, sections 3.3 and 3.5.
    is_canonical = urlsafe_b64encode(data).rstrip(b"=") == text.encode()
    return token if is_canonical and _VISIBLE.fullmatch(token) else None
