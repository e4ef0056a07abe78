"""What dialects write, as schemas."""

from typing import Any

import pytest

from wsendpoints import Dialect, ErrorReply, JsonRpc
from wsendpoints.contract.envelopes import (
    Untold,
    call_record,
    end_record,
    error_records,
    filled,
    reply_record,
    schema_of,
)
from wsendpoints.dialects import Call, Close, Id, InvalidRecordError, Record

PARAMS = {"$ref": "params"}
ID = {"type": ["string", "integer"]}


class Pairs(Dialect):
    """Arrays, with streams, and an error that closes."""

    def read(self, record: Any) -> Record:
        match record:
            case ["call", str(method), params, str(id)]:
                return Call(method, params, id)
            case _:
                raise InvalidRecordError("no")

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        return ("call", method, params, id)

    def write_reply(self, id: Id, result: Any) -> Any:
        return [id, result]

    def write_item(self, id: Id, item: Any) -> Any:
        return [id, item, True]

    def write_end(self, id: Id) -> Any:
        return [id, None, False]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        if error.code == "busy":
            return Close(4000)
        return [id, error.code, error.message[:20]] + ([error.details] if error.code == 7 else [])


class Reading(Pairs):
    """It reads no calls."""

    def read(self, record: Any) -> Record:
        return Call("other", None, 1)


class Failing(Pairs):
    """It needs real values."""

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        return {**params}

    def write_reply(self, id: Id, result: Any) -> Any:
        return result.value

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return {**error.details}


def test_call_is_what_the_dialect_writes() -> None:
    """The record of a call has the params in their place."""
    record = call_record(JsonRpc(), "add")
    assert schema_of([record], PARAMS) == {
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "method": {"const": "add"},
            "params": PARAMS,
            "id": ID,
        },
        "required": ["jsonrpc", "method", "params", "id"],
    }
    assert filled(record, [1]) == {"jsonrpc": "2.0", "method": "add", "params": [1], "id": "1"}
    assert "<payload>" in f"{record}"
    assert schema_of([call_record(Pairs(), "add")], PARAMS) == {
        "type": "array",
        "items": [{"const": "call"}, {"const": "add"}, PARAMS, ID],
        "minItems": 4,
        "maxItems": 4,
    }


@pytest.mark.parametrize("dialect", [Reading(), Failing()])
def test_call_can_not_be_told(dialect: Dialect) -> None:
    """A dialect that reads something else has no record that can be shown."""
    assert call_record(dialect, "add") is None


def test_answers_are_what_the_dialect_writes() -> None:
    """Results, items and the end of a stream have their records."""
    assert filled(reply_record(Pairs(), is_stream=False), 5) == ["1", 5]
    assert filled(reply_record(Pairs(), is_stream=True), 5) == ["1", 5, True]
    assert filled(end_record(Pairs()), None) == ["1", None, False]
    assert end_record(JsonRpc()) is None
    with pytest.raises(Untold):
        reply_record(Failing(), is_stream=False)


def test_errors_are_joined_where_they_have_one_form() -> None:
    """The codes are in one schema, where they stand in one place."""
    records = error_records(JsonRpc(), [-32001, -32002, -32001])
    assert schema_of(records, {})["properties"]["error"]["properties"] == {
        "code": {"enum": [-32001, -32002]},
        "message": {"type": "string"},
        "data": {},
    }
    assert filled(records[0], "details", text="Why.") == {
        "jsonrpc": "2.0",
        "error": {"code": -32001, "message": "Why.", "data": "details"},
        "id": "1",
    }


def test_errors_of_several_forms() -> None:
    """An error that closes the connection has no record."""
    records = error_records(Pairs(), ["busy", "full", 7])
    assert len(records) == 2
    assert [it["maxItems"] for it in schema_of(records, {})["anyOf"]] == [3, 4]
    assert error_records(Pairs(), ["busy"]) == []
    assert error_records(Failing(), ["full"]) == []
