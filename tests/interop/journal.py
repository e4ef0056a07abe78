"""What happened on each connection, told by the server's process to the test."""

import json
import logging
import sys
from collections import defaultdict
from typing import Any, Final
from urllib.parse import parse_qs

import anyio

from wsendpoints import ClientMessageError, WebSocket, WebSocketEndpoint
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["MARK", "DeliberateError", "Journal", "Recorded", "Recording", "journal"]

HELD_FOR: Final = 10.0
"""Seconds that a request for a journal waits for an entry."""


MARK: Final = "JOURNAL "
"""The prefix of each entry that is printed, for a test whose server has ended."""


class DeliberateError(Exception):
    """What a handler raises to fail."""

    def __init__(self) -> None:
        super().__init__("on purpose")


class Journal:
    """What happened, by connection: a connection says which it is by `?id=...`."""

    def __init__(self) -> None:
        self._entries: defaultdict[str, list[str]] = defaultdict(list)
        self._added = anyio.Event()

    def add(self, scope: Scope, entry: str) -> None:
        """Add an entry."""
        name = _parameter(scope, "id")
        self._entries[name].append(entry)
        sys.stdout.write(f"{MARK}{json.dumps([name, entry])}\n")
        added, self._added = self._added, anyio.Event()
        added.set()

    async def read(self, name: str, until: str) -> list[str]:
        """Return a connection's entries once `until` is among them, or after a while."""
        with anyio.move_on_after(HELD_FOR):
            while until not in self._entries[name]:
                await self._added.wait()
        return self._entries[name]

    async def respond(self, scope: Scope, send: Send) -> None:
        """Answer the request `?id=...&until=...` with the entries, as JSON.

        A PUT adds the entry first.
        """
        until = _parameter(scope, "until")
        if scope["method"] == "PUT":
            self.add(scope, until)
        entries = await self.read(_parameter(scope, "id"), until)
        body = json.dumps(entries).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


journal = Journal()


class Recorded(WebSocketEndpoint):
    """An endpoint that enters into the journal which of its hooks are called."""

    def record(self, entry: str) -> None:
        """Add an entry to the connection's journal."""
        journal.add(self.scope, entry)

    async def on_connect(self, websocket: WebSocket) -> None:
        self.record("on_connect")
        await websocket.accept()

    async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
        self.record(f"on_invalid {type(error).__name__}")
        await super().on_invalid(websocket, error)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.record(f"on_disconnect {close_code}")


def _print_log() -> None:
    """Print what is logged with its level, which a logger that is not set up leaves out.

    The root logger would print what some servers print themselves a second time.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    for name in ("asyncio", "wsendpoints"):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).propagate = False


class Recording:
    """An application that enters into the journal how each connection ended.

    It answers requests for the journal as well.

    Args:
        app: The application that serves the rest.
    """

    def __init__(self, app: Any) -> None:
        self._app: ASGIApp = app
        self._prints_log = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        # In the server's process alone: the tests import applications as well.
        if not self._prints_log:
            self._prints_log = True
            _print_log()
        match scope["type"]:
            case "websocket":
                await self._record(scope, receive, send)
            case "http" if scope["path"] == "/journal":
                await journal.respond(scope, send)
            case _:
                await self._app(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except BaseException as exc:
            journal.add(scope, f"raised {type(exc).__name__}")
            raise
        finally:
            journal.add(scope, "end")


def _parameter(scope: Scope, name: str) -> str:
    query: bytes = scope["query_string"]
    return parse_qs(query.decode())[name][0]
