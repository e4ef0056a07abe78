"""A test of what every dialect promises, for the dialects that users write."""

import copy
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Final, Never, TypeAlias, cast, get_args

from pydantic_core import PydanticSerializationError, from_json, to_json

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.dialects.records import (
    Answer,
    Batch,
    Call,
    Cancel,
    Close,
    ErrorCode,
    Failure,
    Id,
    InvalidRecordError,
    Notification,
    Record,
)
from wsendpoints.dialects.values import is_array, is_object
from wsendpoints.protocol.exceptions import ErrorReply

__all__ = ["check_dialect"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

_Frames: TypeAlias = Sequence[tuple[Any, Sequence[Record]]]

_OURS: Final = "1"
"""An id as the library chooses it."""

_PAYLOAD: Final[Mapping[str, Any]] = {"name": ["value", 1, None]}
_SHORT: Final = "client's own"
"""What may be repeated in an id alone."""
_LONG: Final = "client's own, and long: " * 50
"""What may not even be repeated there."""

_HOSTILE: Final[Sequence[Any]] = (
    *(None, True, False, 0, -1, 2**63, 2**70, 0.5, 1e308, "", _SHORT, _LONG, b"\xff"),
    *([], {}, [[]], [_SHORT], [_LONG] * 2, {_SHORT: _SHORT}, {_LONG: None}, [[[[{"": [{}]}]]]]),
)
"""What may stand anywhere in what a client sends."""

_EXTRA: Final[Sequence[Any]] = (None, _SHORT, {})

_CODES: Final = (*get_args(ErrorCode), "an-application's", 4242)


def check_dialect(dialect: Dialect, frames: _Frames, *, both_ways: bool = True) -> None:
    """Check that a dialect keeps what `Dialect` promises.

    - It reads the frames as the records that are given, as often as it is asked.
    - Of anything else it raises `InvalidRecordError`: what is changed, is missing or is added is
      tried at each place of each frame.
    - What it writes can be encoded, and has the id of the call, unchanged.
    - What it writes can be read, in a protocol whose two sides are alike, and is the same then.
    - Of what the client sent, it repeats nothing but an id, and none that is long.

    ```python
    def test_pairs() -> None:
        check_dialect(Pairs(), [(["add", [1, 2], 7], [Call("add", [1, 2], 7)])])
    ```

    Args:
        dialect: The dialect.
        frames: What clients send, one frame of each kind that there is, and the records in it. A
            frame is what the encoding makes of it: for `"json"` the value, for `"text"` the str.
        both_ways: Whether the server sends the same records as the client. If not, what it writes
            is not read.

    Raises:
        AssertionError: It does not keep one of them.
    """
    if not any(isinstance(record, Call) for _, records in frames for record in records):
        _fail("the frames have no Call: give one, since a protocol without calls needs no dialect")
    for value, expected in frames:
        came = _read_frame(dialect, value)
        if not _are_same(came, expected):
            _fail(f"{value!r} was to be read as {[*expected]!r}, but was read as {came!r}")
    for value, _ in frames:
        for hostile in _variants(value):
            _check_hostile(dialect, hostile)
    for value, records in frames:
        for record in records:
            if isinstance(record, Call):
                _check_answers(dialect, value, record.id, both_ways=both_ways)
        if isinstance(dialect.records(value), Batch):
            _check_batch(dialect, records, both_ways=both_ways)
    for code in _CODES:
        for details in (None, _PAYLOAD):
            _encoded(
                f"write_error(None, {code!r})",
                dialect.write_error(None, ErrorReply(code, "text", details)),
            )
    if both_ways:
        _check_calls(dialect)


def _check_answers(dialect: Dialect, value: Any, id: Id, *, both_ways: bool) -> None:
    """Check the answers to one call."""
    error = ErrorReply("internal_error", "text")
    written = {
        "write_reply": dialect.write_reply(id, _PAYLOAD),
        "write_error": dialect.write_error(id, error),
    }
    if _has_streams(dialect):
        written["write_item"] = dialect.write_item(id, _PAYLOAD)
        written["write_end"] = dialect.write_end(id)
    sent = [part for part in _leaves(value) if any(_is_same(part, it) for it in _parts(id))]
    for name, record in written.items():
        if record is None or isinstance(record, Close):
            continue
        leaves = [*_leaves(_encoded(f"{name}({id!r})", record))]
        for part in sent:
            if not any(_is_same(part, leaf) for leaf in leaves):
                _fail(f"{name}({id!r}) wrote {record!r}, which does not have {part!r}, the id")
    if both_ways:
        _check_read_back(dialect, written["write_reply"], Answer(id, _PAYLOAD))
        _check_failure(dialect, written["write_error"], id)


def _check_failure(dialect: Dialect, written: Any, id: Id) -> None:
    expected = "expected one Failure of that id"
    if written is None:
        _fail(f"write_error({id!r}) wrote nothing: {expected}")
    came = _read_frame(dialect, _encoded("write_error", written))
    (read,) = came if len(came) == 1 else (None,)
    if not (isinstance(read, Failure) and _is_same(read.id, id)):
        _fail(f"write_error({id!r}) was read as {came!r}: {expected}")


def _check_calls(dialect: Dialect) -> None:
    """Check the calls that the server sends."""
    call = Call("method", _PAYLOAD, _OURS)
    _check_read_back(dialect, dialect.write_call(call.method, call.params, call.id), call)
    _encoded("write_call", dialect.write_call(call.method, None, call.id))
    try:
        notification = dialect.write_call(call.method, _PAYLOAD, None)
    except NotImplementedError:
        pass
    else:
        _check_read_back(dialect, notification, Notification(call.method, _PAYLOAD))
    if (cancel := dialect.write_cancel(_OURS)) is not None:
        _check_read_back(dialect, cancel, Cancel(_OURS))


def _check_batch(dialect: Dialect, records: Sequence[Record], *, both_ways: bool) -> None:
    ids = [record.id for record in records if isinstance(record, Call)]
    written = dialect.write_batch([dialect.write_reply(id_, _PAYLOAD) for id_ in ids])
    value = _encoded("write_batch", written)
    answers = [Answer(id_, _PAYLOAD) for id_ in ids]
    if both_ways and not _are_same(_read_frame(dialect, value), answers):
        _fail(f"write_batch wrote {value!r}, which does not have the answers of {ids!r}")


def _check_read_back(dialect: Dialect, written: Any, expected: Record) -> None:
    value = _encoded(repr(expected), written)
    came = _read_frame(dialect, value)
    if not _are_same(came, [expected]):
        _fail(f"{expected!r} was written as {value!r}, but that was read as {came!r}")


def _check_hostile(dialect: Dialect, value: Any) -> None:
    """Check that a frame that may be none is read, or refused."""
    records = _called(dialect, dialect.records, value)
    for record in () if records is None else records:
        read = _called(dialect, dialect.read, record)
        if isinstance(read, Call):
            for name, answer in (
                ("write_reply", dialect.write_reply(read.id, None)),
                ("write_error", dialect.write_error(read.id, ErrorReply("busy", "text"))),
            ):
                _check_silent(f"{name}({read.id!r})", answer, read.id)


def _called(dialect: Dialect, method: Callable[[Any], Any], value: Any) -> Any:
    """Return what a method makes of a value; `None` if it refuses it."""
    before = copy.deepcopy(value)
    where = f"{method.__name__}({value!r})"
    try:
        result = method(value)
    except InvalidRecordError as error:
        _check_silent(f"the error of {where}", [error.detail, error.code], None)
        reply = ErrorReply(error.code, error.detail)
        written = dialect.write_error(error.id, reply)
        _check_silent(f"the answer to {where}", written, error.id)
        return None
    except Exception as exc:
        raise AssertionError(f"{where} raised {exc!r}: expected InvalidRecordError") from exc
    if value != before:
        _fail(f"{where} changed that to {value!r}")
    if method.__name__ == "records":
        if not (isinstance(result, Sequence) and result):
            _fail(f"{where} returned {result!r}: expected a sequence of one record or more")
    else:
        _check_record(where, result)
    return cast("Any", result)


def _check_record(where: str, record: Any) -> None:
    if not isinstance(record, Record):
        _fail(f"{where} returned {record!r}: expected a Call, Notification, Answer, ...")
    if isinstance(record, Call | Notification) and type(record.method) is not str:
        _fail(f"{where} returned {record!r}, whose method is no str")
    for id_ in _ids([record]):
        if not _is_hashable(id_):
            _fail(f"{where} returned {record!r}, whose id can't be the key of a dict")


def _check_silent(where: str, written: Any, id: Id) -> None:
    """Check that something has no part of what the client sent, except in an id."""
    text = repr(written)
    if repr(_LONG)[1:-1] in text:
        _fail(f"{where} repeats what the client sent: bound an id by `is_id`, and quote nothing")
    if _SHORT in text and _SHORT not in repr(id):
        _fail(f"{where} repeats what the client sent, and not as an id: {written!r}")


def _read_frame(dialect: Dialect, value: Any) -> list[Record]:
    """Return the records in a frame, which is one of the protocol's."""
    given = copy.deepcopy(value)
    try:
        first = [dialect.read(record) for record in dialect.records(given)]
        second = [dialect.read(record) for record in dialect.records(copy.deepcopy(value))]
    except InvalidRecordError as error:
        raise AssertionError(f"{value!r} was refused: {error.detail}") from error
    if given != value:
        _fail(f"{value!r} was changed to {given!r} when it was read")
    if first != second:
        _fail(f"{value!r} was read as {first!r}, and the next time as {second!r}")
    return first


def _encoded(where: str, written: Any) -> Any:
    """Return what arrives of something that was written."""
    if written is None or isinstance(written, Close | str | bytes):
        return written
    try:
        return from_json(to_json(written))
    except PydanticSerializationError as exc:
        raise AssertionError(f"{where} wrote {written!r}, which can't be encoded: {exc}") from exc


def _has_streams(dialect: Dialect) -> bool:
    return type(dialect).write_item is not Dialect.write_item


def _variants(value: Any) -> Iterator[Any]:
    """Yield a value with something changed, missing or added, at each of its places."""
    yield from _HOSTILE
    if isinstance(value, str | bytes):
        text: Any = value
        for end in range(len(text)):
            yield text[:end]
            yield text[:end] + text[end + 1 :]
    elif is_object(value):
        yield value | {_SHORT: _SHORT, _LONG: _LONG}
        for key, member in value.items():
            yield {it: value[it] for it in value if it != key}
            yield from ({**value, key: variant} for variant in _variants(member))
    elif is_array(value):
        yield from ([*value, extra] for extra in _EXTRA)
        for index, item in enumerate(value):
            yield value[:index] + value[index + 1 :]
            for variant in _variants(item):
                yield [*value[:index], variant, *value[index + 1 :]]


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the values in a value that have no parts; of a text, itself."""
    if is_object(value):
        for member in value.values():
            yield from _leaves(member)
    elif is_array(value):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _parts(id: Id) -> Iterator[Any]:
    if is_dataclass(id):
        return _leaves([getattr(id, name) for name in id.__dataclass_fields__])
    return _leaves([*id] if isinstance(id, tuple) else id)


def _ids(records: Sequence[Record]) -> list[Any]:
    return [None if isinstance(record, Notification) else record.id for record in records]


def _are_same(records: Sequence[Record], expected: Sequence[Record]) -> bool:
    if [*records] != [*expected]:
        return False
    return all(map(_is_same, _ids(records), _ids(expected)))


def _is_same(one: Any, other: Any) -> bool:
    # To Python, `1`, `1.0` and `True` are equal.
    return type(one) is type(other) and one == other


def _is_hashable(value: Any) -> bool:
    # The type may say so, where a part of the value is not.
    try:
        hash(value)
    except TypeError:
        return False
    return isinstance(value, Hashable)


def _fail(text: str) -> Never:
    raise AssertionError(text)
