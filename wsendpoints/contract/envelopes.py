"""What a dialect writes around the params and results of calls, as schemas.

A dialect only rearranges values. So it is given placeholders, and where these are in what it
writes, their schemas are in the schema.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

from wsendpoints.contract.json_schemas import Schema
from wsendpoints.dialects.dialect import Dialect
from wsendpoints.dialects.records import Call, Close
from wsendpoints.protocol.exceptions import ErrorReply

__all__ = [
    "Untold",
    "call_record",
    "end_record",
    "error_records",
    "filled",
    "reply_record",
    "schema_of",
]


class _Payload:
    """Stands for params, a result, an item, or details."""

    def __repr__(self) -> str:
        return "<payload>"


class Untold(Exception):
    """What a dialect writes can't be told: it fails with what is not real."""


PAYLOAD: Final = _Payload()

_ID: Final = "<id>"
_TEXT: Final = "<message>"

_Record: TypeAlias = Any
"""What a dialect writes; `None` for nothing, or for what can't be told."""

_ID_EXAMPLE: Final = "1"


def call_record(dialect: Dialect, method: str) -> _Record:
    """Return the record by which a client calls a method.

    It is what the dialect writes for a call to the client, if it reads the same as a call. If not,
    nothing can be told of the records of the dialect.
    """
    try:
        record = dialect.write_call(method, PAYLOAD, _ID)
        is_read = dialect.read(filled(record, {})) == Call(method, {}, _ID_EXAMPLE)
    except Exception:  # noqa: BLE001 - the application's own, given what is no real call
        return None
    return record if is_read else None


def reply_record(dialect: Dialect, *, is_stream: bool) -> _Record:
    """Return the record of the result of a call, or of an item of a stream.

    Raises:
        Untold: The dialect fails with what is no real result.
    """
    write = dialect.write_item if is_stream else dialect.write_reply
    return _written(lambda: write(_ID, PAYLOAD))


def end_record(dialect: Dialect) -> _Record:
    """Return the record that ends a stream.

    Raises:
        Untold: The dialect fails with what is no real id.
    """
    return _written(lambda: dialect.write_end(_ID))


def error_records(dialect: Dialect, codes: Iterable[str | int]) -> Sequence[_Record]:
    """Return the records of errors with these codes, without those that close the connection."""
    records: list[_Record] = []
    for code in codes:
        error = ErrorReply(code, _TEXT, PAYLOAD)
        with suppress(Untold):
            records.append(_written(functools.partial(dialect.write_error, _ID, error)))
    return [it for it in records if it is not None]


def _written(write: Callable[[], Any]) -> _Record:
    try:
        record = write()
    except Exception:  # noqa: BLE001 - the application's own, given what is no real result
        raise Untold from None
    return None if isinstance(record, Close) else record


def filled(record: _Record, payload: Any, *, text: str = "text") -> Any:
    """Return a record with a payload in it, and with examples of an id and of a message."""
    match record:
        case _Payload():
            return payload
        case {**members}:
            return {key: filled(it, payload, text=text) for key, it in members.items()}
        case [*items]:
            return [filled(it, payload, text=text) for it in items]
        case str():
            return {_ID: _ID_EXAMPLE, _TEXT: text}.get(record, record)
        case _:
            return record


def schema_of(records: Sequence[_Record], payload: Schema) -> Schema:
    """Return the schema of records.

    Args:
        records: The records, at least one.
        payload: The schema of what stands in them.
    """
    return _merged([_schema_of(it, payload) for it in records])


def _schema_of(record: _Record, payload: Schema) -> Schema:
    match record:
        case _Payload():
            return payload
        case {**members}:
            return {
                "type": "object",
                "properties": {key: _schema_of(it, payload) for key, it in members.items()},
                "required": [*members],
            }
        case [*items]:
            return {
                "type": "array",
                "items": [_schema_of(it, payload) for it in items],
                "minItems": len(items),
                "maxItems": len(items),
            }
        case _ if record == _ID:
            return {"type": ["string", "integer"]}
        case _ if record == _TEXT:
            return {"type": "string"}
        case _:
            return {"const": record}


def _merged(schemas: Sequence[Schema]) -> Schema:
    """Return what takes the place of several schemas: one of the same form, where they have one."""
    different = [it for number, it in enumerate(schemas) if it not in schemas[:number]]
    first, *others = different
    if not others:
        return first
    if all({*it} == {"const"} for it in different):
        return {"enum": [it["const"] for it in different]}
    names = [it.get("required") for it in different]
    if names[0] and all(it == names[0] for it in names):
        properties = {
            name: _merged([it["properties"][name] for it in different]) for name in names[0]
        }
        return {**first, "properties": properties}
    return {"anyOf": different}
