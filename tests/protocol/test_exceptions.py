"""Exceptions: how they print, copy and pickle, and which `except` clauses catch them."""

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ConfigurationError,
    ConfigurationWarning,
    Denied,
    ErrorDetails,
    ErrorReply,
    InvalidDataError,
    InvalidMessageError,
    InvalidStateError,
    MessageTooBigError,
    RateLimitedError,
    ServerProtocolError,
    UnsupportedDataError,
    WebSocketDisconnect,
    WebSocketError,
    about,
)

MISSING = ErrorDetails(loc=["items", 3, "name"], type="missing", msg="Field required")
WRONG = ErrorDetails(loc=[], type="dict_type", msg="Input should be an object")

EXAMPLES = [
    pytest.param(WebSocketError("oh"), "oh", id="WebSocketError"),
    pytest.param(
        WebSocketDisconnect(),
        "the connection ended with code 1000 (normal closure)",
        id="WebSocketDisconnect",
    ),
    pytest.param(
        WebSocketDisconnect(4001, "it's over"),
        'the connection ended with code 4001: "it\'s over"',
        id="WebSocketDisconnect with reason",
    ),
    pytest.param(InvalidStateError("out of turn"), "out of turn", id="InvalidStateError"),
    pytest.param(ServerProtocolError("broken"), "broken", id="ServerProtocolError"),
    pytest.param(ClientMessageError("bad"), "bad", id="ClientMessageError"),
    pytest.param(UnsupportedDataError("binary"), "binary", id="UnsupportedDataError"),
    pytest.param(InvalidDataError("not JSON"), "not JSON", id="InvalidDataError"),
    pytest.param(
        InvalidMessageError([MISSING, WRONG], 7),
        "the message is not one that this endpoint takes: items.3.name: Field required; "
        "message: Input should be an object; and 7 more",
        id="InvalidMessageError with more",
    ),
    pytest.param(
        InvalidMessageError([WRONG]),
        "the message is not one that this endpoint takes: message: Input should be an object",
        id="InvalidMessageError",
    ),
    pytest.param(MessageTooBigError("too big"), "too big", id="MessageTooBigError"),
    pytest.param(RateLimitedError("too fast"), "too fast", id="RateLimitedError"),
    pytest.param(
        ErrorReply("room_full"),
        "the message is answered with the error 'room_full'",
        id="ErrorReply",
    ),
    pytest.param(
        ErrorReply(4001, "no place is left", {"places": 3}),
        "the message is answered with the error 4001: no place is left",
        id="ErrorReply with all",
    ),
    pytest.param(Denied(), "the handshake is denied with status 403", id="Denied"),
    pytest.param(
        Denied(401, headers={"www-authenticate": "Basic"}, body="who?"),
        "the handshake is denied with status 401",
        id="Denied with a response",
    ),
    pytest.param(ConfigurationError("wrong"), "wrong", id="ConfigurationError"),
    pytest.param(ConfigurationWarning("slow"), "slow", id="ConfigurationWarning"),
]


@pytest.mark.parametrize(("exc", "text"), EXAMPLES)
def test_exception_prints(exc: Exception, text: str) -> None:
    """The text says what happened."""
    assert str(exc) == text


def _pickled(exc: Exception) -> Any:
    return pickle.loads(pickle.dumps(exc))  # noqa: S301 - pickled in the same line


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(_pickled, id="pickle"),
    ],
)
@pytest.mark.parametrize(("exc", "text"), EXAMPLES)
def test_exception_copies_and_pickles(
    exc: Exception, text: str, copied: Callable[[Exception], Any]
) -> None:
    """A copy is of the same class, with the same attributes, notes and text."""
    exc = copy.copy(exc)
    exc.add_note("seen in a test")
    other = copied(exc)
    assert type(other) is type(exc)
    assert vars(other) == vars(exc)
    assert other.args == exc.args
    assert str(other) == text


@pytest.mark.parametrize(
    ("klass", "also"),
    [
        (WebSocketDisconnect, WebSocketError),
        (InvalidStateError, RuntimeError),
        (ServerProtocolError, RuntimeError),
        (ClientMessageError, ValueError),
        (ErrorReply, WebSocketError),
        (Denied, WebSocketError),
        (ConfigurationError, TypeError),
        (ConfigurationWarning, UserWarning),
    ],
)
def test_exception_is_caught_by_its_base_class(klass: type, also: type) -> None:
    """An `except` clause for the base class catches it."""
    assert issubclass(klass, also)


