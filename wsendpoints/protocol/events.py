"""Check the events that we send to the server: some servers crash on an illegal one.

Only the content is checked here. Whether an event may be sent at this point is up to `state`.
"""

from collections.abc import Mapping
from typing import Any, cast

from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.close_codes import CloseCode, check_close_code, cut_reason
from wsendpoints.protocol.frames import check_binary, check_text
from wsendpoints.protocol.headers import check_headers
from wsendpoints.protocol.state import CLOSE
from wsendpoints.protocol.subprotocols import check_subprotocol, parse_subprotocols

__all__ = ["check_event", "close_event"]


def close_event(code: object, reason: object) -> Event:
    """Return the event that closes a connection.

    Raises:
        ValueError: The code may not be sent.
        TypeError: The reason is neither a str nor `None`.
    """
    if reason is not None and not isinstance(reason, str):
        raise TypeError(f"the reason of a close is a str, not {type(reason).__name__}")
    return {"type": CLOSE, "code": check_close_code(code), "reason": cut_reason(reason)}


def check_event(event: object, offered: object) -> Event:
    """Return a copy of `event` in the form that every server accepts.

    Args:
        event: An event to send; it may be anything.
        offered: The scope's `"subprotocols"`.

    Raises:
        ValueError, TypeError: The event does not conform to the ASGI specification, or its
            content does not conform to RFC 6455.
    """
    if not isinstance(event, Mapping):
        raise TypeError(
            f"an ASGI event is a dict, not {type(event).__name__}: for messages there are "
            "send_text, send_bytes and send_json"
        )
    event = dict(cast("Mapping[str, Any]", event))
    match event.get("type"):
        case "websocket.send":
            text, data = event.get("text"), event.get("bytes")
            if (text is None) == (data is None):
                raise ValueError("a 'websocket.send' event carries one of 'text' and 'bytes'")
            if data is None:
                check_text(text)
            else:
                event["bytes"] = check_binary(data)
        case "websocket.accept":
            if event.get("subprotocol") is not None:
                check_subprotocol(event["subprotocol"], parse_subprotocols(offered))
            event["headers"] = check_headers(event.get("headers"))
        case "websocket.close":
            return close_event(event.get("code", CloseCode.NORMAL_CLOSURE), event.get("reason"))
        case "websocket.http.response.start":
            _check_status(event.get("status"))
            event["headers"] = check_headers(event.get("headers"))
        case "websocket.http.response.body":
            event["body"] = check_binary(event.get("body", b""))
        case other:
            raise ValueError(f"{other!r} is no type of event that can be sent")
    return event


def _check_status(status: object) -> None:
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"the status of a response is an int, not {type(status).__name__}")
    # RFC 9110, section 15.2: a status below 200 is not a final response.
    if not 200 <= status <= 599:
        raise ValueError(f"a response can't have the status {status!r}: use 200 to 599")
