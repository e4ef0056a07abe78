"""What the client is told of a message that is not one of those declared.

Where it is wrong, and how, but never its own input back: pydantic's errors hold the input, in
part even in their texts, and the names of the application's classes.
"""

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails as PydanticError
from pydantic_core import from_json, to_json
from pydantic_core.core_schema import ErrorType
from typing_extensions import TypeIs

from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ErrorDetails,
    InvalidDataError,
    InvalidMessageError,
)

__all__ = ["MAX_ERRORS", "MAX_ERRORS_BYTES", "error_message", "to_client_error"]

MAX_ERRORS: Final = 10
"""Of how many errors in one message the client is told."""

MAX_ERRORS_BYTES: Final = 4000
"""How large they may be together, as JSON: an error message stays below 4 KiB."""

_MAX_TEXT: Final = 200
_MAX_KEY: Final = 50

_NOT_JSON: Final = frozenset({"json_invalid", "string_unicode"})
"""How pydantic calls what is not JSON, and a str with a lone surrogate in it."""

_AT_A_MISSING_KEY: Final = frozenset({"missing", "missing_argument"})

_WITHOUT_INPUT: Final = MappingProxyType(
    {
        "union_tag_invalid": "The value of {discriminator} is none of those expected: "
        "{expected_tags}",
        "uuid_parsing": "Input should be a valid UUID",
        "bytes_invalid_encoding": "Data should be valid {encoding}",
        "import_error": "Invalid python path",
        "byte_size_unit": "could not interpret byte unit",
        "model_type": "Input should be an object",
        "dataclass_type": "Input should be an object",
    }
)
"""The texts of pydantic's that quote a part of the input, or name a class, without that."""

_WORDS_OF_OTHERS: Final = MappingProxyType(
    {"value_error": "Value error", "assertion_error": "Assertion failed"}
)
"""How pydantic begins what somebody's validator raised, and what remains of it."""

_PYDANTICS_OWN: Final = frozenset(get_args(ErrorType)) - _WORDS_OF_OTHERS.keys()

_ENUM_MEMBER: Final = re.compile(r"<\w+\.\w+: ([^<>]*)>")


def to_client_error(exc: ValidationError, frame: str | bytes, *, json: bool) -> ClientMessageError:
    """Return what a failed validation means, in words that may be shown to the client.

    Args:
        exc: The failure.
        frame: What was validated.
        json: Whether it was validated as JSON text.
    """
    details = exc.errors(include_url=False, include_input=False)
    if json and details[0]["type"] in _NOT_JSON and not details[0]["loc"]:
        return InvalidDataError("not valid JSON")
    value: Any = from_json(frame) if json else frame
    errors: list[ErrorDetails] = []
    size = 0
    for detail in details[:MAX_ERRORS]:
        path, there = _find(value, _steps(exc.title, detail), detail["type"])
        error = ErrorDetails(loc=path, type=detail["type"], msg=_text_of(detail, there))
        size += len(to_json(error)) + 1
        if size > MAX_ERRORS_BYTES:
            break
        errors.append(error)
    return InvalidMessageError(errors, len(details) - len(errors))


def error_message(error: ClientMessageError, tag: str) -> dict[str, Any]:
    """Return the message that answers an invalid one.

    Args:
        error: What is wrong with it.
        tag: The name of the field that tells this endpoint's messages apart.

    Returns:
        `{"type": "error", "code": "invalid_message", "errors": [{"loc", "type", "msg"}, ...]}`,
        and under `"more"` how many errors were left out, if any were.
    """
    errors: Sequence[ErrorDetails] = ()
    more = 0
    if isinstance(error, InvalidMessageError):
        errors, more = error.errors, error.more
    message: dict[str, Any] = {tag: "error", "code": "invalid_message", "errors": errors}
    if more:
        message["more"] = more
    return message


def _steps(title: str, detail: PydanticError) -> Sequence[str | int]:
    """Return where an error is, without the tag that stands before it.

    Many a message has a field of the same name as its tag: `{"type": "text", "text": "..."}`.
    """
    steps = detail["loc"]
    if steps and str(steps[0]).startswith("tagged-union["):
        return steps[2:]
    return steps[1:] if title.startswith("tagged-union[") else steps


def _find(value: Any, steps: Sequence[str | int], kind: str) -> tuple[list[str | int], Any]:
    """Return the steps that are steps into the message, and what they lead to.

    Between them pydantic has the tags and classes of the inner union members that it tried.
    """
    path: list[str | int] = []
    for number, step in enumerate(steps, 1):
        if _leads_on(value, step):
            value = value[step]
        elif not (_is_object(value) and number == len(steps) and kind in _AT_A_MISSING_KEY):
            continue
        path.append(step[:_MAX_KEY] if isinstance(step, str) else step)
    return path, value


def _leads_on(value: Any, step: str | int) -> bool:
    if _is_array(value):
        return isinstance(step, int) and 0 <= step < len(value)
    return _is_object(value) and step in value


def _text_of(detail: PydanticError, value: Any) -> str:
    kind, text = detail["type"], detail["msg"]
    if kind in _WITHOUT_INPUT:
        text = _WITHOUT_INPUT[kind].format_map(detail.get("ctx", {}))
    elif kind not in _PYDANTICS_OWN and _may_quote(text, value):
        text = _WORDS_OF_OTHERS.get(kind, "Input is not valid")
    text = _ENUM_MEMBER.sub(r"\1", text)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _may_quote(text: str, value: Any) -> bool:
    """Whether somebody's text holds what the client sent: `"'foo' is not a valid colour"`.

    What is long, or has lines, does: it is the text of an error about a part of the message.
    """
    return len(text) > _MAX_TEXT or not text.isprintable() or _quotes(text, value)


def _quotes(text: str, value: Any) -> bool:
    if _is_object(value):
        return any(_quotes(text, part) for part in value.values())
    if _is_array(value):
        return any(_quotes(text, part) for part in value)
    # As short as two characters, it is in any text by chance.
    return len(word := str(value)) > 2 and word in text


def _is_object(value: Any) -> TypeIs[dict[str | int, Any]]:
    return isinstance(value, dict)


def _is_array(value: Any) -> TypeIs[list[Any]]:
    return isinstance(value, list)
