"""The types of the ASGI interface, named as in the specification.

Source: ASGI spec, "Applications", https://asgi.readthedocs.io/en/latest/specs/main.html.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

__all__ = ["ASGIApp", "Event", "Receive", "Scope", "Send"]

Scope: TypeAlias = MutableMapping[str, Any]
"""What the server knows about a connection before its first event: path, headers, addresses."""

Event: TypeAlias = MutableMapping[str, Any]
"""A dict with a `"type"`, received from the server or sent to it."""

Receive: TypeAlias = Callable[[], Awaitable[Event]]
"""Waits for the next event from the server."""

Send: TypeAlias = Callable[[Event], Awaitable[None]]
"""Hands one event to the server."""

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application: called once for each connection."""
