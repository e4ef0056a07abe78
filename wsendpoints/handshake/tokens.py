"""The bearer token of a handshake, from the `Authorization` header or from a subprotocol.

A page in a browser can't set the `Authorization` header of a WebSocket. It can set the list of
subprotocols, so the token is one of them: an offer that is never chosen.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from wsendpoints.handshake.request import Request
from wsendpoints.protocol.subprotocols import BEARER

__all__ = ["bearer_token"]

_IS_BEARER: Final = re.compile(r"(?i:bearer)(?: .*)?", re.ASCII | re.DOTALL)
_CREDENTIALS: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)", re.ASCII)
"""RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1)."""

_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
"""The characters of an access token (RFC 6749, appendix A.12)."""


def bearer_token(websocket: Request) -> str | None:
    """Return the token that the client authenticates with.

    It is in the header `Authorization: Bearer <token>` (RFC 6750, section 2.1) or, from a browser,
    in one of the subprotocols offered: `bearer.` and the token in base64url without padding
    (RFC 4648, section 5). A page has to offer a real subprotocol as well, for the server to
    choose: browsers fail a connection if none of their offers is chosen.

    ```javascript
    const encoded = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    new WebSocket(url, ["chat.v1", `bearer.${encoded}`]);
    ```

    The token is not verified. Compare it in constant time, with
    `hmac.compare_digest(token, expected)`: that does not raise, since the token is ASCII.
    Prefer tokens that expire within minutes: a proxy may write either header to its log. To close
    the connection when its token expires, set `websocket.expires_at`.

    Args:
        websocket: The connection, during its handshake or later.

    Returns:
        The token, in printable ASCII (RFC 6749, appendix A.12). `None` if there is none, if it is
        malformed, or if there are several: "Clients MUST NOT use more than one method to transmit
        the token in each request" (RFC 6750, section 2). Credentials of another scheme, such as
        those that a browser adds for HTTP Basic, are ignored. No header makes this raise.
    """
    headers = websocket.headers.getlist("authorization")
    offers = [offer for offer in websocket.subprotocols if offer.startswith(BEARER)]
    if len(headers) > 1 or len(offers) > 1:
        return None
    if headers and _IS_BEARER.fullmatch(headers[0]):
        found = _CREDENTIALS.fullmatch(headers[0])
        return found[1] if found and not offers else None
    return _decode(offers[0].removeprefix(BEARER)) if offers else None


def _decode(text: str) -> str | None:
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = data.decode("ascii")
    except ValueError:
        return None
    # The decoder skips unknown characters and ignores trailing bits, so that many texts would
    # stand for one token: only the canonical one counts. RFC 4648, sections 3.3 and 3.5.
    is_canonical = urlsafe_b64encode(data).rstrip(b"=") == text.encode()
    return token if is_canonical and _PRINTABLE.fullmatch(token) else None
