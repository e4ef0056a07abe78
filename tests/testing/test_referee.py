"""Tests of the rules that the app's events are judged by."""

from typing import Any

import pytest

from wsendpoints.protocol.asgi import Event
from wsendpoints.testing import Closed, IllegalEventError
from wsendpoints.testing.consequences import consequence_of
from wsendpoints.testing.events import Accepted, AppEvent, DenialBody, DenialStart
from wsendpoints.testing.faults import Fault
from wsendpoints.testing.referee import Phase, Referee

from .apps import ACCEPT, CLOSE, text

START: Event = {"type": "websocket.http.response.start", "status": 403}
BODY: Event = {"type": "websocket.http.response.body"}
EVENTS: dict[str, Event] = {
    "accept": ACCEPT,
    "send": text("x"),
    "close": CLOSE,
    "start": START,
    "body": BODY,
}
# The shortest way to each phase, and what may come there.
PHASES: dict[Phase, tuple[list[Event], set[str]]] = {
    Phase.HANDSHAKE: ([], {"accept", "close", "start"}),
    Phase.DENYING: ([START], {"body"}),
    Phase.DENIED: ([CLOSE], set()),
    Phase.OPEN: ([ACCEPT], {"send", "close"}),
    Phase.CLOSED: ([ACCEPT, CLOSE], set()),
}


def referee(*events: Event) -> Referee:
    """Return a referee that has seen `events`."""
    referee = Referee(["a", "b"], has_denial_response=True)
    for event in events:
        referee.follow(referee.judge(event))
    return referee


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("phase", PHASES)
def test_turns(phase: Phase, name: str) -> None:
    """Each event is legal in its phases, and leaves the phase as it was in all others."""
    way, allowed = PHASES[phase]
    judge = referee(*way)
    assert judge.phase is phase
    if name in allowed:
        judge.follow(judge.judge(EVENTS[name]))
    else:
        with pytest.raises(IllegalEventError):
            judge.judge(EVENTS[name])
        assert judge.phase is phase


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        pytest.param([ACCEPT, text("x")], Phase.OPEN, id="send"),
        pytest.param([START, {**BODY, "more_body": True}], Phase.DENYING, id="more body"),
        pytest.param([START, BODY], Phase.DENIED, id="last body"),
    ],
)
def test_phases(events: list[Event], phase: Phase) -> None:
    """The phase moves on with the event that ends it, and with no other."""
    assert referee(*events).phase is phase


@pytest.mark.parametrize(
    ("way", "event", "said"),
    [
        pytest.param([], ACCEPT, Accepted(None, []), id="accept"),
        pytest.param(
            [],
            {**ACCEPT, "subprotocol": "b", "headers": iter([[b"x-a", b"1"], (b"x-a", b"\xe9")])},
            Accepted("b", [(b"x-a", b"1"), (b"x-a", b"\xe9")]),
            id="accept, all",
        ),
        pytest.param([ACCEPT], text(""), "", id="text"),
        pytest.param([ACCEPT], {"type": "websocket.send", "bytes": b""}, b"", id="bytes"),
        pytest.param([ACCEPT], {**text("x"), "bytes": None}, "x", id="both keys"),
        pytest.param([ACCEPT], CLOSE, Closed(1000, ""), id="close"),
        pytest.param(
            [ACCEPT], {**CLOSE, "code": 4999, "reason": "é" * 61}, Closed(4999, "é" * 61), id="code"
        ),
        pytest.param([ACCEPT], {**CLOSE, "reason": None}, Closed(1000, ""), id="no reason"),
        pytest.param([], {**START, "headers": []}, DenialStart(403, []), id="denial"),
        pytest.param([START], BODY, DenialBody(b"", has_more=False), id="empty body"),
        pytest.param(
            [START],
            {**BODY, "body": b"x", "more_body": True},
            DenialBody(b"x", has_more=True),
            id="body",
        ),
    ],
)
def test_legal_events(way: list[Event], event: Event, said: AppEvent) -> None:
    """A legal event is told by what it says."""
    assert referee(*way).judge(event) == said


