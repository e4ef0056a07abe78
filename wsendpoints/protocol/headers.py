"""The headers of our answer to a handshake, checked and in the form that every server accepts."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

__all__ = ["HeadersLike", "check_headers", "encode_header", "is_token"]

HeadersLike: TypeAlias = (
    Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str, str] | tuple[bytes, bytes]]
)
"""Headers to send: a mapping, or pairs of name and value; each str or bytes."""

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_FORBIDDEN_IN_VALUES: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters, above all CR and LF, which end a header (RFC 9110, section 5.5)."""

_SENT_BY_SERVER: Final = frozenset(
    {
        # RFC 6455, section 4.2.2: the server's answer to the handshake.
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-protocol",
        # RFC 9110, section 7.6.1: these describe the connection, not the response.
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


def is_token(text: str) -> bool:
    """Return whether `text` is a token, as header names and subprotocols have to be.

    RFC 9110, section 5.6.2: one or more ASCII letters, digits and certain punctuation.
    """
    return _TOKEN.fullmatch(text) is not None


def check_headers(headers: HeadersLike | None) -> list[tuple[bytes, bytes]]:
    """Return `headers` in the form of ASGI: pairs of bytes, with names in lower case.

    Raises:
        ValueError: A name is not a token, a value holds a control character or is not latin-1,
            or the header is one that only the server may send.
        TypeError: A name or value is neither str nor bytes.
    """
    if headers is None:
        return []
    pairs = cast("Any", headers).items() if isinstance(headers, Mapping) else headers
    return [_check_header(name, value) for name, value in pairs]


def _check_header(name: object, value: object) -> tuple[bytes, bytes]:
    raw_name = encode_header(name).lower()
    raw_value = encode_header(value)
    if not is_token(raw_name.decode("latin-1")):
        raise ValueError(f"{name!r} is no header name: use letters, digits and hyphens")
    if raw_name in _SENT_BY_SERVER:
        raise ValueError(f"the header {name!r} is the server's own to send")
    if _FORBIDDEN_IN_VALUES.search(raw_value):
        raise ValueError(f"the header {name!r} has a value with a control character: {value!r}")
    return raw_name, raw_value.strip(b" \t")


def encode_header(name_or_value: object) -> bytes:
    """Return the name or the value of a header as bytes.

    Raises:
        ValueError: It is not latin-1.
        TypeError: It is neither str nor bytes.
    """
    if isinstance(name_or_value, bytes):
        return name_or_value
    if isinstance(name_or_value, str):
        try:
            return name_or_value.encode("latin-1")
        except UnicodeEncodeError:
            raise ValueError(f"a header can't carry {name_or_value!r}: it is not latin-1") from None
    raise TypeError(f"a header is made of str or bytes, not {type(name_or_value).__name__}")
