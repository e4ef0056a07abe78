"""Turns a frame into what a test awaits, or tells that something else came."""

from typing import Any, Final, Literal, TypeAlias, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from wsendpoints.testing.errors import UnexpectedEventError
from wsendpoints.testing.events import Frame, describe_frame

__all__ = [
    "BINARY",
    "TEXT",
    "Mode",
    "decode_binary",
    "decode_json",
    "decode_text",
    "describe_json",
    "describe_type",
    "explain",
    "validate",
]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

Mode: TypeAlias = Literal["text", "binary"]
"""A kind of frame."""

TEXT: Final = "a text frame"
BINARY: Final = "a binary frame"


def decode_text(frame: Frame) -> str:
    """Return a text frame.

    Raises:
        UnexpectedEventError: If it is none.
    """
    if isinstance(frame, str):
        return frame
    raise UnexpectedEventError(TEXT, describe_frame(frame))


def decode_binary(frame: Frame) -> bytes:
    """Return a binary frame.

    Raises:
        UnexpectedEventError: If it is none.
    """
    if isinstance(frame, bytes):
        return frame
    raise UnexpectedEventError(BINARY, describe_frame(frame))


def describe_json(mode: Mode | None) -> str:
    """Return in words what `decode_json` takes."""
    return f"JSON in a {mode} frame" if mode else "JSON"


def decode_json(frame: Frame, mode: Mode | None) -> Any:
    """Return the value of a frame that is JSON.

    Args:
        frame: The frame.
        mode: The kind that it must be; `None` takes both.

    Raises:
        UnexpectedEventError: If it is not that.
    """
    if mode in (None, "text" if isinstance(frame, str) else "binary"):
        try:
            return from_json(frame)
        except ValueError:
            pass
    raise UnexpectedEventError(describe_json(mode), describe_frame(frame))


def describe_type(expected: Any) -> str:
    """Return in words what `validate` takes."""
    # Python 3.11: `list[int]` passes for a type, by the name of "list".
    is_class = isinstance(expected, type) and get_origin(expected) is None
    return expected.__name__ if is_class else repr(expected)


def validate(frame: Frame, expected: Any) -> Any:
    """Return the value of a frame that is JSON of the type `expected`.

    Raises:
        UnexpectedEventError: If it is not, with pydantic's reasons.
    """
    try:
        return TypeAdapter[Any](expected).validate_json(frame)
    except ValidationError as exc:
        came = f"{describe_frame(frame)} ({explain(exc)})"
        raise UnexpectedEventError(describe_type(expected), came) from None


def explain(exc: ValidationError) -> str:
    """Return pydantic's reasons in one line."""
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'message'}: {error['msg']}"
        for error in exc.errors(include_url=False)
    )
