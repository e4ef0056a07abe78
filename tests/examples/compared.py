"""The applications of docs/comparison.md beside each other, each below a path of its own."""

import json
from collections.abc import Mapping
from typing import Any, Final

from examples.comparison import (
    with_channels,
    with_chanx,
    with_fastapi,
    with_socketio,
    with_wsendpoints,
)
from examples.comparison.model import running

__all__ = ["app"]

APPS: Final[Mapping[str, Any]] = {
    "wsendpoints": with_wsendpoints.app,
    "fastapi": with_fastapi.app,
    "channels": with_channels.app,
    "chanx": with_chanx.app,
    "socketio": with_socketio.app,
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve one of them, or, at `/running`, the questions that are being answered."""
    if scope["type"] == "lifespan":
        # Of theirs, the one that has something to start.
        await with_wsendpoints.app(scope, receive, send)
        return
    _, name, *rest = scope["path"].split("/")
    if name == "running":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(running).encode()})
        return
    path = "/" + "/".join(rest)
    await APPS[name]({**scope, "path": path, "raw_path": path.encode()}, receive, send)
