"""The `Host` header: the host and port that the client asked for."""

import re
from typing import Final, NamedTuple

__all__ = ["HOST_NAME", "Host", "parse_host", "requested_host"]

HOST_NAME: Final = r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])"
"""A pattern for a domain name in ASCII, an IPv4 address, or an IPv6 address in brackets.

RFC 3986, section 3.2.2, allows more, which browsers and other clients don't send. There is no
comma and no space in it, by which servers join two headers, and nothing that ends a host in a URL.
"""

_HOST: Final = re.compile(rf"{HOST_NAME}(?::([0-9]{{0,5}}))?")


class Host(NamedTuple):
    """A host with its port, if it has one; an IPv6 address is in brackets."""

    name: str
    port: int | None


def parse_host(text: str) -> Host | None:
    """Return the parts of `text`, such as `"example.com:8000"`; `None` if it is not a host."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    port = int(found[2]) if found[2] else None
    return None if port is not None and port > 65535 else Host(found[1], port)


def requested_host(values: list[str]) -> Host | None:
    """Return the host that the client asked for; `None` if it can't be told.

    Args:
        values: Those of the `Host` header.

    RFC 9112, section 3.2: a request "that contains more than one Host header field line" is to be
    refused. Servers that support HTTP/2 may add a second line with the same value, so several
    lines count as one if they agree, and as none if they don't.

    Returns:
        `None` also if there is no such header, or its value is not a host.
    """
    return parse_host(values[0]) if values and values.count(values[0]) == len(values) else None