@pytest.mark.parametrize(
    ("klass", "code"),
    [
        (ClientMessageError, 1008),
        (UnsupportedDataError, 1003),
        (InvalidDataError, 1007),
        (InvalidMessageError, 1008),
        (MessageTooBigError, 1009),
        (RateLimitedError, 1008),
    ],
)
def test_a_client_error_carries_the_code_to_close_with(
    klass: type[ClientMessageError], code: int
) -> None:
    """Each mistake that a client can make has a close code."""
    assert klass.close_code == code
    assert issubclass(klass, ClientMessageError)


def test_disconnect_without_reason_has_an_empty_one() -> None:
    """A reason of `None` reads as `""`."""
    exc = WebSocketDisconnect(1006, None)
    assert (exc.code, exc.reason) == (1006, "")


def test_invalid_message_keeps_its_errors() -> None:
    """`on_invalid` can read the errors, and how many more there are."""
    exc = InvalidMessageError((MISSING,), 2)
    assert (exc.errors, exc.more) == ([MISSING], 2)
    assert exc.detail == "the message is not one that this endpoint takes"


def test_denied_keeps_its_response() -> None:
    """The parts of the response are attributes."""
    exc = Denied(418, headers=[(b"x", b"y")], body=b"tea")
    assert (exc.status, exc.headers, exc.body) == (418, [(b"x", b"y")], b"tea")


@pytest.mark.parametrize("status", [0, 101, 200, 302, 399, 600, -1, True])
def test_denied_refuses_a_status_that_is_not_an_error(status: int) -> None:
    """Only a status of 400 to 599 refuses a handshake."""
    with pytest.raises(ValueError, match="a handshake") as caught:
        Denied(status)
    assert str(caught.value) == (
        f"{status!r} does not deny a handshake: use a status of 400 to 599"
    )


@pytest.mark.parametrize("status", [400, 403, 599])
def test_denied_takes_an_error_status(status: int) -> None:
    """Both ends of the range are accepted."""
    assert Denied(status).status == status


@pytest.mark.parametrize("code", ["room_full", 4001, 0, -32601], ids=repr)
def test_error_reply_keeps_what_it_tells(code: str | int) -> None:
    """What is left out is empty."""
    exc = ErrorReply(code, "no place is left", [3])
    assert (exc.code, exc.message, exc.details) == (code, "no place is left", [3])
    exc = ErrorReply(code)
    assert (exc.code, exc.message, exc.details) == (code, "", None)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (
            ("",),
            ValueError("the code of an ErrorReply tells the client what is wrong: it is empty"),
        ),
        *(
            ((code,), TypeError(f"the code of an ErrorReply is a str or an int, not {code!r}"))
            for code in (None, True, 1.5, b"full", ["full"])
        ),
        *(
            (("full", text), TypeError(f"the message of an ErrorReply is a str, not {text!r}"))
            for text in (None, 5, b"no")
        ),
    ],
    ids=str,
)
def test_error_reply_refuses_what_no_client_can_read(args: Any, error: Exception) -> None:
    """The mistake shows where it is made, and not where the error is sent."""
    with pytest.raises(type(error)) as caught:
        ErrorReply(*args)
    assert str(caught.value) == str(error)


# The frame that an error is about.

SENT = "what the client sent"


def told(error: ClientMessageError) -> str:
    """Return all that is told of an error where it is printed, logged, dumped or pickled."""
    lines = traceback.format_exception(error)
    packed = [pickle.dumps(error, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    return f"{error} {error!r} {vars(error)} {error.args} {lines} {packed}"


@pytest.mark.parametrize("frame", [f'["{SENT}"]', f'["{SENT}"]'.encode()], ids=["str", "bytes"])
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ClientMessageError("bad"), id="ClientMessageError"),
        pytest.param(InvalidMessageError([WRONG]), id="InvalidMessageError"),
    ],
)
def test_frame_is_for_the_server_alone(error: ClientMessageError, frame: str | bytes) -> None:
    """The frame and its value are attributes, and are told nowhere else."""
    error = about(copy.copy(error), frame, json.loads)
    assert (error.frame, error.value) == (frame, [SENT])
    assert SENT not in told(error)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, _pickled], ids=["copy", "deepcopy", "pickle"]
)
def test_copy_of_an_error_has_no_frame(copied: Callable[[Exception], Any]) -> None:
    """What leaves the process, or the handler, takes nothing of the client's along."""
    other = copied(about(InvalidMessageError([WRONG]), "[1]", json.loads))
    assert (other.frame, other.value, other.errors) == (None, None, [WRONG])


def test_error_that_is_about_no_frame() -> None:
    """An error that the application makes has neither a frame nor a value."""
    error = ClientMessageError("bad")
    assert (error.frame, error.value) == (None, None)
    error = about(error, "x")
    assert (error.frame, error.value) == ("x", None)
