"""How what ended with an exception is called, and whose mistake it is."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.exceptions import WebSocketException

from wsendpoints import (
    ClientMessageError,
    ErrorReply,
    InvalidDataError,
    InvalidMessageError,
    InvalidStateError,
    MessageTooBigError,
    WebSocketDisconnect,
)
from wsendpoints.telemetry.outcome import error_type_of, outcome_of

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """A mistake of the application's."""


class OddError(InvalidMessageError):
    """A subclass of an error of the client's."""


def too_big() -> MessageTooBigError:
    """Return the error of a limit."""
    error = MessageTooBigError("too big")
    error.limit = "max_message_size"
    return error


@pytest.mark.parametrize(
    ("exc", "error_type"),
    [
        pytest.param(WebSocketDisconnect(1001), "disconnected", id="disconnect"),
        pytest.param(ErrorReply("room_full"), "room_full", id="reply"),
        pytest.param(ErrorReply(404), "404", id="reply with a number"),
        pytest.param(ExceptionGroup("", [ErrorReply("room_full")]), "room_full", id="in a group"),
        pytest.param(InvalidMessageError([]), "InvalidMessageError", id="invalid"),
        pytest.param(ExceptionGroup("", [OddError([])]), "OddError", id="invalid, in a group"),
        pytest.param(too_big(), "max_message_size", id="limit"),
        pytest.param(WebSocketException(4000), "WebSocketException", id="asked for"),
        pytest.param(
            ExceptionGroup("", [WebSocketDisconnect(1001), ErrorReply("full")]),
            "full",
            id="with a disconnect",
        ),
    ],
)
async def test_what_is_no_mistake(exc: Exception, error_type: str) -> None:
    """It has a name, and nothing to be recorded."""
    assert outcome_of(exc) == (error_type, None)


async def test_a_mistake_is_what_was_raised() -> None:
    """It is called as its class is, with the module; in a group with others it is that group."""
    mistake = DeliberateError()
    name = f"{__name__}.DeliberateError"
    assert outcome_of(mistake) == (name, mistake)
    assert outcome_of(ExceptionGroup("", [mistake, WebSocketDisconnect()])) == (name, mistake)
    missing, late = KeyError("x"), InvalidStateError("x")
    assert outcome_of(missing) == ("KeyError", missing)
    assert outcome_of(late).failure is late
    several = ExceptionGroup("", [mistake, KeyError("x")])
    assert outcome_of(several) == ("ExceptionGroup", several)


async def test_a_cancellation_is_no_mistake() -> None:
    """Whatever the event loop calls it."""
    found: list[Any] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            found.append(outcome_of(exc))
            raise
    assert found == [("cancelled", None)]


@pytest.mark.parametrize(
    ("error", "name"),
    [(too_big(), "max_message_size"), (InvalidDataError("x"), "InvalidDataError")],
    ids=["limit", "class"],
)
def test_unusable_messages_are_called_by_limit_or_class(
    error: ClientMessageError, name: str
) -> None:
    """A limit tells more."""
    assert error_type_of(error) == name
