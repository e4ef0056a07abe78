"""What goes on at the endpoints of a router, for those who may see it, and close it."""

import inspect
import json
import os
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from typing import Any, Final, TypeAlias, final

from pydantic import BaseModel, ValidationError, field_validator

from wsendpoints.connection.denial import DenialResponse
from wsendpoints.console.answers import JSON, answer
from wsendpoints.groups.groups import Groups
from wsendpoints.handshake.origins import origin_refusal
from wsendpoints.handshake.request import Request
from wsendpoints.lifecycle.hooks import Hooks, Lifecycle, lifecycle_of
from wsendpoints.protocol.asgi import Receive, Scope, Send
from wsendpoints.protocol.close_codes import CloseCode, check_close_code, cut_reason
from wsendpoints.protocol.exceptions import InvalidStateError, WebSocketDisconnect

__all__ = ["Live", "LiveCheck"]

LiveCheck: TypeAlias = Callable[[Request], "bool | Awaitable[bool]"]
"""Whether somebody may see what goes on, and close connections: a function, async or not."""

_MAX_SHOWN: Final = 1000
_MAX_BODY: Final = 10_000


class _Close(BaseModel):
    """What is to be closed: a connection, or those of a group."""

    connection: int | None = None
    group: str | None = None
    code: int = CloseCode.NORMAL_CLOSURE
    reason: str = ""

    @field_validator("code")
    @classmethod
    def check(cls, code: int) -> int:
        return check_close_code(code)


@dataclass(frozen=True, slots=True)
class _Watched:
    endpoint: Any
    lifecycle: Lifecycle
    since: datetime


@final
class Live:
    """Knows the connections of this process to the endpoints of a router, while they last.

    Args:
        check: Whether somebody may see and close them. It is asked for each request.
        groups: Returns the groups of the router.
    """

    def __init__(self, check: LiveCheck, groups: Callable[[], Iterable[Groups]]) -> None:
        self._check = check
        self._groups = groups
        self._numbers = count(1)
        self._watched: dict[int, _Watched] = {}

    @contextmanager
    def watch(self, endpoint: Any) -> Generator[None]:
        """Know of a connection until it has ended."""
        number = next(self._numbers)
        self._watched[number] = _Watched(endpoint, lifecycle_of(endpoint), datetime.now(UTC))
        try:
            yield
        finally:
            del self._watched[number]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: GET tells what there is, POST closes some of it."""
        response = await self._answer(Request(scope), scope["method"], receive)
        await response(scope, receive, send)

    async def _answer(self, request: Request, method: str, receive: Receive) -> DenialResponse:
        if method not in {"GET", "HEAD", "POST"}:
            return DenialResponse("Method Not Allowed", 405, headers={"allow": "GET, HEAD, POST"})
        is_allowed = self._check(request)
        if inspect.isawaitable(is_allowed):
            is_allowed = await is_allowed
        if is_allowed is not True:
            return DenialResponse("Forbidden", 403)
        if method != "POST":
            return answer(method, JSON, json.dumps(self._snapshot()).encode())
        # A page of another origin could have a form sent, with the cookies of this one.
        if origin_refusal(request, None, required=True) is not None:
            return DenialResponse("Forbidden", 403)
        try:
            wanted = _Close.model_validate_json(await _read(receive))
        except ValidationError:
            return DenialResponse("Bad Request", 400)
        return answer(method, JSON, json.dumps({"closed": await self._close(wanted)}).encode())

    def _snapshot(self) -> dict[str, Any]:
        joined: dict[int, list[str]] = {}
        groups: list[dict[str, Any]] = []
        for each in self._groups():
            for name in each.names:
                members = each.members(name)
                groups.append({"name": name, "members": len(members)})
                for it in members:
                    joined.setdefault(id(it), []).append(name)
        return {
            "process": os.getpid(),
            "total": len(self._watched),
            "connections": [
                _shown(number, it, joined.get(id(it.endpoint), []))
                for number, it in islice(self._watched.items(), _MAX_SHOWN)
            ],
            "groups": groups[:_MAX_SHOWN],
        }

    async def _close(self, wanted: _Close) -> int:
        reason = cut_reason(wanted.reason)
        closed = 0
        if wanted.group is not None:
            for each in self._groups():
                closed += await each.close(wanted.group, wanted.code, reason)
        if wanted.connection is not None and (it := self._watched.get(wanted.connection)):
            try:
                box = it.lifecycle.outbox(it.endpoint)
            except (InvalidStateError, WebSocketDisconnect):
                # Its handshake is not answered yet, or it has ended.
                return closed
            box.start(partial(it.lifecycle.connection.end, wanted.code, reason))
            closed += 1
        return closed


def _shown(number: int, watched: _Watched, groups: list[str]) -> dict[str, Any]:
    endpoint: Hooks = watched.endpoint
    box = watched.lifecycle.open_outbox
    messages, size = (0, 0) if box is None else box.waiting
    client = endpoint.websocket.client
    return {
        "connection": number,
        "endpoint": type(endpoint).__name__,
        "path": endpoint.websocket.scope["path"],
        "client": None if client is None else f"{client.host}:{client.port}",
        "subprotocol": endpoint.websocket.subprotocol,
        "since": watched.since.isoformat(),
        "waiting": messages,
        "waiting_bytes": size,
        "dropped": 0 if box is None else box.dropped,
        "groups": groups,
    }


async def _read(receive: Receive) -> bytes:
    """Return the body of a request; nothing if it is longer than any that is meant."""
    body, is_whole = b"", False
    while not is_whole:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > _MAX_BODY:
            return b""
        is_whole = not event.get("more_body")
    return body
