"""The ASGI servers as they were measured: one table, an entry for each.

The servers are played by it, errors and the documentation tell it, and the tests on real servers
expect it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from wsendpoints.testing.dialects import Dialect, ServerName
from wsendpoints.testing.facts import ServerFacts
from wsendpoints.testing.faults import Fault

__all__ = ["DIALECTS", "FACTS"]

_RUNTIME_ERROR: Final = "raises RuntimeError"
_PROTOCOL_ERROR: Final = "raises websockets.ProtocolError"
_UNEXPECTED: Final = "raises hypercorn.UnexpectedMessageError"
_NO_ANSWER: Final = "gives the client no valid answer"
_FAILS_HANDSHAKE: Final = "sends it, and the client fails the handshake"
_TEXT: Final = "sends a text message"
_BINARY: Final = "sends a binary message"
_EMPTY: Final = "sends an empty message"
_DROPS: Final = "drops it"
_DROPS_HEADERS: Final = "drops every header"

_UVICORN: Final = ServerFacts(
    name="uvicorn",
    version="0.54",
    told_reset=1005,
    return_code=1006,
    failure_code=1006,
    logs_denials=True,
    illegal_events={
        Fault.NOT_A_DICT: "raises TypeError, or raises KeyError",
        Fault.UNKNOWN_TYPE: _RUNTIME_ERROR,
        Fault.BEFORE_ACCEPT: _RUNTIME_ERROR,
        Fault.IN_DENIAL: _RUNTIME_ERROR,
        Fault.ACCEPT_AFTER_DENIAL: _RUNTIME_ERROR,
        Fault.AFTER_DENIAL: _RUNTIME_ERROR,
        Fault.SECOND_ACCEPT: _RUNTIME_ERROR,
        Fault.LATE_DENIAL: _RUNTIME_ERROR,
        Fault.SEND_AFTER_CLOSE: _RUNTIME_ERROR,
        Fault.SECOND_CLOSE: _RUNTIME_ERROR,
        Fault.AFTER_RETURN: "raises uvicorn.ClientDisconnected",
        Fault.NO_FRAME: _DROPS,
        Fault.TWO_FRAMES: _BINARY,
        Fault.TEXT_AS_BYTES: "raises TypeError",
        Fault.BYTES_AS_TEXT: "raises AttributeError",
        Fault.BYTES_LIKE: _BINARY,
        Fault.SURROGATE: "raises UnicodeEncodeError",
        Fault.CLOSE_CODE: _PROTOCOL_ERROR,
        Fault.RESERVED_CLOSE_CODE: _PROTOCOL_ERROR,
        Fault.CLOSE_CODE_TYPE: "raises TypeError",
        Fault.LONG_REASON: _PROTOCOL_ERROR,
        Fault.REASON_TYPE: "raises AttributeError",
        Fault.SUBPROTOCOL: _FAILS_HANDSHAKE,
        Fault.SUBPROTOCOL_LINE: "raises websockets.InvalidHeaderValue, and answers 500",
        Fault.HEADERS: "raises AttributeError, and answers 500",
        Fault.HEADER_CASE: "sends it",
        Fault.HEADER_LINE: "raises websockets.InvalidHeaderValue, and answers 500",
        Fault.HEADER_SUBPROTOCOL: _FAILS_HANDSHAKE,
        Fault.STATUS: "raises RuntimeError, and answers 500",
        Fault.BODY: f"raises TypeError, and {_NO_ANSWER}",
    },
)

_UVICORN_WSPROTO: Final = replace(
    _UVICORN,
    name="uvicorn-wsproto",
    logs_denials=False,
    illegal_events={
        **_UVICORN.illegal_events,
        Fault.NO_FRAME: "raises TypeError",
        Fault.TEXT_AS_BYTES: _TEXT,
        Fault.BYTES_AS_TEXT: _BINARY,
        Fault.CLOSE_CODE: "gives the client 1006",
        Fault.RESERVED_CLOSE_CODE: "gives the client 1000",
        Fault.CLOSE_CODE_TYPE: "raises struct.error, and gives the client 1006",
        Fault.LONG_REASON: "gives the client 1000 and a reason of 123 bytes",
        Fault.REASON_TYPE: "raises AttributeError, and gives the client 1006",
        Fault.SUBPROTOCOL: f"raises wsproto.LocalProtocolError, and {_NO_ANSWER}",
        Fault.SUBPROTOCOL_LINE: f"raises wsproto.LocalProtocolError, and {_NO_ANSWER}",
        Fault.HEADERS: "sends it",
        Fault.HEADER_LINE: f"raises h11.LocalProtocolError, and {_NO_ANSWER}",
    },
)

_UVICORN_LEGACY: Final = replace(
    _UVICORN,
    name="uvicorn-legacy",
    send_once_received="runtime_error",
    told_reset=1006,
    told_own_code=1005,
    logs_denials=False,
    illegal_events={
        **_UVICORN.illegal_events,
        Fault.AFTER_RETURN: _RUNTIME_ERROR,
        Fault.NO_FRAME: "raises TypeError",
        Fault.TEXT_AS_BYTES: _TEXT,
        Fault.BYTES_AS_TEXT: _BINARY,
        Fault.CLOSE_CODE: f"{_PROTOCOL_ERROR}, and gives the client 1006",
        Fault.RESERVED_CLOSE_CODE: f"{_PROTOCOL_ERROR}, and gives the client 1006",
        Fault.CLOSE_CODE_TYPE: "raises TypeError, and gives the client 1006",
        Fault.LONG_REASON: f"{_PROTOCOL_ERROR}, and gives the client 1006",
        Fault.REASON_TYPE: "raises AttributeError, and gives the client 1006",
        Fault.SUBPROTOCOL_LINE: "answers 400",
        Fault.HEADER_LINE: "answers 400",
        Fault.STATUS: "raises ValueError, and answers 500",
        Fault.BODY: "raises TypeError, and answers 401",
    },
)

_HYPERCORN: Final = ServerFacts(
    name="hypercorn",
    version="0.18",
    send_after_disconnect="silent",
    second_receive="blocks",
    told_code=1006,
    told_no_code=1006,
    told_own_code=1000,
    tells_reason=False,
    both_keys=True,
    spec_version="2.3",
    shutdown="cancels",
    return_code=1011,
    failure_code=1011,
    finds_dead_clients=False,
    logs_shutdown=True,
    illegal_events={
        # It takes None for the end of the app.
        Fault.NOT_A_DICT: "gives the client 1011, or raises KeyError",
        Fault.UNKNOWN_TYPE: _UNEXPECTED,
        Fault.BEFORE_ACCEPT: _UNEXPECTED,
        Fault.IN_DENIAL: f"{_DROPS}, or accepts the client",
        Fault.ACCEPT_AFTER_DENIAL: f"{_UNEXPECTED}, or {_DROPS}",
        Fault.AFTER_DENIAL: f"{_UNEXPECTED}, or raises AttributeError, or {_DROPS}",
        Fault.SECOND_ACCEPT: _UNEXPECTED,
        Fault.LATE_DENIAL: _UNEXPECTED,
        Fault.SEND_AFTER_CLOSE: f"{_UNEXPECTED}, or {_DROPS}",
        Fault.SECOND_CLOSE: _DROPS,
        Fault.AFTER_RETURN: _DROPS,
        Fault.NO_FRAME: "raises KeyError, or raises TypeError",
        Fault.TWO_FRAMES: _BINARY,
        Fault.TEXT_AS_BYTES: "raises TypeError",
        Fault.BYTES_AS_TEXT: "raises TypeError",
        Fault.BYTES_LIKE: _BINARY,
        Fault.SURROGATE: "raises UnicodeEncodeError",
        Fault.CLOSE_CODE: "gives the client 1006",
        Fault.RESERVED_CLOSE_CODE: "gives the client 1000",
        Fault.CLOSE_CODE_TYPE: "gives the client 1000",
        Fault.LONG_REASON: "gives the client 1000 and a reason of 123 bytes",
        Fault.REASON_TYPE: "raises AttributeError, and gives the client 1006",
        Fault.SUBPROTOCOL: f"raises Exception, and {_NO_ANSWER}",
        Fault.SUBPROTOCOL_LINE: f"raises Exception, and {_NO_ANSWER}",
        Fault.HEADERS: f"raises TypeError, and {_NO_ANSWER}",
        Fault.HEADER_CASE: "sends it",
        Fault.HEADER_LINE: f"raises h11.LocalProtocolError, and {_NO_ANSWER}",
        Fault.HEADER_SUBPROTOCOL: f"raises Exception, and {_NO_ANSWER}",
        Fault.STATUS: "answers 500",
        Fault.BODY: f"raises TypeError, and {_NO_ANSWER}",
    },
)

_HYPERCORN_TRIO: Final = replace(
    _HYPERCORN,
    name="hypercorn-trio",
    on_trio=True,
    shields_sends=True,
    logs_shutdown=False,
    illegal_events={
        **_HYPERCORN.illegal_events,
        Fault.SUBPROTOCOL: "exits",
        Fault.SUBPROTOCOL_LINE: "exits",
        Fault.HEADERS: "exits",
        Fault.HEADER_SUBPROTOCOL: "exits",
    },
)

_GRANIAN: Final = ServerFacts(
    name="granian",
    version="2.8.9",
    send_after_disconnect="silent",
    told_reset=1005,
    told_own_code=1005,
    tells_reason=False,
    spec_version="2.3",
    text_ports=True,
    single_denial_body=True,
    accept_headers=False,
    shutdown="kills",
    return_code=1005,
    failure_code=1005,
    return_status=403,
    failure_status=403,
    finds_dead_clients=False,
    compresses=False,
    illegal_events={
        Fault.NOT_A_DICT: "raises TypeError, or raises RuntimeError",
        Fault.UNKNOWN_TYPE: _RUNTIME_ERROR,
        Fault.BEFORE_ACCEPT: _DROPS,
        Fault.IN_DENIAL: "raises RuntimeError, or accepts the client",
        Fault.ACCEPT_AFTER_DENIAL: "accepts the client",
        Fault.AFTER_DENIAL: _DROPS,
        Fault.SECOND_ACCEPT: _RUNTIME_ERROR,
        Fault.LATE_DENIAL: _RUNTIME_ERROR,
        Fault.SEND_AFTER_CLOSE: _DROPS,
        Fault.SECOND_CLOSE: _DROPS,
        Fault.AFTER_RETURN: _DROPS,
        Fault.NO_FRAME: _RUNTIME_ERROR,
        Fault.TWO_FRAMES: _RUNTIME_ERROR,
        Fault.TEXT_AS_BYTES: _EMPTY,
        Fault.BYTES_AS_TEXT: _EMPTY,
        Fault.BYTES_LIKE: _BINARY,
        Fault.SURROGATE: _EMPTY,
        Fault.CLOSE_CODE: "gives the client 1006",
        Fault.RESERVED_CLOSE_CODE: "gives the client 1006",
        Fault.CLOSE_CODE_TYPE: "gives the client 1000",
        Fault.LONG_REASON: "gives the client 1006",
        Fault.REASON_TYPE: "gives the client 1000",
        Fault.SUBPROTOCOL: _FAILS_HANDSHAKE,
        Fault.SUBPROTOCOL_LINE: "exits",
        Fault.HEADERS: _DROPS_HEADERS,
        Fault.HEADER_CASE: _DROPS_HEADERS,
        Fault.HEADER_LINE: _DROPS_HEADERS,
        Fault.HEADER_SUBPROTOCOL: _DROPS_HEADERS,
        Fault.STATUS: "exits",
        Fault.BODY: "answers 401",
    },
)

_DAPHNE: Final = ServerFacts(
    name="daphne",
    version="4.2",
    # autobahn's `Disconnected`, up to the end of the TCP connection; silence after that.
    send_after_disconnect="runtime_error",
    send_once_received="silent",
    second_receive="blocks",
    told_no_code=None,
    tells_reason=False,
    spec_version=None,
    missing_keys=frozenset({"extensions", "http_version", "scheme", "state"}),
    lists_addresses=True,
    denial_response=False,
    refused_codes=range(1001, 3000),
    close_reasons=False,
    accept_headers=False,
    empty_messages=False,
    shutdown="kills",
    return_stays_open=True,
    failure_code=1011,
    return_status=None,
    runs_lifespan=False,
    bounds_outbound=False,
    bounds_inbound=False,
    compresses=False,
    illegal_events={
        Fault.NOT_A_DICT: "raises TypeError, or raises KeyError",
        Fault.UNKNOWN_TYPE: _DROPS,
        Fault.BEFORE_ACCEPT: "raises ValueError",
        Fault.ACCEPT_AFTER_DENIAL: _DROPS,
        Fault.AFTER_DENIAL: _DROPS,
        Fault.SECOND_ACCEPT: "raises AttributeError",
        Fault.LATE_DENIAL: _DROPS,
        Fault.SEND_AFTER_CLOSE: "raises autobahn.Disconnected",
        Fault.SECOND_CLOSE: _DROPS,
        Fault.AFTER_RETURN: _TEXT,
        Fault.NO_EXTENSION: "leaves the client waiting",
        Fault.NO_FRAME: _DROPS,
        Fault.TWO_FRAMES: "raises ValueError",
        Fault.TEXT_AS_BYTES: "raises AssertionError",
        Fault.BYTES_AS_TEXT: "raises AttributeError",
        Fault.BYTES_LIKE: "raises AssertionError",
        Fault.SURROGATE: "raises UnicodeEncodeError",
        Fault.CLOSE_CODE: "raises Exception",
        Fault.RESERVED_CLOSE_CODE: "raises Exception",
        Fault.CLOSE_CODE_TYPE: "raises Exception",
        Fault.LONG_REASON: "gives the client 1000",
        Fault.REASON_TYPE: "gives the client 1000",
        Fault.SUBPROTOCOL: "leaves the client waiting",
        Fault.SUBPROTOCOL_LINE: "leaves the client waiting",
        Fault.HEADERS: _DROPS_HEADERS,
        Fault.HEADER_CASE: _DROPS_HEADERS,
        Fault.HEADER_LINE: _DROPS_HEADERS,
        Fault.HEADER_SUBPROTOCOL: _DROPS_HEADERS,
    },
)

_GUNICORN: Final = ServerFacts(
    name="gunicorn",
    version="27",
    second_receive="blocks",
    tells_reason=False,
    missing_keys=frozenset({"extensions"}),
    denial_response=False,
    shutdown="kills",
    return_code=1011,
    failure_code=1011,
    return_status=403,
    finds_dead_clients=False,
    compresses=False,
    illegal_events={
        Fault.NOT_A_DICT: "raises TypeError, or raises KeyError",
        Fault.UNKNOWN_TYPE: _DROPS,
        Fault.BEFORE_ACCEPT: _RUNTIME_ERROR,
        Fault.ACCEPT_AFTER_DENIAL: _DROPS,
        Fault.AFTER_DENIAL: f"{_RUNTIME_ERROR}, or {_DROPS}",
        Fault.SECOND_ACCEPT: _RUNTIME_ERROR,
        Fault.LATE_DENIAL: _DROPS,
        Fault.SEND_AFTER_CLOSE: "raises gunicorn.WebSocketDisconnected",
        Fault.SECOND_CLOSE: _DROPS,
        Fault.AFTER_RETURN: "raises gunicorn.WebSocketDisconnected",
        Fault.NO_EXTENSION: "answers 403",
        Fault.NO_FRAME: _DROPS,
        Fault.TWO_FRAMES: _TEXT,
        Fault.TEXT_AS_BYTES: _BINARY,
        Fault.BYTES_AS_TEXT: "raises AttributeError",
        Fault.BYTES_LIKE: _BINARY,
        Fault.SURROGATE: "raises UnicodeEncodeError",
        Fault.CLOSE_CODE: "gives the client 1006",
        Fault.RESERVED_CLOSE_CODE: "gives the client 1006",
        Fault.CLOSE_CODE_TYPE: "raises struct.error",
        Fault.LONG_REASON: "gives the client 1000 and a reason of 123 bytes",
        Fault.REASON_TYPE: "raises AttributeError",
        Fault.SUBPROTOCOL: _FAILS_HANDSHAKE,
        Fault.SUBPROTOCOL_LINE: "raises gunicorn.InvalidResponseHeader, and answers 500",
        Fault.HEADERS: "sends it",
        Fault.HEADER_CASE: "sends it",
        Fault.HEADER_LINE: "raises gunicorn.InvalidResponseHeader, and answers 500",
        Fault.HEADER_SUBPROTOCOL: _FAILS_HANDSHAKE,
    },
)

FACTS: Final[Mapping[ServerName, ServerFacts]] = MappingProxyType(
    {
        "uvicorn": _UVICORN,
        "uvicorn-wsproto": _UVICORN_WSPROTO,
        "uvicorn-legacy": _UVICORN_LEGACY,
        "hypercorn": _HYPERCORN,
        "hypercorn-trio": _HYPERCORN_TRIO,
        "granian": _GRANIAN,
        "daphne": _DAPHNE,
        "gunicorn": _GUNICORN,
    }
)
"""The servers that were measured."""

DIALECTS: Final[Mapping[ServerName, Dialect]] = FACTS
"""How each of them behaves, for the testing client to play."""
