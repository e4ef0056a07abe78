"""The types of the ASGI interface, as the specification names its parts.

Source: ASGI spec, "Applications", https://asgi.readthedocs.io/en/latest/specs/main.html.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

__all__ = ["ASGIApp", "Event", "Receive", "Scope", "Send"]

Scope: TypeAlias = MutableMapping[str, Any]
"""What the server knows about a connection before its first event."""

Event: TypeAlias = MutableMapping[str, Any]
"""One step of a connection, named by its `"type"`: received from or sent to the server."""

Receive: TypeAlias = Callable[[], Awaitable[Event]]
"""Waits for the next event from the server."""

Send: TypeAlias = Callable[[Event], Awaitable[None]]
"""Hands one event to the server."""

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application: called once for each connection."""
