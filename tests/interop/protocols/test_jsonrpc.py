"""JSON-RPC 2.0 with clients of others: rpc-websockets in Node, jsonrpc-websocket, and pygls."""

import asyncio
from importlib import import_module
from typing import Any, Final

import pytest
from lsprotocol.types import CancelParams
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled
from pygls.lsp.client import LanguageClient

from .node import run

# They have no types.
jsonrpc_base: Final[Any] = import_module("jsonrpc_base")
jsonrpc_websocket: Final[Any] = import_module("jsonrpc_websocket")

NO_ROOM: dict[str, Any] = {
    "code": -32001,
    "message": "there is no such room",
    "data": {"rooms": 0},
}
NO_METHOD: dict[str, Any] = {"code": -32601, "message": "there is no such method"}
NO_NUMBER: dict[str, Any] = {
    "code": -32602,
    "message": "the method does not take these params",
    "data": {
        "errors": [
            {
                "loc": ["minuend"],
                "type": "int_parsing",
                "msg": "Input should be a valid integer, unable to parse string as an integer",
            },
            {"loc": ["subtrahend"], "type": "missing", "msg": "Field required"},
        ]
    },
}


def answer(question: str) -> str:
    """Answer what the server asks."""
    return f"an answer to {question}"


def answer_params(params: Any) -> str:
    """Answer it, given all of its params."""
    return answer(params.question)


def test_rpc_websockets(netloc: str) -> None:
    """Calls, errors and notifications are what this client takes them for."""
    assert run("rpc_websockets", f"ws://{netloc}/rpc") == {
        "byPosition": 19,
        "byName": 19,
        "parallel": [2, 4, 6],
        "seen": 1,
        "nothing": None,
        "told": [{"text": "hello"}],
        "failures": [NO_ROOM, NO_METHOD, NO_NUMBER],
        "meanwhile": 1,
        "slow": "slept",
    }


@pytest.mark.anyio
async def test_jsonrpc_websocket(netloc: str) -> None:
    """Calls go both ways, and errors raise what this client raises for them."""
    server = jsonrpc_websocket.Server(f"ws://{netloc}/rpc")
    server.answer = answer
    reading = await server.ws_connect()
    try:
        assert await server.subtract(42, 23) == 19
        assert await server.subtract(subtrahend=23, minuend=42) == 19
        await server.see("this", _notification=True)
        assert await server.seen() == 1
        for method, argument, error in [
            ("enter", "lobby", NO_ROOM),
            ("nowhere", "x", NO_METHOD),
            ("subtract", "x", NO_NUMBER),
        ]:
            with pytest.raises(jsonrpc_base.ProtocolError) as caught:
                await getattr(server, method)(argument)
            code, message, response = caught.value.args
            assert (code, message) == (error["code"], error["message"])
            assert response["error"] == error
        # While the handler asks, its own call waits.
        assert await server.ask("this") == "an answer to this"
    finally:
        await server.close()
        await reading


@pytest.mark.anyio
async def test_pygls(netloc: str) -> None:
    """A client of language servers calls, is called, and cancels."""
    host, _, port = netloc.partition(":")
    client: Any = LanguageClient("test", "1")
    client.feature("answer")(answer_params)
    await client.start_ws(host, int(port))
    call = client.protocol.send_request_async
    try:
        assert await call("subtract", {"minuend": 42, "subtrahend": 23}) == 19
        with pytest.raises(JsonRpcException) as caught:
            await call("enter", {"room": "lobby"})
        error = caught.value
        assert {"code": error.code, "message": error.message, "data": error.data} == NO_ROOM
        assert await call("ask", {"question": "this"}) == "an answer to this"
        sleeping = call("sleep", None, msg_id="7")
        client.protocol.notify("$/cancelRequest", CancelParams(id="7"))
        with pytest.raises(JsonRpcRequestCancelled):
            await asyncio.wait_for(sleeping, 60)
        # What was cancelled is out of the way.
        assert await call("sleep", {"seconds": 0}) == "slept"
    finally:
        # It waits for a message before it stops.
        client.exit(None)
        await client.stop()
