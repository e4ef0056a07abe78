"""A central system for charge points, which speak OCPP 1.6 or 2.0.1.

Run it with `uvicorn examples.ocpp_central_system:app`. A charge point connects to
ws://127.0.0.1:8000/<its id>, with the subprotocol of its version.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from wsendpoints import Dialect, ErrorReply, WebSocket, WebSocketEndpoint, dialects, handles
from wsendpoints.dialects import Answer, Call, Failure, Id, Record, is_id

__all__ = ["CentralSystem", "Ocpp", "app"]

CODES = {
    "parse_error": "GenericError",
    "invalid_request": "ProtocolError",
    "method_not_found": "NotImplemented",
    "invalid_params": "TypeConstraintViolation",
    "internal_error": "InternalError",
}


class Ocpp(Dialect):
    """OCPP-J: `[2, id, action, payload]`, and `[3, id, payload]` or an error to answer it."""

    def read(self, record: Any) -> Record:
        match record:
            case [2, str(id), str(action), {**payload}] if is_id(id):
                return Call(action, payload, id)
            case [3, str(id), {**payload}] if is_id(id):
                return Answer(id, payload)
            case [4, str(id), str(code), str(text), details] if is_id(id):
                return Failure(id, code, text, details)
            case [2, str(id), *_] if is_id(id):
                raise dialects.InvalidRecordError("a call is [2, id, action, payload]", id)
            case _:
                raise dialects.InvalidRecordError("a message begins with 2, 3 or 4")

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        if id is None:
            raise NotImplementedError("OCPP has no notifications before 2.1")
        return [2, id, method, params or {}]

    def write_reply(self, id: Id, result: Any) -> Any:
        return [3, id, {} if result is None else result]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        code = CODES.get(str(error.code), str(error.code))
        return [4, "-1" if id is None else id, code, error.message[:255], error.details or {}]


class Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class Boot(Payload):
    charge_point_vendor: str | None = None  # 1.6
    charge_point_model: str | None = None
    charging_station: dict[str, Any] | None = None  # 2.0.1
    reason: str | None = None


class Booted(Payload):
    status: Literal["Accepted", "Pending", "Rejected"]
    current_time: datetime
    interval: int = 300


class Tag(Payload):
    id_tag: str


class CentralSystem(WebSocketEndpoint):
    encoding = "json"
    dialect = Ocpp()
    subprotocols = ("ocpp2.0.1", "ocpp1.6")
    require_subprotocol = True
    transactions: int = 0

    @handles("BootNotification")
    async def boot(self, websocket: WebSocket, data: Boot) -> Booted:
        return Booted(status="Accepted", current_time=datetime.now(UTC))

    @handles("Heartbeat")
    async def heartbeat(self, websocket: WebSocket) -> dict[str, datetime]:
        return {"currentTime": datetime.now(UTC)}

    @handles("Authorize")
    async def authorize(self, websocket: WebSocket, data: Tag) -> dict[str, Any]:
        if data.id_tag == "stolen":
            raise ErrorReply("SecurityError", "this tag was reported as stolen")
        return {"idTagInfo": {"status": "Accepted" if data.id_tag else "Invalid"}}

    @handles("StatusNotification")
    async def status(self, websocket: WebSocket, data: dict[str, Any]) -> None:
        if data.get("status") == "Preparing":
            # A car was plugged in.
            self.start_soon(self.start_charging, data["connectorId"])

    async def start_charging(self, connector: int) -> None:
        call = dialects.Request(
            "RemoteStartTransaction", {"connectorId": connector, "idTag": "fleet"}
        )
        try:
            answer = await self.ask(call, dict[Literal["status"], str], timeout=30)
        except dialects.AskError:
            return
        self.transactions += answer["status"] == "Accepted"


app = CentralSystem.as_asgi()
