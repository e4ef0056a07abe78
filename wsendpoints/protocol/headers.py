"""The headers of an answer to the handshake, in the form that every server takes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

__all__ = ["HeadersLike", "check_headers"]

HeadersLike: TypeAlias = (
    Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str, str] | tuple[bytes, bytes]]
)
"""Headers to send: a mapping, or pairs of a name and a value; each str or bytes."""

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110, section 5.6.2: what a header's name and a subprotocol are made of."""

_NOT_IN_A_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""RFC 9110, section 5.5: control characters, above all CR and LF, which end the header."""

_SERVERS_OWN: Final = frozenset(
    {
        # RFC 6455, section 4.2.2: the server's answer to the handshake.
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-protocol",
        # RFC 9110, section 7.6.1: these speak of the connection, not of the response.
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


def check_headers(headers: HeadersLike | None) -> list[tuple[bytes, bytes]]:
    """Return `headers` as ASGI wants them: pairs of bytes, the names in lower case.

    Raises:
        ValueError: A name is no token, a value holds a control character or one outside of
            latin-1, or the header is the server's own to send.
        TypeError: A name or value is neither str nor bytes.
    """
    if headers is None:
        return []
    pairs = cast("Any", headers).items() if isinstance(headers, Mapping) else headers
    return [_check_header(name, value) for name, value in pairs]


def _check_header(name: object, value: object) -> tuple[bytes, bytes]:
    raw_name = _to_bytes(name).lower()
    raw_value = _to_bytes(value)
    if not _TOKEN.fullmatch(raw_name):
        raise ValueError(f"{name!r} is no header name: use letters, digits and hyphens")
    if raw_name in _SERVERS_OWN:
        raise ValueError(f"the header {name!r} is the server's own to send")
    if _NOT_IN_A_VALUE.search(raw_value):
        raise ValueError(f"the header {name!r} has a value with a control character: {value!r}")
    return raw_name, raw_value.strip(b" \t")


def _to_bytes(part: object) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, str):
        try:
            return part.encode("latin-1")
        except UnicodeEncodeError:
            raise ValueError(f"a header can't carry {part!r}: it is not latin-1") from None
    raise TypeError(f"a header is made of str or bytes, not {type(part).__name__}")
