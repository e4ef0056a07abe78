"""What each server does with an event that no server should be sent, as it was measured."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

__all__ = ["Fault", "consequence_of"]


class Fault(Enum):
    """What may be wrong with an event."""

    NOT_A_DICT = "it is no dict, or has no type"
    UNKNOWN_TYPE = "its type is none that an app may send"
    BEFORE_ACCEPT = "it comes before the handshake is answered"
    IN_DENIAL = "it comes in the middle of a denial response"
    AFTER_DENIAL = "it comes after the handshake was denied"
    SECOND_ACCEPT = "the connection was accepted already"
    LATE_DENIAL = "the connection that it would deny was accepted"
    SEND_AFTER_CLOSE = "a frame after the close"
    SECOND_CLOSE = "a close after the close"
    AFTER_RETURN = "the app returned before"
    NO_EXTENSION = "a denial response where there is none"
    NO_FRAME = "neither text nor bytes"
    TWO_FRAMES = "both text and bytes"
    OTHER_FRAME = "bytes as text, or text as bytes"
    BYTES_LIKE = "a bytearray or the like"
    SURROGATE = "text that UTF-8 cannot carry"
    CLOSE_CODE = "a close code that may not be sent"
    CLOSE_CODE_TYPE = "a close code that is no int"
    LONG_REASON = "a reason that does not fit into the frame"
    REASON_TYPE = "a reason that is no str"
    SUBPROTOCOL = "a subprotocol that was not offered"
    SUBPROTOCOL_LINE = "a subprotocol with a line end in it"
    HEADERS = "headers that are no pairs of bytes"
    HEADER_CASE = "a header name in upper case"
    HEADER_LINE = "a header with a line end in it"
    HEADER_SUBPROTOCOL = "a subprotocol among the headers"
    STATUS = "a status that no response has"
    BODY = "a body that is no bytes"


_UVICORNS: Final = "uvicorn uvicorn-wsproto uvicorn-legacy"
_HYPERCORNS: Final = "hypercorn hypercorn-trio"
_DROPS: Final = "drops it without a word"
_LEAVES_OPEN: Final = "raises, and leaves the connection open"
_RUNTIME_ERROR: Final = "raises RuntimeError"
_UNEXPECTED: Final = "raises UnexpectedMessageError"
_NO_HEADERS: Final = "drops every header"
_NO_ANSWER: Final = "raises, and gives the client no valid answer"

_MEASURED: Final[Mapping[Fault, Mapping[str, str]]] = {
    Fault.NOT_A_DICT: {
        f"{_UVICORNS} {_HYPERCORNS} daphne gunicorn": "raises TypeError or KeyError",
        "granian": "raises TypeError or RuntimeError",
    },
    Fault.UNKNOWN_TYPE: {
        f"{_UVICORNS} granian": _RUNTIME_ERROR,
        _HYPERCORNS: _UNEXPECTED,
        "daphne gunicorn": _DROPS,
    },
    Fault.BEFORE_ACCEPT: {
        f"{_UVICORNS} gunicorn": _RUNTIME_ERROR,
        _HYPERCORNS: _UNEXPECTED,
        "granian": _DROPS,
        "daphne": "raises ValueError",
    },
    Fault.IN_DENIAL: {_UVICORNS: _RUNTIME_ERROR, _HYPERCORNS: _UNEXPECTED, "granian": _DROPS},
    Fault.AFTER_DENIAL: {
        _UVICORNS: _RUNTIME_ERROR,
        _HYPERCORNS: _UNEXPECTED,
        "granian": "accepts the client all the same, if it is an accept",
        "daphne gunicorn": _DROPS,
    },
    Fault.SECOND_ACCEPT: {
        f"{_UVICORNS} granian gunicorn": _RUNTIME_ERROR,
        _HYPERCORNS: _UNEXPECTED,
        "daphne": "raises AttributeError",
    },
    Fault.LATE_DENIAL: {
        f"{_UVICORNS} granian": _RUNTIME_ERROR,
        _HYPERCORNS: _UNEXPECTED,
        "daphne gunicorn": _DROPS,
    },
    Fault.SEND_AFTER_CLOSE: {
        _UVICORNS: _RUNTIME_ERROR,
        "hypercorn": _UNEXPECTED,
        "hypercorn-trio granian": _DROPS,
        "daphne": "raises autobahn's Disconnected",
        "gunicorn": "raises OSError",
    },
    Fault.SECOND_CLOSE: {
        _UVICORNS: _RUNTIME_ERROR,
        f"{_HYPERCORNS} granian daphne gunicorn": _DROPS,
    },
    Fault.AFTER_RETURN: {
        "uvicorn uvicorn-wsproto gunicorn": "raises OSError",
        "uvicorn-legacy": _RUNTIME_ERROR,
        f"{_HYPERCORNS} granian": _DROPS,
        "daphne": "sends it, on a connection that stays open for ever",
    },
    Fault.NO_EXTENSION: {
        "daphne": "drops it, and the client waits for ever",
        "gunicorn": "answers 403",
    },
    Fault.NO_FRAME: {
        "uvicorn daphne gunicorn": _DROPS,
        "uvicorn-wsproto uvicorn-legacy": "raises TypeError",
        _HYPERCORNS: "raises KeyError",
        "granian": _RUNTIME_ERROR,
    },
    Fault.TWO_FRAMES: {
        f"{_UVICORNS} {_HYPERCORNS}": "sends the bytes alone",
        "granian": _RUNTIME_ERROR,
        "daphne": "raises ValueError",
        "gunicorn": "sends the text alone",
    },
    Fault.OTHER_FRAME: {
        f"uvicorn {_HYPERCORNS} daphne": "raises",
        "uvicorn-wsproto uvicorn-legacy": "sends a frame of the other kind",
        "granian": "sends an empty message",
        "gunicorn": "raises, or sends the text as bytes",
    },
    Fault.BYTES_LIKE: {
        f"{_UVICORNS} {_HYPERCORNS} granian gunicorn": "sends it",
        "daphne": "raises AssertionError",
    },
    Fault.SURROGATE: {
        f"{_UVICORNS} {_HYPERCORNS} daphne gunicorn": "raises UnicodeEncodeError",
        "granian": "sends an empty message",
    },
    Fault.CLOSE_CODE: {
        f"{_UVICORNS.replace('uvicorn-wsproto ', '')} daphne": _LEAVES_OPEN,
        f"uvicorn-wsproto {_HYPERCORNS}": "closes with 1000, or gives the client 1006",
        "granian gunicorn": "gives the client 1006",
    },
    Fault.CLOSE_CODE_TYPE: {
        "uvicorn uvicorn-legacy daphne gunicorn": _LEAVES_OPEN,
        "uvicorn-wsproto": "raises, and gives the client 1006",
        f"{_HYPERCORNS}": "raises ValueError",
        "granian": "closes with 1000",
    },
    Fault.LONG_REASON: {
        "uvicorn uvicorn-legacy": _LEAVES_OPEN,
        f"uvicorn-wsproto {_HYPERCORNS}": "cuts it",
        "granian": "gives the client 1006",
        "daphne": "drops every reason",
        "gunicorn": "cuts it, within a character if need be: the client then sees 1006",
    },
    Fault.REASON_TYPE: {
        "uvicorn uvicorn-legacy gunicorn": _LEAVES_OPEN,
        f"uvicorn-wsproto {_HYPERCORNS}": "raises AttributeError",
        "granian": "closes without it",
        "daphne": "drops every reason",
    },
    Fault.SUBPROTOCOL: {
        "uvicorn uvicorn-legacy granian gunicorn": "sends it, and the client fails the handshake",
        "uvicorn-wsproto hypercorn": _NO_ANSWER,
        "hypercorn-trio": "exits",
        "daphne": "leaves the client waiting",
    },
    Fault.SUBPROTOCOL_LINE: {
        "uvicorn gunicorn": "answers 500",
        "uvicorn-wsproto hypercorn": _NO_ANSWER,
        "uvicorn-legacy": "answers 400",
        "hypercorn-trio granian": "exits",
        "daphne": "leaves the client waiting",
    },
    Fault.HEADERS: {
        "uvicorn uvicorn-legacy": "raises AttributeError",
        "uvicorn-wsproto gunicorn": "sends them",
        _HYPERCORNS: _NO_ANSWER,
        "granian daphne": _NO_HEADERS,
    },
    Fault.HEADER_CASE: {
        f"{_UVICORNS} {_HYPERCORNS} gunicorn": "sends it",
        "granian daphne": _NO_HEADERS,
    },
    Fault.HEADER_LINE: {
        "uvicorn gunicorn": "raises",
        f"uvicorn-wsproto {_HYPERCORNS}": _NO_ANSWER,
        "uvicorn-legacy": "answers 400",
        "granian daphne": _NO_HEADERS,
    },
    Fault.HEADER_SUBPROTOCOL: {
        f"{_UVICORNS} gunicorn": "sends it, and the client fails the handshake",
        _HYPERCORNS: _NO_ANSWER,
        "granian daphne": _NO_HEADERS,
    },
    Fault.STATUS: {_UVICORNS: "raises", f"{_HYPERCORNS} granian": "says nothing at first"},
    Fault.BODY: {
        f"{_UVICORNS} {_HYPERCORNS}": "raises TypeError, and answers with half a response",
        "granian": "sends an empty body",
    },
}


def consequence_of(fault: Fault, server: str | None) -> str:
    """Return what a server does with such an event: `"hypercorn-trio exits"`.

    Args:
        fault: What is wrong with the event.
        server: The name of the server; `None` for all that were measured.
    """
    measured = _MEASURED[fault]
    if server is None:
        each = (f"{servers.replace(' ', ', ')}: {does}" for servers, does in measured.items())
        return f"what servers do: {'; '.join(each)}"
    for servers, does in measured.items():
        if server in servers.split():
            return f"{server} {does}"
    return f"what {server} does was not measured"
