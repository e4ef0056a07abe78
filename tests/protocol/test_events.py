"""Events that we send: a legal one is normalised, an illegal one never reaches the server."""

from types import MappingProxyType
from typing import Any

import pytest

from wsendpoints.protocol.events import check_event, close_event

START = "websocket.http.response.start"
BODY = "websocket.http.response.body"


@pytest.mark.parametrize(
    ("code", "reason", "sent"),
    [
        pytest.param(1000, None, (1000, ""), id="no reason"),
        pytest.param(4001, "bye", (4001, "bye"), id="reason"),
        pytest.param(1001, "a" * 124, (1001, "a" * 123), id="h07 long reason"),
    ],
)
def test_close_event_has_a_legal_code_and_a_reason_that_fits(
    code: int, reason: str | None, sent: tuple[int, str]
) -> None:
    """Code and reason are always there, and the reason is cut to what a close frame holds."""
    assert close_event(code, reason) == {
        "type": "websocket.close",
        "code": sent[0],
        "reason": sent[1],
    }


@pytest.mark.parametrize("code", [1005, 0, "1000", None, True])
def test_h06_close_event_with_an_illegal_code_is_refused(code: object) -> None:
    """A code that may not be sent is a ValueError."""
    with pytest.raises(ValueError, match="close code"):
        close_event(code, None)


@pytest.mark.parametrize("reason", [b"bye", 1, ["bye"]], ids=repr)
def test_h07_close_event_with_a_reason_of_another_type_is_refused(reason: object) -> None:
    """A reason is a str, or `None` for no reason."""
    with pytest.raises(TypeError) as caught:
        close_event(1000, reason)
    assert str(caught.value) == f"the reason of a close is a str, not {type(reason).__name__}"


@pytest.mark.parametrize(
    ("event", "checked"),
    [
        pytest.param(
            {"type": "websocket.send", "text": "x"},
            {"type": "websocket.send", "text": "x"},
            id="text",
        ),
        pytest.param(
            {"type": "websocket.send", "text": "", "bytes": None},
            {"type": "websocket.send", "text": "", "bytes": None},
            id="empty text, and bytes that are None",
        ),
        pytest.param(
            {"type": "websocket.send", "bytes": bytearray(b"x")},
            {"type": "websocket.send", "bytes": b"x"},
            id="bytes-like",
        ),
        pytest.param(
            {"type": "websocket.accept"}, {"type": "websocket.accept", "headers": []}, id="accept"
        ),
        pytest.param(
            {"type": "websocket.accept", "subprotocol": None, "headers": {"X-A": "b"}},
            {"type": "websocket.accept", "subprotocol": None, "headers": [(b"x-a", b"b")]},
            id="accept with headers",
        ),
        pytest.param(
            {"type": "websocket.accept", "subprotocol": "v1"},
            {"type": "websocket.accept", "subprotocol": "v1", "headers": []},
            id="accept with a subprotocol",
        ),
        pytest.param(
            {"type": "websocket.close"},
            {"type": "websocket.close", "code": 1000, "reason": ""},
            id="close",
        ),
        pytest.param(
            {"type": "websocket.close", "code": 4001, "reason": "bye"},
            {"type": "websocket.close", "code": 4001, "reason": "bye"},
            id="close with code and reason",
        ),
        pytest.param(
            {"type": START, "status": 200},
            {"type": START, "status": 200, "headers": []},
            id="lowest status",
        ),
        pytest.param(
            {"type": START, "status": 599, "headers": [("X-A", "b")]},
            {"type": START, "status": 599, "headers": [(b"x-a", b"b")]},
            id="highest status, with headers",
        ),
        pytest.param({"type": BODY}, {"type": BODY, "body": b""}, id="no body"),
        pytest.param(
            {"type": BODY, "body": memoryview(b"x"), "more_body": True},
            {"type": BODY, "body": b"x", "more_body": True},
            id="part of a body",
        ),
    ],
)
def test_event_is_normalised(event: dict[str, Any], checked: dict[str, Any]) -> None:
    """Every server gets bytes, headers in the form of ASGI, and a complete close."""
    given = dict(event)
    assert check_event(MappingProxyType(event), ["v1", "v2"]) == checked
    assert event == given


