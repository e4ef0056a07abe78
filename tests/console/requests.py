"""Requests to an application, without a server."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from wsendpoints.protocol.asgi import ASGIApp, Event

__all__ = ["Answer", "request"]


class Answer(NamedTuple):
    """What a request was answered with.

    Attributes:
        headers: By their names, in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


async def request(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    *,
    query: bytes = b"",
    headers: Mapping[str, str] | None = None,
    **scope: Any,
) -> Answer:
    """Return what an application answers.

    Args:
        app: The application.
        path: The path.
        method: The method.
        query: The query string.
        headers: The headers of the request.
        scope: What else is in the scope.
    """
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request", "body": b""}

    async def send(event: Event) -> None:
        sent.append(event)

    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    whole = {"type": "http", "method": method, "path": path, "query_string": query}
    await app({**whole, "headers": pairs, **scope}, receive, send)
    start, body = sent
    assert (start["type"], body["type"]) == ("http.response.start", "http.response.body")
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(found) == len(start["headers"])
    return Answer(start["status"], found, body["body"])