@pytest.mark.parametrize(
    ("way", "event", "problem"),
    [
        pytest.param([], [], "an event is a dict, not list", id="no dict"),
        pytest.param([], {}, "None is no type of event that an app may send", id="no type"),
        pytest.param(
            [],
            {"type": "websocket.foo"},
            "'websocket.foo' is no type of event that an app may send",
            id="unknown type",
        ),
        pytest.param(
            [],
            {"type": ["websocket.accept"]},
            "['websocket.accept'] is no type of event that an app may send",
            id="type of a wrong type",
        ),
        pytest.param(
            [],
            text("x"),
            "'websocket.send' before it answered the handshake, where 'websocket.accept' or "
            "'websocket.close' or 'websocket.http.response.start' may be sent",
            id="send before accept",
        ),
        pytest.param(
            [ACCEPT, CLOSE],
            CLOSE,
            "'websocket.close' after it closed the connection, where nothing may be sent",
            id="close twice",
        ),
        pytest.param(
            [],
            {**ACCEPT, "subprotocol": "c"},
            "the subprotocol 'c' is none of the offered ['a', 'b']",
            id="subprotocol not offered",
        ),
        pytest.param(
            [],
            {**ACCEPT, "subprotocol": b"a"},
            "'subprotocol' must be str, not bytes",
            id="subprotocol in bytes",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": None},
            "'headers' must be pairs, not NoneType",
            id="headers None",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [("a", b"b")]},
            "a header is a pair of bytes, not ('a', b'b')",
            id="header name str",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [(b"a", b"b", b"c")]},
            "a header is a pair of bytes, not (b'a', b'b', b'c')",
            id="header triple",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [(b"X-A", b"b")]},
            "the header name b'X-A' is not a token in lower case",
            id="header in upper case",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [(b"", b"b")]},
            "the header name b'' is not a token in lower case",
            id="header without a name",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [(b"a\n", b"b")]},
            "the header name b'a\\n' is not a token in lower case",
            id="header name with a line end",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [(b"a", b"b\r\nc: d")]},
            "the header value b'b\\r\\nc: d' holds CR, LF or NUL",
            id="header value with a line end",
        ),
        pytest.param(
            [],
            {**ACCEPT, "headers": [(b"sec-websocket-protocol", b"a")]},
            "the subprotocol is given by 'subprotocol', not by a header",
            id="subprotocol as a header",
        ),
        pytest.param(
            [ACCEPT],
            {"type": "websocket.send"},
            "exactly one of 'text' and 'bytes' must be there and not None",
            id="neither key",
        ),
        pytest.param(
            [ACCEPT],
            {**text("x"), "bytes": b"x"},
            "exactly one of 'text' and 'bytes' must be there and not None",
            id="both set",
        ),
        pytest.param(
            [ACCEPT],
            {"type": "websocket.send", "text": None, "bytes": None},
            "exactly one of 'text' and 'bytes' must be there and not None",
            id="both None",
        ),
        pytest.param(
            [ACCEPT],
            {"type": "websocket.send", "text": b"x"},
            "'text' must be str, not bytes",
            id="text in bytes",
        ),
        pytest.param(
            [ACCEPT],
            {"type": "websocket.send", "bytes": bytearray(b"x")},
            "'bytes' must be bytes, not bytearray",
            id="bytearray",
        ),
        pytest.param(
            [ACCEPT],
            text("\ud800"),
            "'text' holds a lone surrogate, which UTF-8 cannot carry",
            id="lone surrogate",
        ),
        pytest.param(
            [ACCEPT], {**CLOSE, "code": "1000"}, "'code' must be int, not str", id="code in str"
        ),
        pytest.param(
            [ACCEPT], {**CLOSE, "code": True}, "'code' must be int, not bool", id="code True"
        ),
        pytest.param(
            [ACCEPT],
            {**CLOSE, "code": 1005},
            "1005 is no close code that may be sent: use 1000 to 1003, 1007 to 1014, or 3000 to "
            "4999 (RFC 6455, section 7.4)",
            id="code 1005",
        ),
        pytest.param(
            [ACCEPT], {**CLOSE, "reason": b"x"}, "'reason' must be str, not bytes", id="reason"
        ),
        pytest.param(
            [ACCEPT],
            {**CLOSE, "reason": "é" * 62},
            "the reason has 124 bytes, the limit is 123",
            id="long reason",
        ),
        pytest.param(
            [],
            {"type": "websocket.http.response.start"},
            "the status 0 is not in 200 to 599",
            id="no status",
        ),
        pytest.param(
            [START], {**BODY, "body": "x"}, "'body' must be bytes, not str", id="body in str"
        ),
        pytest.param(
            [START], {**BODY, "more_body": 1}, "'more_body' must be bool, not int", id="more_body"
        ),
    ],
)
def test_illegal_events(way: list[Event], event: Any, problem: str) -> None:
    """An illegal event is refused by an error that tells what is wrong with it."""
    with pytest.raises(IllegalEventError) as caught:
        referee(*way).judge(event)
    assert caught.value.event is event
    assert caught.value.problem == problem


