"""What the client is told of a message that is not one of those declared.

Where it is wrong, and how, but never its own input back. Three things of pydantic's hold it: the
input itself, which is left out; `loc`, of which `Places` shows what the application declared;
and the texts. A text of pydantic's own is known, and is shown without what it quotes. A text
that a validator of the application raised is shown

- if it stands in the code that raised it, word for word: `raise ValueError("start is late")`;
- if `Sent` finds nothing in it that stands in the message as well: `f"at least {MINIMUM}"`.

Of any other the client is told the type alone. `type` is what pydantic or the validator calls
the error, and is never made of the input.
"""

import re
from collections.abc import Collection
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails as PydanticError
from pydantic_core import to_json
from pydantic_core.core_schema import ErrorType

from wsendpoints.messages.bounded_schemas import ABSENT, FLOODED
from wsendpoints.messages.places import Places
from wsendpoints.messages.quoting import Sent
from wsendpoints.protocol.exceptions import (
    ClientMessageError,
    ErrorDetails,
    InvalidDataError,
    InvalidMessageError,
)

__all__ = [
    "MAX_ERRORS",
    "MAX_ERRORS_BYTES",
    "is_literal",
    "shortened",
    "to_client_error",
]

MAX_ERRORS: Final = 10
"""Of how many errors in one message the client is told."""

MAX_ERRORS_BYTES: Final = 4000
"""How large they may be together, as JSON: an error message stays below 4 KiB."""

_MAX_TEXT: Final = 200

_MAX_LISTED: Final = 10_000
"""How many errors are looked at: pydantic lists all or none.

A message has no more, unless a plugin of pydantic's makes the validator.
"""

_NOT_JSON: Final = frozenset({"json_invalid", "string_unicode"})
"""How pydantic calls what is not JSON, and a str with a lone surrogate in it."""

_MISSING: Final = "missing"
_FORBIDDEN: Final = "extra_forbidden"

_TEXTS: Final = MappingProxyType(
    {_MISSING: "Field required", _FORBIDDEN: "Extra inputs are not permitted"}
)
"""What pydantic says of these."""

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
        "dataclass_exact_type": "Input should be an object",
        "named_tuple_type": "Input should be an array or an object",
        "is_instance_of": "Input is of another type",
        "is_subclass_of": "Input is of another type",
        "timezone_offset": "Timezone offset of {tz_expected} required",
    }
)
"""The texts of pydantic's that quote a part of the input, or name a class, without that."""

_WORDS_OF_OTHERS: Final = MappingProxyType(
    {"value_error": "Value error", "assertion_error": "Assertion failed"}
)
"""How pydantic begins what somebody's validator raised, and what remains of it."""

_PYDANTICS_OWN: Final = frozenset(get_args(ErrorType)) - _WORDS_OF_OTHERS.keys()

_ENUM_MEMBER: Final = re.compile(r"<\w+\.\w+: ([^<>]*)>")


def to_client_error(
    exc: ValidationError,
    places: Places,
    sent: Any,
    *,
    json: bool,
    also: Collection[str] = (),
) -> ClientMessageError:
    """Return what a failed validation means, in words that may be shown to the client.

    Args:
        exc: The failure.
        places: Those of what was validated.
        sent: What was validated: a frame, or a dict.
        json: Whether it was validated as JSON text.
        also: Names that may be in a `loc`, though they are of extra fields.
    """
    if (number := exc.error_count()) > _MAX_LISTED:
        return InvalidMessageError([], number)
    details = exc.errors(include_url=False)
    # A valid text may be of a type such as `Json[int]`, with a str in it that is not valid.
    is_whole = not details[0]["loc"] and details[0]["input"] == sent
    if json and is_whole and details[0]["type"] in _NOT_JSON:
        return InvalidDataError("not valid JSON")
    compared = Sent(sent, places.words, json=json)
    errors: list[ErrorDetails] = []
    seen: set[tuple[str | int, ...]] = set()
    size = 0
    for index, detail in enumerate(details):
        kind = _kind_of(detail)
        is_absent = detail["input"] is ABSENT
        path = places.path(detail["loc"], is_absent=is_absent, also=also)
        if (seen_as := (kind, *path)) in seen:
            continue
        seen.add(seen_as)
        error = ErrorDetails(loc=path, type=kind, msg=_text_of(detail, compared))
        size += len(to_json(error)) + 1
        if len(errors) == MAX_ERRORS or size > MAX_ERRORS_BYTES:
            # Not all of them are looked at: a path is as long as the message is deep.
            return InvalidMessageError(errors, len(details) - index)
        errors.append(error)
    return InvalidMessageError(errors, 0)


def _kind_of(detail: PydanticError) -> str:
    if detail["input"] is ABSENT:
        return _MISSING
    return _FORBIDDEN if detail["input"] is FLOODED else detail["type"]


def _text_of(detail: PydanticError, sent: Sent) -> str:
    if detail["input"] is ABSENT or detail["input"] is FLOODED:
        return _TEXTS[_kind_of(detail)]
    kind, text, context = detail["type"], detail["msg"], detail.get("ctx", {})
    if kind in _WITHOUT_INPUT:
        text = _WITHOUT_INPUT[kind].format_map(context)
    elif kind not in _PYDANTICS_OWN and not is_literal(context.get("error")):
        words = _WORDS_OF_OTHERS.get(kind, "Input is not valid")
        raised = text.removeprefix(f"{words}, ")
        is_plain = len(text) <= _MAX_TEXT and text.isprintable()
        if not is_plain or sent.may_be_repeated_in(raised):
            text = words
    text = _ENUM_MEMBER.sub(r"\1", text)
    return shortened(text)


def shortened(text: str) -> str:
    """Return a text with what is too long cut off."""
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def is_literal(error: object) -> bool:
    """Return whether the text of an exception stands in the code that raised it.

    It was there before the client came.
    """
    traceback = error.__traceback__ if isinstance(error, Exception) else None
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    text = str(error)
    return any(
        isinstance(constant, str) and constant == text
        for constant in traceback.tb_frame.f_code.co_consts
    )