WRONG: list[Any] = [
    pytest.param(
        "hello",
        TypeError,
        "an ASGI event is a dict, not str: for messages there are send_text, send_bytes and "
        "send_json",
        id="text",
    ),
    pytest.param({}, ValueError, "None is no type of event that can be sent", id="no type"),
    pytest.param(
        {"type": []}, ValueError, "[] is no type of event that can be sent", id="type is a list"
    ),
    pytest.param(
        {"type": "websocket.receive", "text": "x"},
        ValueError,
        "'websocket.receive' is no type of event that can be sent",
        id="an event of the server's",
    ),
    pytest.param(
        {"type": "http.response.start", "status": 403},
        ValueError,
        "'http.response.start' is no type of event that can be sent",
        id="an event of HTTP",
    ),
    pytest.param(
        {"type": "websocket.send"},
        ValueError,
        "a 'websocket.send' event carries one of 'text' and 'bytes'",
        id="no payload",
    ),
    pytest.param(
        {"type": "websocket.send", "text": "x", "bytes": b"x"},
        ValueError,
        "a 'websocket.send' event carries one of 'text' and 'bytes'",
        id="two payloads",
    ),
    pytest.param(
        {"type": "websocket.send", "text": "\ud800"},
        ValueError,
        "a text frame can't carry the lone surrogate at position 0",
        id="lone surrogate",
    ),
    pytest.param(
        {"type": "websocket.send", "text": b"x"},
        TypeError,
        "a text frame carries a str, not bytes",
        id="text is bytes",
    ),
    pytest.param(
        {"type": "websocket.send", "bytes": "x"},
        TypeError,
        "a binary frame carries bytes, not str",
        id="bytes is a str",
    ),
    pytest.param(
        {"type": "websocket.accept", "subprotocol": "v3"},
        ValueError,
        "the subprotocol 'v3' can't be chosen: the client offers v1, v2",
        id="subprotocol that was not offered",
    ),
    pytest.param(
        {"type": "websocket.accept", "headers": [("a", 1)]},
        TypeError,
        "a header is made of str or bytes, not int",
        id="header of another type",
    ),
    pytest.param(
        {"type": "websocket.close", "code": 1000, "reason": b"x"},
        TypeError,
        "the reason of a close is a str, not bytes",
        id="reason is bytes",
    ),
    pytest.param(
        {"type": START}, TypeError, "the status of a response is an int, not NoneType", id="none"
    ),
    pytest.param(
        {"type": START, "status": "403"},
        TypeError,
        "the status of a response is an int, not str",
        id="status is a str",
    ),
    pytest.param(
        {"type": START, "status": True},
        TypeError,
        "the status of a response is an int, not bool",
        id="status is a bool",
    ),
    pytest.param(
        {"type": START, "status": 199},
        ValueError,
        "a response can't have the status 199: use 200 to 599",
        id="interim status",
    ),
    pytest.param(
        {"type": START, "status": 600},
        ValueError,
        "a response can't have the status 600: use 200 to 599",
        id="status too great",
    ),
    pytest.param(
        {"type": START, "status": 403, "headers": {"upgrade": "x"}},
        ValueError,
        "the header 'upgrade' is the server's own to send",
        id="header of the server's",
    ),
    pytest.param(
        {"type": BODY, "body": "x"}, TypeError, "a binary frame carries bytes, not str", id="body"
    ),
]


@pytest.mark.parametrize(("event", "error", "text"), WRONG)
def test_illegal_event_is_refused(event: Any, error: type[Exception], text: str) -> None:
    """The error says what is wrong, and what is allowed."""
    with pytest.raises(error) as caught:
        check_event(event, ["v1", "v2"])
    assert str(caught.value) == text


@pytest.mark.parametrize("code", [None, 1006, "1000"])
def test_h06_event_that_closes_with_an_illegal_code_is_refused(code: object) -> None:
    """`None` is not taken for a missing code."""
    with pytest.raises(ValueError, match="close code"):
        check_event({"type": "websocket.close", "code": code}, [])
