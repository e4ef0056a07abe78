"""Phoenix's channels: `[join_ref, ref, topic, event, payload]`."""

from typing import Any, NamedTuple

from wsendpoints import Dialect, ErrorReply, WebSocket, WebSocketEndpoint, handles
from wsendpoints.dialects import Call, Id, InvalidRecordError, Notification, Record, is_id

__all__ = ["Phoenix", "Rooms"]


class Ref(NamedTuple):
    """What an answer repeats of its message."""

    join_ref: str | None
    ref: str
    topic: str


NOWHERE = Ref(None, "", "phoenix")


class Phoenix(Dialect):
    """Version 2.0.0 of the serializer."""

    def read(self, record: Any) -> Record:
        match record:
            case [str() | None as join_ref, str(ref), str(topic), str(event), {**payload}]:
                if is_id(topic) and is_id(ref) and (join_ref is None or is_id(join_ref)):
                    return Call(event, {"topic": topic, **payload}, Ref(join_ref, ref, topic))
                raise InvalidRecordError("an id is too long")
            case [_, None, str(topic), str(event), {**payload}]:
                return Notification(event, {"topic": topic, **payload})
            case _:
                raise InvalidRecordError("a message is [join_ref, ref, topic, event, payload]")

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        if id is not None:
            raise NotImplementedError("Phoenix's clients answer nothing")
        return [None, None, params["topic"], method, params["payload"]]

    def write_reply(self, id: Id, result: Any) -> Any:
        return self._reply(id, "ok", {} if result is None else result)

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return self._reply(id, "error", {"code": error.code, "reason": error.message})

    def _reply(self, id: Id, status: str, response: Any) -> Any:
        join_ref, ref, topic = id if isinstance(id, Ref) else NOWHERE
        return [join_ref, ref, topic, "phx_reply", {"status": status, "response": response}]


class Rooms(WebSocketEndpoint):
    """Rooms to join and to talk in."""

    encoding = "json"
    dialect = Phoenix()
    allowed_origins = "*"

    @handles("heartbeat")
    async def heartbeat(self, websocket: WebSocket, topic: str) -> None: ...

    @handles("phx_join")
    async def join(self, websocket: WebSocket, topic: str) -> dict[str, str]:
        if topic == "room:full":
            raise ErrorReply("room_full", "the room has no place left")
        return {"joined": topic}

    @handles("phx_leave")
    async def leave(self, websocket: WebSocket, topic: str) -> None: ...

    @handles("say")
    async def say(self, websocket: WebSocket, topic: str, text: str) -> None:
        params = {"topic": topic, "payload": {"text": text}}
        await self.push(Notification("said", params))
