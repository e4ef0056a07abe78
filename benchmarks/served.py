"""What a server serves while its instructions are counted; environment variables name it.

An HTTP request, to any path, has the server's process write its count.
"""

import os
from typing import Final

from benchmarks.contenders import load
from benchmarks.valgrind import note_count, prepare
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["app"]

prepare()

_app: Final = getattr(load(os.environ["BENCHMARKS_CONTENDER"]), os.environ["BENCHMARKS_TASK"])


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a connection, or answer a request with the id of the count."""
    if scope["type"] == "http":
        body = str(note_count()).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    else:
        assert _app is not None
        await _app(scope, receive, send)
