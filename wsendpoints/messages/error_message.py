"""The messages that tell a client what was wrong with one of its own."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, GetPydanticSchema
from typing_extensions import TypedDict

from wsendpoints.messages.correlation import Id
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ErrorDetails,
    ErrorReply,
    InvalidMessageError,
)

__all__ = ["BUSY", "ErrorMessage", "ErrorWriter"]

BUSY: Final = "busy"
"""The code of the error that answers a message whose key is busy."""


class _Details(TypedDict):
    """`ErrorDetails`, in the form that pydantic takes before Python 3.12."""

    loc: list[str | int]
    type: str
    msg: str


def _schema_of_details(source: Any, handler: Any) -> Any:
    return handler(_Details)


_DETAILS: Final = GetPydanticSchema(_schema_of_details)


class ErrorMessage(BaseModel):
    """What answers a message with an error: one that is not declared, or an `ErrorReply`.

    For clients and tests that read it, for `sends`, and for an `on_invalid` that adds to it. An
    endpoint whose messages are told apart by another field than `type` has that field's name in
    its place: subclass this, with `type: Literal["error"] = Field("error", alias="kind")`.

    Attributes:
        type: Tells it apart from other messages.
        code: What kind of error it is: `"invalid_message"` for a message that is none of those
            declared, `"busy"` for one that `overlap="refuse"` refuses, or that of an `ErrorReply`.
        errors: What is wrong with an invalid message: the first errors, at most ten; left out
            where there are none.
        more: How many errors there are beyond those; left out where there are none.
        message: The message of an `ErrorReply`; left out if it is empty.
        details: The details of an `ErrorReply`; left out if there are none.
    """

    type: Literal["error"] = "error"
    code: str | int = "invalid_message"
    errors: list[Annotated[ErrorDetails, _DETAILS]] = Field(
        default_factory=list[Any], exclude_if=lambda errors: not errors
    )
    more: int = Field(default=0, exclude_if=lambda more: more == 0)
    message: str = Field(default="", exclude_if=lambda message: not message)
    details: Any = Field(default=None, exclude_if=lambda details: details is None)


class ErrorWriter:
    """Writes the error messages of a class.

    Args:
        tag: The name of the field that tells the class's messages apart.
        correlation_id: That of the field that ties an answer to its message; `None` if it has none.
    """

    __slots__ = ("_own", "_tag")

    def __init__(self, tag: str, correlation_id: str | None) -> None:
        self._tag = tag
        self._own = correlation_id

    def invalid(self, error: ClientMessageError, answered: Id | None) -> dict[str, Any]:
        """Return the message that answers an invalid one.

        Args:
            error: What is wrong with it.
            answered: Its correlation id; `None` if it has none.

        Returns:
            `{"type": "error", "code": "invalid_message", "errors": [{"loc", "type", "msg"}, ...]}`,
            and under `"more"` how many errors were left out, if any were. A key that is called like
            the tag has an underscore behind it:
            `{"code": "error", "code_": "invalid_message", ...}`.
        """
        told: dict[str, Any] = {"code": "invalid_message", "errors": ()}
        if isinstance(error, InvalidMessageError):
            told["errors"] = error.errors
            if error.more:
                told["more"] = error.more
        return self._message(told, answered)

    def reply(self, error: ErrorReply, answered: Id | None) -> dict[str, Any]:
        """Return the message that answers one with an error of the application's.

        Args:
            error: The error.
            answered: The correlation id of the message; `None` if it has none.

        Returns:
            `{"type": "error", "code", "message", "details"}`, the last two if there is something
            in them.
        """
        told: dict[str, Any] = {"code": error.code}
        if error.message:
            told["message"] = error.message
        if error.details is not None:
            told["details"] = error.details
        return self._message(told, answered)

    def written(self, key: str) -> str:
        """Return how a key is written, such as `"code"`: one that the class uses has a `_`."""
        return f"{key}_" if key in {self._tag, self._own} else key

    def _message(self, told: Mapping[str, Any], answered: Id | None) -> dict[str, Any]:
        message = {self._tag: "error"}
        message |= {self.written(key): value for key, value in told.items()}
        if self._own is not None and answered is not None and self._own != self._tag:
            message[self._own] = answered  # type: ignore[assignment]  # values of any kind
        return message
