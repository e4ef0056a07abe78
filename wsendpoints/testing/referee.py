"""Judges each event that an app sends by the rules of the ASGI specification; no I/O."""

from collections.abc import Collection, Iterable
from enum import Enum
from typing import Any, Final, cast

from wsendpoints.protocol.close_codes import MAX_REASON_BYTES, CloseCode, check_close_code
from wsendpoints.testing.consequences import consequence_of
from wsendpoints.testing.errors import IllegalEventError
from wsendpoints.testing.events import (
    Accepted,
    AppEvent,
    Closed,
    DenialBody,
    DenialStart,
    HeaderList,
)
from wsendpoints.testing.faults import Fault

__all__ = ["Phase", "Referee"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True


class Phase(Enum):
    """How far the app has come, each with the events that may follow."""

    HANDSHAKE = "before it answered the handshake"
    DENYING = "in the middle of its denial response"
    DENIED = "after it denied the handshake"
    OPEN = "after it accepted the connection"
    CLOSED = "after it closed the connection"
    RETURNED = "after it returned"


_ALLOWED: Final[dict[Phase, tuple[str, ...]]] = {
    Phase.HANDSHAKE: ("websocket.accept", "websocket.close", "websocket.http.response.start"),
    Phase.DENYING: ("websocket.http.response.body",),
    Phase.DENIED: (),
    Phase.OPEN: ("websocket.send", "websocket.close"),
    Phase.CLOSED: (),
    Phase.RETURNED: (),
}
_TYPES: Final = frozenset(type_ for types in _ALLOWED.values() for type_ in types)

_OUT_OF_TURN: Final[dict[Phase, Fault]] = {
    Phase.HANDSHAKE: Fault.BEFORE_ACCEPT,
    Phase.DENYING: Fault.IN_DENIAL,
    Phase.DENIED: Fault.AFTER_DENIAL,
    Phase.OPEN: Fault.LATE_DENIAL,
    Phase.CLOSED: Fault.SEND_AFTER_CLOSE,
    Phase.RETURNED: Fault.AFTER_RETURN,
}
"""What an event out of turn is, unless it is in the next table."""

_OF_ITS_OWN: Final[dict[tuple[Phase, str], Fault]] = {
    (Phase.DENIED, "websocket.accept"): Fault.ACCEPT_AFTER_DENIAL,
    (Phase.OPEN, "websocket.accept"): Fault.SECOND_ACCEPT,
    (Phase.CLOSED, "websocket.close"): Fault.SECOND_CLOSE,
}

_NEVER_SENT: Final = frozenset(
    {CloseCode.NO_STATUS_RECEIVED, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}
)


class Referee:
    """Follows one connection from the app's side.

    The order of the app's events is judged on its own: an event that the server could not
    deliver, since the client had disconnected, counts as sent.

    Args:
        subprotocols: What the client offers.
        has_denial_response: Whether the scope offers denial responses.
        server: The server whose consequence an error tells; `None` for those of all.

    Attributes:
        phase: How far the app has come.
    """

    def __init__(
        self,
        subprotocols: Collection[str],
        has_denial_response: bool,
        server: str | None = None,
    ) -> None:
        self.phase: Phase = Phase.HANDSHAKE
        self._subprotocols = subprotocols
        self._has_denial_response = has_denial_response
        self._server = server

    def judge(self, event: object) -> AppEvent:
        """Return what `event` says.

        Raises:
            IllegalEventError: If the event is malformed, or out of turn.
        """
        try:
            fields = _fields(event)
            self._check_turn(fields["type"])
            return self._parse(fields)
        except _IllegalError as exc:
            does = consequence_of(exc.fault, self._server)
            raise IllegalEventError(event, exc.problem, does) from None

    def follow(self, said: AppEvent) -> None:
        """Move on to the phase that begins with what was said."""
        match said:
            case Accepted():
                self.phase = Phase.OPEN
            case Closed():
                was_open = self.phase is Phase.OPEN
                self.phase = Phase.CLOSED if was_open else Phase.DENIED
            case DenialStart():
                self.phase = Phase.DENYING
            case DenialBody(has_more=False):
                self.phase = Phase.DENIED
            case _:
                pass

    def _check_turn(self, type_: str) -> None:
        allowed = _ALLOWED[self.phase]
        if type_ not in allowed:
            may = " or ".join(map(repr, allowed)) or "nothing"
            raise _IllegalError(
                f"{type_!r} {self.phase.value}, where {may} may be sent",
                _OF_ITS_OWN.get((self.phase, type_), _OUT_OF_TURN[self.phase]),
            )
        if type_ == "websocket.http.response.start" and not self._has_denial_response:
            raise _IllegalError(
                "the server does not offer the extension 'websocket.http.response' in its scope",
                Fault.NO_EXTENSION,
            )

    def _parse(self, event: dict[str, Any]) -> AppEvent:
        match event["type"]:
            case "websocket.accept":
                return Accepted(self._subprotocol(event), _headers(event, has_subprotocol=True))
            case "websocket.send":
                return _frame(event)
            case "websocket.close":
                return _close(event)
            case "websocket.http.response.start":
                return _denial_start(event)
            case _:
                body = _field(event, "body", bytes, b"", Fault.BODY)
                return DenialBody(body, _field(event, "more_body", bool, False, Fault.BODY))

    def _subprotocol(self, event: dict[str, Any]) -> str | None:
        subprotocol: str | None = _field(event, "subprotocol", str, None, Fault.SUBPROTOCOL)
        if subprotocol is not None and subprotocol not in self._subprotocols:
            has_line_end = not {"\r", "\n"}.isdisjoint(subprotocol)
            raise _IllegalError(
                f"the subprotocol {subprotocol!r} is none of the offered {self._subprotocols!r}",
                Fault.SUBPROTOCOL_LINE if has_line_end else Fault.SUBPROTOCOL,
            )
        return subprotocol


class _IllegalError(Exception):
    """What is wrong with an event, in words and as a fault."""

    def __init__(self, problem: str, fault: Fault) -> None:
        super().__init__(problem, fault)
        self.problem = problem
        self.fault = fault


def _fields(event: object) -> dict[str, Any]:
    # ASGI spec, "Events": "Events are unicode string keyed dicts".
    if not isinstance(event, dict):
        raise _IllegalError(f"an event is a dict, not {type(event).__name__}", Fault.NOT_A_DICT)
    fields = cast("dict[str, Any]", event)
    type_ = fields.get("type")
    if not isinstance(type_, str) or type_ not in _TYPES:
        fault = Fault.NOT_A_DICT if type_ is None else Fault.UNKNOWN_TYPE
        raise _IllegalError(f"{type_!r} is no type of event that an app may send", fault)
    return fields


def _field(event: dict[str, Any], key: str, type_: type[Any], default: Any, fault: Fault) -> Any:
    value = event.get(key, default)
    # True is an int to Python, but no close code or status.
    is_right = isinstance(value, type_) and (type_ is bool or not isinstance(value, bool))
    if is_right or value is default:
        return value
    raise _IllegalError(f"{key!r} must be {type_.__name__}, not {type(value).__name__}", fault)


def _frame(event: dict[str, Any]) -> str | bytes:
    text: str | None = _field(event, "text", str, None, Fault.BYTES_AS_TEXT)
    is_like = isinstance(event.get("bytes"), bytearray | memoryview)
    fault = Fault.BYTES_LIKE if is_like else Fault.TEXT_AS_BYTES
    data: bytes | None = _field(event, "bytes", bytes, None, fault)
    if text is not None and data is None:
        _utf8(text, "text")
        return text
    if data is not None and text is None:
        return data
    # ASGI spec, WebSocket, "Send": "At least one of bytes or text must be non-None." The servers
    # refuse both.
    raise _IllegalError(
        "exactly one of 'text' and 'bytes' must be there and not None",
        Fault.NO_FRAME if text is None else Fault.TWO_FRAMES,
    )


def _close(event: dict[str, Any]) -> Closed:
    code = _field(event, "code", int, 1000, Fault.CLOSE_CODE_TYPE)
    try:
        check_close_code(code)
    except ValueError as exc:
        fault = Fault.RESERVED_CLOSE_CODE if code in _NEVER_SENT else Fault.CLOSE_CODE
        raise _IllegalError(str(exc), fault) from None
    reason: str = _field(event, "reason", str, None, Fault.REASON_TYPE) or ""
    size = len(_utf8(reason, "reason"))
    if size > MAX_REASON_BYTES:
        raise _IllegalError(
            f"the reason has {size} bytes, the limit is {MAX_REASON_BYTES}", Fault.LONG_REASON
        )
    return Closed(code, reason)


def _denial_start(event: dict[str, Any]) -> DenialStart:
    status: int = _field(event, "status", int, 0, Fault.STATUS)
    if not 200 <= status <= 599:
        raise _IllegalError(f"the status {status} is not in 200 to 599", Fault.STATUS)
    return DenialStart(status, _headers(event, has_subprotocol=False))


def _headers(event: dict[str, Any], *, has_subprotocol: bool) -> HeaderList:
    given = event.get("headers", ())
    if not isinstance(given, Iterable):
        raise _IllegalError(f"'headers' must be pairs, not {type(given).__name__}", Fault.HEADERS)
    headers: HeaderList = []
    for pair in cast("Iterable[object]", given):
        match pair:
            case [bytes(name), bytes(value)]:
                _check_header(name, value)
                headers.append((name, value))
            case _:
                raise _IllegalError(f"a header is a pair of bytes, not {pair!r}", Fault.HEADERS)
    # ASGI spec, WebSocket, "Accept": "Must not include a header named sec-websocket-protocol".
    if has_subprotocol and any(name == b"sec-websocket-protocol" for name, _ in headers):
        raise _IllegalError(
            "the subprotocol is given by 'subprotocol', not by a header", Fault.HEADER_SUBPROTOCOL
        )
    return headers


def _check_header(name: bytes, value: bytes) -> None:
    if not name or name != name.lower() or any(byte in b" :\r\n\0" for byte in name):
        fault = Fault.HEADER_LINE if _has_line_end(name) else Fault.HEADER_CASE
        raise _IllegalError(f"the header name {name!r} is not a token in lower case", fault)
    # RFC 9110, section 5.5: "CR, LF, and NUL are invalid and dangerous".
    if _has_line_end(value):
        raise _IllegalError(f"the header value {value!r} holds CR, LF or NUL", Fault.HEADER_LINE)


def _has_line_end(field: bytes) -> bool:
    return any(byte in b"\r\n\0" for byte in field)


def _utf8(text: str, key: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _IllegalError(
            f"{key!r} holds a lone surrogate, which UTF-8 cannot carry", Fault.SURROGATE
        ) from None