def test_no_denial_response_without_the_extension() -> None:
    """ASGI spec, "Websocket Denial Response": only where the scope offers the extension."""
    with pytest.raises(IllegalEventError) as caught:
        Referee([], has_denial_response=False).judge(START)
    assert caught.value.problem == (
        "the server does not offer the extension 'websocket.http.response' in its scope"
    )


SEND: Event = {"type": "websocket.send"}


@pytest.mark.parametrize(
    ("way", "event", "fault"),
    [
        ([], None, Fault.NOT_A_DICT),
        ([], {"type": "websocket.foo"}, Fault.UNKNOWN_TYPE),
        ([], text("x"), Fault.BEFORE_ACCEPT),
        ([START], ACCEPT, Fault.IN_DENIAL),
        ([CLOSE], ACCEPT, Fault.ACCEPT_AFTER_DENIAL),
        ([CLOSE], CLOSE, Fault.AFTER_DENIAL),
        ([ACCEPT], ACCEPT, Fault.SECOND_ACCEPT),
        ([ACCEPT], START, Fault.LATE_DENIAL),
        ([ACCEPT, CLOSE], text("x"), Fault.SEND_AFTER_CLOSE),
        ([ACCEPT, CLOSE], CLOSE, Fault.SECOND_CLOSE),
        ([ACCEPT], SEND, Fault.NO_FRAME),
        ([ACCEPT], {**text("x"), "bytes": b"x"}, Fault.TWO_FRAMES),
        ([ACCEPT], {**SEND, "bytes": "x"}, Fault.TEXT_AS_BYTES),
        ([ACCEPT], {**SEND, "text": b"x"}, Fault.BYTES_AS_TEXT),
        ([ACCEPT], {**SEND, "bytes": bytearray(b"x")}, Fault.BYTES_LIKE),
        ([ACCEPT], {**SEND, "bytes": memoryview(b"x")}, Fault.BYTES_LIKE),
        ([ACCEPT], text("\ud800"), Fault.SURROGATE),
        ([ACCEPT], {**CLOSE, "code": 999}, Fault.CLOSE_CODE),
        ([ACCEPT], {**CLOSE, "code": 1004}, Fault.CLOSE_CODE),
        ([ACCEPT], {**CLOSE, "code": 1005}, Fault.RESERVED_CLOSE_CODE),
        ([ACCEPT], {**CLOSE, "code": 1006}, Fault.RESERVED_CLOSE_CODE),
        ([ACCEPT], {**CLOSE, "code": 1015}, Fault.RESERVED_CLOSE_CODE),
        ([ACCEPT], {**CLOSE, "code": "1000"}, Fault.CLOSE_CODE_TYPE),
        ([ACCEPT], {**CLOSE, "reason": "x" * 124}, Fault.LONG_REASON),
        ([ACCEPT], {**CLOSE, "reason": b"x"}, Fault.REASON_TYPE),
        ([], {**ACCEPT, "subprotocol": "c"}, Fault.SUBPROTOCOL),
        ([], {**ACCEPT, "subprotocol": "c\r\n"}, Fault.SUBPROTOCOL_LINE),
        ([], {**ACCEPT, "headers": [("a", "b")]}, Fault.HEADERS),
        ([], {**ACCEPT, "headers": [(b"A", b"b")]}, Fault.HEADER_CASE),
        ([], {**ACCEPT, "headers": [(b"a\r", b"b")]}, Fault.HEADER_LINE),
        ([], {**ACCEPT, "headers": [(b"a", b"b\n")]}, Fault.HEADER_LINE),
        ([], {**ACCEPT, "headers": [(b"sec-websocket-protocol", b"a")]}, Fault.HEADER_SUBPROTOCOL),
        ([], {**START, "status": 99}, Fault.STATUS),
        ([START], {**BODY, "body": "x"}, Fault.BODY),
    ],
)
def test_the_error_says_what_servers_do(way: list[Event], event: Any, fault: Fault) -> None:
    """It ends with what they do with an event that is illegal in the same way."""
    with pytest.raises(IllegalEventError) as caught:
        referee(*way).judge(event)
    assert caught.value.consequence == consequence_of(fault, None)


def test_the_error_says_what_the_played_server_does() -> None:
    """Where one is played, the others are not told."""
    with pytest.raises(IllegalEventError, match=r"; granian drops it$"):
        Referee([], has_denial_response=True, server="granian").judge(text("x"))


def test_after_the_return_nothing_may_be_sent() -> None:
    """An app that has returned is over, whatever it may have said."""
    judge = referee(ACCEPT)
    judge.phase = Phase.RETURNED
    with pytest.raises(IllegalEventError) as caught:
        judge.judge(text("x"))
    assert caught.value.consequence == consequence_of(Fault.AFTER_RETURN, None)
