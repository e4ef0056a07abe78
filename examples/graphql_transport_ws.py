"""GraphQL over WebSocket, by the protocol graphql-transport-ws: queries and subscriptions.

Run it by `uvicorn examples.graphql_transport_ws:app`, after `pip install graphql-core`.
"""

from collections.abc import AsyncIterator
from enum import Enum
from inspect import isawaitable
from typing import Any, Final

import anyio
import graphql
from pydantic import BaseModel

from wsendpoints import Dialect, ErrorReply, Limits, WebSocket, WebSocketEndpoint, dialects, handles
from wsendpoints.dialects import Call, Id, Record, is_id

__all__ = ["GraphQL", "GraphQLTransportWS", "app"]


class Reply(Enum):  # the ids of what has none in the protocol, and is answered all the same
    ACK = "connection_ack"
    PONG = "pong"


class GraphQLTransportWS(Dialect):
    """As https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md has it."""

    def read(self, record: Any) -> Record:
        match record:
            case {"type": "subscribe", "id": str(id), "payload": {**payload}} if is_id(id):
                return Call("subscribe", {**payload, "id": id}, id)
            case {"type": "complete", "id": str(id)} if is_id(id):
                return dialects.Cancel(id)
            case {"type": "connection_init"}:
                return Call("connection_init", None, Reply.ACK)
            case {"type": "ping"}:
                return Call("ping", None, Reply.PONG)
            case {"type": "pong"}:
                return dialects.Notification("pong")
            case _:
                raise dialects.InvalidRecordError("Invalid message")

    def write_reply(self, id: Id, result: Any) -> Any:
        return {"type": id.value} if isinstance(id, Reply) else self.write_item(id, result)

    def write_item(self, id: Id, item: Any) -> Any:
        return {"id": id, "type": "next", "payload": item}

    def write_end(self, id: Id) -> Any:
        return {"id": id, "type": "complete"}

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        if error.code == "graphql":
            return {"id": id, "type": "error", "payload": error.details}
        if error.code == "request_cancelled":
            return None
        if error.code == "busy":
            return dialects.Close(4409, f"Subscriber for {id} already exists")
        return dialects.Close(error.code if isinstance(error.code, int) else 4400, error.message)


class Operation(BaseModel):
    id: str
    query: str
    operationName: str | None = None  # noqa: N815 - as the protocol has it
    variables: dict[str, Any] | None = None


class GraphQL(WebSocketEndpoint):
    encoding = "json"
    dialect = GraphQLTransportWS()
    subprotocols = ("graphql-transport-ws",)
    require_subprotocol = True
    limits = Limits(first_message_timeout=3, close_codes={"first_message_timeout": 4408})
    schema: graphql.GraphQLSchema
    is_acknowledged: bool = False

    @handles("connection_init")
    async def init(self, websocket: WebSocket) -> None:
        if self.is_acknowledged:
            raise ErrorReply(4429, "Too many initialisation requests")
        self.is_acknowledged = True

    @handles("ping")
    async def ping(self, websocket: WebSocket) -> None: ...

    @handles("subscribe", concurrent=True, key="id", overlap="refuse")
    async def run(self, websocket: WebSocket, data: Operation) -> AsyncIterator[dict[str, Any]]:
        if not self.is_acknowledged:
            raise ErrorReply(4401, "Unauthorized")
        try:
            document = graphql.parse(data.query)
        except graphql.GraphQLSyntaxError as exc:
            raise ErrorReply("graphql", "", [exc.formatted]) from None
        if errors := graphql.validate(self.schema, document):
            raise ErrorReply("graphql", "", [error.formatted for error in errors])
        name = data.operationName
        operation = graphql.get_operation_ast(document, name)
        streams = operation and operation.operation is graphql.OperationType.SUBSCRIPTION
        run = getattr(graphql, "subscribe" if streams else "execute")
        result = run(self.schema, document, {"answer": 42}, None, data.variables, name)
        result = await result if isawaitable(result) else result
        if isinstance(result, graphql.ExecutionResult):
            yield {**result.formatted}
        else:
            async for item in result:
                yield item.formatted


async def countdown(_root: Any, _info: Any, start: int) -> AsyncIterator[dict[str, int]]:
    for number in range(start, -1, -1):
        yield {"countdown": number}
        await anyio.sleep(0.01)


SDL: Final = "type Query { answer: Int } type Subscription { countdown(start: Int!): Int }"
schema: Final = graphql.build_schema(SDL)
vars(schema.get_type("Subscription"))["fields"]["countdown"].subscribe = countdown
app = GraphQL.as_asgi(schema=schema)
