"""The interface of dialects: what a dialect does that overrides no more than it must."""

from typing import Any

import pytest

from wsendpoints.dialects import (
    Call,
    Dialect,
    Id,
    InvalidRecordError,
    Record,
    is_id,
)
from wsendpoints.protocol.exceptions import ErrorReply
from wsendpoints.testing import check_dialect


class Pairs(Dialect):
    """That of the docstring of `Dialect`."""

    def read(self, record: Any) -> Record:
        match record:
            case [str(method), params, id] if is_id(id):
                return Call(method, params, id)
            case _:
                raise InvalidRecordError("expected [method, params, id]")

    def write_reply(self, id: Id, result: Any) -> Any:
        return [id, result]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [id, None, error.code, error.message]


def test_example_keeps_the_contract() -> None:
    """The dialect of the docstring is one."""
    check_dialect(Pairs(), [(["add", [1, 2], 7], [Call("add", [1, 2], 7)])], both_ways=False)


def test_defaults_are_those_of_a_simple_protocol() -> None:
    """By default a frame is a record, streams end by themselves, and nothing is cancelled."""
    dialect = Pairs()
    assert dialect.records([1, 2]) == ([1, 2],)
    assert dialect.write_batch((1, 2)) == [1, 2]
    assert dialect.write_end(7) is None
    assert dialect.write_cancel("1") is None


def test_calls_and_streams_are_what_a_protocol_has() -> None:
    """A protocol has no calls to the client, and no streams, until the dialect writes them."""
    with pytest.raises(NotImplementedError, match=r"^Pairs has no calls to the client$"):
        Pairs().write_call("add", None, "1")
    with pytest.raises(NotImplementedError, match=r"^Pairs has no streams$"):
        Pairs().write_item(7, 1)


def test_interface_is_abstract() -> None:
    """A dialect has to read, to answer, and to tell of errors."""
    with pytest.raises(TypeError, match=r"read'?, '?write_error'?, '?write_reply"):
        Dialect()  # type: ignore[abstract]  # that is the test
