"""How a handler, or a connection, ended: whether that is an error, whose, and how it is called."""

from typing import NamedTuple

from wsendpoints.lifecycle.failures import Verdict, judge, requested_close, sole
from wsendpoints.protocol.exceptions import ClientMessageError, ErrorReply

__all__ = ["Outcome", "error_type_of", "outcome_of"]


class Outcome(NamedTuple):
    """How something ended that raised an exception.

    Attributes:
        error_type: OpenTelemetry's `error.type`.
        failure: The exception, if it is a mistake of the application's.
    """

    error_type: str
    failure: BaseException | None = None


_CANCELLED = Outcome("cancelled")
_DISCONNECTED = Outcome("disconnected")


def outcome_of(exc: BaseException) -> Outcome:
    """Return what an exception stands for.

    That the client left, or sent what is not valid, or is answered with an error, is no mistake
    of the application's.
    """
    verdict, cause = judge(exc)
    if verdict is not Verdict.FAILURE:
        return _DISCONNECTED if verdict is Verdict.DISCONNECT else _CANCELLED
    try:
        if (reply := sole(cause, ErrorReply)) is not None:
            return Outcome(str(reply.code))
        if (error := sole(cause, ClientMessageError)) is not None:
            return Outcome(error_type_of(error))
        if requested_close(cause) is not None:
            return Outcome(type(cause).__qualname__)
        return Outcome(_name_of(type(cause)), cause)
    finally:
        # It holds this frame: without these references it is no cycle.
        del exc, cause


def error_type_of(error: ClientMessageError) -> str:
    """Return how an unusable message is called: by the limit that it exceeds, or by its class."""
    return error.limit or type(error).__qualname__


def _name_of(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
