"""Encodings of subprotocols are compiled, and so a change of them shows."""

from typing import Any

from wsendpoints import WebSocketEndpoint
from wsendpoints.messages.custom import Subprotocols
from wsendpoints.messages.methods import looking_at

V1: Subprotocols = {"v1": "json"}
V2: Subprotocols = {"v2": "json"}


def test_encodings_are_looked_at_and_names_are_not() -> None:
    """Names are read when a client connects."""
    for before, after, shows in ((V1, V2, True), (("v1",), ("v2",), False)):
        cls: Any = type("Chat", (WebSocketEndpoint,), {"encoding": "json", "subprotocols": before})
        look = looking_at(cls, ["on_receive"])
        seen = look()
        assert look() == seen
        cls.subprotocols = after
        assert (look() != seen) is shows
