"""The values that a dialect reads: which ids there are, and what is told of other records."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from wsendpoints.dialects.records import (
    Answer,
    AskError,
    Batch,
    Call,
    Cancel,
    Close,
    Failure,
    InvalidRecordError,
    Notification,
    Record,
    is_id,
)
from wsendpoints.protocol.exceptions import ClientMessageError, WebSocketError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("", True, id="empty"),
        pytest.param("é" * 128, True, id="longest"),
        pytest.param("e" * 129, False, id="too long"),
        pytest.param(0, True, id="zero"),
        pytest.param(-(2**63), True, id="least"),
        pytest.param(-(2**63) - 1, False, id="below"),
        pytest.param(2**64 - 1, True, id="greatest"),
        pytest.param(2**64, False, id="above"),
        pytest.param(True, False, id="bool"),
        pytest.param(1.0, False, id="float"),
        pytest.param(None, False, id="none"),
        pytest.param(b"1", False, id="bytes"),
        pytest.param([1], False, id="list"),
    ],
)
def test_ids_are_short_texts_and_integers(value: object, expected: bool) -> None:
    """An id is a str of at most 128 characters, or an integer of at most 64 bits."""
    assert is_id(value) is expected


@pytest.mark.parametrize(
    "record",
    [
        Call("sum", [1], 7),
        Notification("sum", [1]),
        Answer(7, [1]),
        Failure(7, -1, "no"),
        Cancel(7),
        Close(4400, "no"),
    ],
    ids=lambda record: type(record).__name__,
)
def test_records_are_values(record: Any) -> None:
    """A record is equal to its copy, and can't be changed."""
    assert copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - its own
    assert not hasattr(record, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[-1].name, 8)


def test_kinds_of_records_differ() -> None:
    """A notification is no call with the id `None`, and an answer no cancellation."""
    records: list[Record] = [
        Notification("sum", None),
        Call("sum", None, None),
        Cancel(None),
        Answer(None, None),
    ]
    assert len({*records}) == len(records)


def test_batch_is_a_sequence() -> None:
    """A batch has its records in order."""
    assert Batch([1, 2]) == (1, 2)


def test_invalid_record_prints_copies_and_pickles() -> None:
    """The error of a record has the id of its call, and closes with 1008 where it closes."""
    error = InvalidRecordError("no method", 7, "format_violation")
    for same in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - its own
        assert type(same) is InvalidRecordError
        assert isinstance(same, ClientMessageError)
        assert str(same) == same.detail == "no method"
        assert (same.id, same.code, same.close_code) == (7, "format_violation", 1008)


def test_invalid_record_is_an_invalid_request() -> None:
    """Without a code and an id it is what JSON-RPC calls an invalid request."""
    error = InvalidRecordError("no method")
    assert (error.id, error.code, error.frame, error.limit) == (None, "invalid_request", None, None)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AskError(-1), "the client answered with the error -1"),
        (
            AskError("busy", "later", {"in": 5}),
            "the client answered with the error 'busy': 'later'",
        ),
    ],
)
def test_error_of_the_client_prints_copies_and_pickles(error: AskError, text: str) -> None:
    """What the client answers with is told to the server."""
    for same in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - its own
        assert type(same) is AskError
        assert issubclass(AskError, WebSocketError)
        assert str(same) == text
        assert (same.code, same.message, same.details) == error.args
