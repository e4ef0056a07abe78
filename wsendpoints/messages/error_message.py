"""The answer to a message that is not one of those declared, as a model."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, GetPydanticSchema
from typing_extensions import TypedDict

from wsendpoints.protocol.exceptions import ErrorDetails

__all__ = ["ErrorMessage"]


class _Details(TypedDict):
    """`ErrorDetails`, in the form that pydantic takes before Python 3.12."""

    loc: list[str | int]
    type: str
    msg: str


def _schema_of_details(source: Any, handler: Any) -> Any:
    return handler(_Details)


_DETAILS: Final = GetPydanticSchema(_schema_of_details)


class ErrorMessage(BaseModel):
    """What answers a JSON message that is none of those declared, by default.

    For clients and tests that read it, for `sends`, and for an `on_invalid` that adds to it. An
    endpoint whose messages are told apart by another field than `type` has that field's name in
    its place: subclass this, with `type: Literal["error"] = Field("error", alias="kind")`.

    Attributes:
        type: Tells it apart from other messages.
        code: What kind of error it is.
        errors: What is wrong with the message: the first errors, at most ten.
        more: How many errors there are beyond those; left out where there are none.
    """

    type: Literal["error"] = "error"
    code: Literal["invalid_message"] = "invalid_message"
    errors: list[Annotated[ErrorDetails, _DETAILS]]
    more: int = Field(default=0, exclude_if=lambda more: more == 0)
