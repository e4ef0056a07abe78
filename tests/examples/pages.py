"""The page of an example, by HTTP without a server."""

from typing import Any

from wsendpoints.protocol.asgi import ASGIApp, Event

__all__ = ["fetch"]


async def fetch(app: ASGIApp, path: str) -> tuple[int, bytes]:
    """Return the status and the body of what is at a path; the headers have its length."""
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request"}

    async def send(event: Event) -> None:
        sent.append(event)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path}
    await app(scope, receive, send)
    start, body = sent
    assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    return start["status"], body["body"]
