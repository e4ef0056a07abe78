"""Between a frame (what one event carries: str or bytes) and a plain value.

One JSON parser serves everywhere, pydantic's: unlike the standard library's it takes UTF-8
alone, refuses lone surrogates, and bounds nesting and the length of numbers.
"""

from typing import Any, Final

from pydantic_core import SchemaSerializer, core_schema, from_json

from wsendpoints.protocol.exceptions import InvalidDataError

__all__ = [
    "decode_json",
    "encode_json",
]


def decode_json(frame: str | bytes) -> Any:
    """Return the value of a JSON text. Of duplicate keys the last one wins.

    Raises:
        InvalidDataError: It is not UTF-8, or not JSON (RFC 8259: `NaN` and `Infinity` are not).
    """
    try:
        return from_json(frame, allow_inf_nan=False)
    except (ValueError, TypeError):  # TypeError: a str with a raw lone surrogate
        raise InvalidDataError("not valid JSON") from None


_to_json: Final = SchemaSerializer(core_schema.any_schema()).to_json


def encode_json(value: Any) -> bytes:
    """Return the JSON, in UTF-8, of a plain value, a model, a dataclass, or any mix of them.

    Models are written by alias, as they are read. `NaN` and the infinities become `null`, as
    JavaScript's `JSON.stringify` has it: an echo must not fail for what a client can send.

    Raises:
        ValueError: It can't be written as JSON.
    """
    return _to_json(value, by_alias=True)
