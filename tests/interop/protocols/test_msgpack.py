"""MessagePack as `@msgpack/msgpack` writes it in Node, on a server, chosen by a subprotocol."""

from typing import Any

import pytest

from tests.interop.servers import SERVERS, Pool

from .node import run

APP = "tests.interop.protocols.msgpack_app:app"

ERROR = {
    "type": "error",
    "code": "invalid_message",
    "errors": [{"loc": ["text"], "type": "string_type", "msg": "Input should be a valid string"}],
}
PACKED: dict[str, Any] = {
    "protocol": "chat.v1.msgpack",
    "isBinary": True,
    "note": {
        "text": "grüß 𝄞",
        "data": [True, 0, 255, 128],
        "at": [True, "2020-02-29T12:30:15.250Z"],
    },
    "counted": [0, 1, 2],
    "error": ERROR,
    "code": 1003,
}
AS_JSON: dict[str, Any] = {
    "protocol": "",
    "isBinary": False,
    "note": {"text": "grüß 𝄞", "data": "text", "at": "2020-02-29T12:30:15.250000Z"},
    "counted": [0, 1, 2],
    "error": ERROR,
    "code": 1007,
}


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        pytest.param(["chat.v1.msgpack"], PACKED, id="MessagePack"),
        pytest.param(["chat.v1.json", "chat.v1.msgpack"], PACKED, id="both"),
        pytest.param(["chat.v1.json"], {**AS_JSON, "protocol": "chat.v1.json"}, id="JSON"),
        pytest.param([], AS_JSON, id="none"),
    ],
)
def test_client_chooses_its_encoding(
    offered: list[str], expected: dict[str, Any], pool: Pool
) -> None:
    """Its bytes are bytes, its dates are dates; streams, errors and closes are as they are told."""
    process = pool.get(SERVERS["uvicorn"], APP)
    assert run("msgpack", f"ws://{process.netloc}/", *offered) == expected
