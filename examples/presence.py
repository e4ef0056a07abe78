"""Who is here: one name in the list for each user, however many windows it has open.

Run it with `uvicorn examples.presence:app`, and open http://127.0.0.1:8000 in several windows, some
of them with the same name.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.groups import Group, Groups
from wsendpoints.protocol.asgi import Receive, Scope, Send

__all__ = ["Came", "Here", "Page", "Present", "Went", "app", "groups"]

PAGE = Path(__file__).with_name("presence.html").read_bytes()


class Who(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=24)]


class Present(BaseModel):
    type: Literal["present"] = "present"
    names: list[str]


class Came(BaseModel):
    type: Literal["came"] = "came"
    name: str


class Went(BaseModel):
    type: Literal["went"] = "went"
    name: str


class Here(Group[Came | Went]):
    name = "here"

    def joined(self, user: str) -> Came:
        return Came(name=user)

    def left(self, user: str) -> Went:
        return Went(name=user)


groups = Groups()


class Page(WebSocketEndpoint[Present]):
    encoding = "json"
    groups = (Here,)
    params: Who

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await groups.join(self, Here(), user=self.params.name)
        # Whoever comes and goes from now on is told behind it.
        self.post(Present(names=[*await groups.presence(Here())]))


page = Page.as_asgi()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        await page(scope, receive, send)
        return
    status, body = (200, PAGE) if scope["path"] == "/" else (404, b"Not found")
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
