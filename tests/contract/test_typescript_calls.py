"""The methods of a client in TypeScript that calls by JSON-RPC."""

from typing import Any

import pytest

from tests.contract.clients.app import Language
from tests.contract.endpoints import Assistant, Calculator
from wsendpoints import JsonRpc, WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract import describe
from wsendpoints.contract.schemas import schemas_of
from wsendpoints.contract.typescript_calls import calls_of, cancel_of, is_jsonrpc
from wsendpoints.contract.typescript_messages import MessageTypes
from wsendpoints.contract.typescript_types import TypeWriter


class Own(JsonRpc):
    """Writes records in another way, for all that one knows."""


class OwnDialect(WebSocketEndpoint):
    encoding = "json"
    dialect = Own(cancel_method="stop")

    @handles("go")
    async def go(self, websocket: WebSocket, far: int = 1) -> None: ...


class Silent(WebSocketEndpoint):
    encoding = "json"
    dialect = JsonRpc()


def written(cls: type[WebSocketEndpoint[Any]]) -> list[str]:
    """Return the methods of a class's client."""
    description = describe(cls)
    schemas = schemas_of([description])
    types = TypeWriter(schemas.components, {it: it for it in schemas.components}, "string")
    return [*calls_of(description, MessageTypes(description, schemas, types))]


def test_each_method_has_a_signature() -> None:
    """Params that need nothing may be left out, and what never returns has no result."""
    call, notify = written(Calculator)
    assert (
        call
        == """\
/** Add two numbers. */
call(method: "add", params: add_params, options?: RequestOptions): Promise<number | null>;
/** Say something. */
call(method: "say", params: Say, options?: RequestOptions): Promise<null>;
call(method: "fail", params?: { [key: string]: unknown }, options?: RequestOptions): Promise<never>;
call(method: string, params?: any, options?: RequestOptions): Promise<any> {
  return this.calling(method, params, options);
}
"""
    )
    assert (
        notify
        == """\
/** Add two numbers. */
notify(method: "add", params: add_params): void;
/** Say something. */
notify(method: "say", params: Say): void;
notify(method: "fail", params?: { [key: string]: unknown }): void;
notify(method: string, params?: any): void {
  this.notifying(method, params);
}
"""
    )
    assert 'notify(method: "go", params?: go_params): void;' in written(OwnDialect)[1]


def test_without_methods_nothing_is_called() -> None:
    """A class may only push."""
    assert written(Silent) == []


@pytest.mark.parametrize(
    ("cls", "is_it", "cancel"),
    [
        (Calculator, True, None),
        (Language, True, {"method": "$/cancelRequest", "param": "id"}),
        (OwnDialect, False, None),
        (Assistant, False, None),
    ],
)
def test_dialect(cls: type[WebSocketEndpoint[Any]], is_it: bool, cancel: Any) -> None:
    """Only the library's own is known, and with it what cancels a call."""
    assert is_jsonrpc(describe(cls)) is is_it
    assert cancel_of(describe(cls)) == cancel
