"""Responses that let a browser do nothing but what the page is for."""

from collections.abc import Mapping
from typing import Final

from wsendpoints.connection.denial import DenialResponse

__all__ = ["JSON", "answer"]

JSON: Final = "application/json"

_HEADERS: Final[Mapping[str, str]] = {
    # The WebSockets of the same origin are `'self'` too (Content Security Policy Level 3, "Does
    # url match expression in origin with redirect count?").
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def answer(method: str, kind: str, body: bytes) -> DenialResponse:
    """Return the response to a request.

    Args:
        method: Its method: the response to HEAD has the headers alone.
        kind: The media type of the body.
        body: The body.
    """
    headers = {**_HEADERS, "content-type": kind, "content-length": str(len(body))}
    return DenialResponse(b"" if method == "HEAD" else body, 200, headers=headers)
