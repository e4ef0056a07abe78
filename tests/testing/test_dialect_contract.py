"""The contract test of dialects: it passes those that keep it, and tells what others break."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from wsendpoints.dialects import (
    Answer,
    Batch,
    Call,
    Cancel,
    Close,
    Dialect,
    Failure,
    Id,
    InvalidRecordError,
    Notification,
    Record,
    is_id,
)
from wsendpoints.dialects.values import is_array, is_object
from wsendpoints.protocol.exceptions import ErrorReply
from wsendpoints.testing import check_dialect


class Arrays(Dialect):
    """Arrays as OCPP has them, with notifications, streams, batches and cancellations."""

    def records(self, value: Any) -> Sequence[Any]:
        batch = value.get("batch") if is_object(value) else None
        if not is_array(batch):
            return (value,)
        if not batch:
            raise InvalidRecordError("empty")
        return Batch(batch)

    def read(self, record: Any) -> Record:
        match record:
            case [2, id, str(method), params] if is_id(id):
                return Call(method, params, id)
            case [3, id, result] if is_id(id):
                return Answer(id, result)
            case [4, id, str() | int() as code, str(message), details] if id is None or is_id(id):
                return Failure(id, code, message, details)
            case [5, id] if is_id(id):
                return Cancel(id)
            case [6, str(method), params]:
                return Notification(method, params)
            case _:
                raise InvalidRecordError("no record")

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        return [6, method, params] if id is None else [2, id, method, params]

    def write_reply(self, id: Id, result: Any) -> Any:
        return [3, id, result]

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [4, id, error.code, error.message, error.details]

    def write_batch(self, answers: Sequence[Any]) -> Any:
        return {"batch": answers}

    def write_cancel(self, id: Id) -> Any:
        return [5, id]


CALL: Any = ([2, "7", "m", {}], [Call("m", {}, "7")])
NUMBERED: Any = ([2, 7, "m", {}], [Call("m", {}, 7)])
BATCH: Any = ({"batch": [CALL[0], NUMBERED[0]]}, [*CALL[1], *NUMBERED[1]])
FRAMES: Any = [
    CALL,
    NUMBERED,
    BATCH,
    ([3, "1", 5], [Answer("1", 5)]),
    ([4, "1", 5, "", 0], [Failure("1", 5, "", 0)]),
    ([5, "7"], [Cancel("7")]),
    ([6, "m", 0], [Notification("m", 0)]),
]


def test_dialect_with_everything_passes() -> None:
    """A protocol may have every kind of record."""
    check_dialect(Arrays(), FRAMES)


class WithoutNotifications(Arrays):
    """Has calls to the client alone."""

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        if id is None:
            raise NotImplementedError
        return [2, id, method, params]

    def write_cancel(self, id: Id) -> Any:
        return None


def test_notifications_and_cancellations_may_be_missing() -> None:
    """A protocol need not have them."""
    check_dialect(WithoutNotifications(), FRAMES)


@dataclass(frozen=True)
class Place:
    """An id of two parts."""

    topic: str
    ref: str


class OneWay(Dialect):
    """A protocol whose server streams, and closes in place of errors that have no id."""

    def read(self, record: Any) -> Record:
        match record:
            case {"topic": topic, "ref": ref, **rest} if is_id(topic) and is_id(ref):
                return Call("join", rest, Place(str(topic), str(ref)))
            case {"hello": hello}:
                return Call("hello", hello, OneWay)
            case _:
                raise InvalidRecordError("no record", code="bad")

    def write_reply(self, id: Id, result: Any) -> Any:
        return self.write_item(id, result) if isinstance(id, Place) else {"welcome": result}

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        if not isinstance(id, Place):
            return Close(4400, "no")
        return {"topic": id.topic, "ref": id.ref, "error": error.message}

    def write_item(self, id: Id, item: Any) -> Any:
        assert isinstance(id, Place | type)
        return {"topic": getattr(id, "topic", ""), "ref": getattr(id, "ref", ""), "item": item}


ONE_WAY: Any = [
    ({"topic": "t", "ref": "r"}, [Call("join", {}, Place("t", "r"))]),
    ({"hello": 1}, [Call("hello", 1, OneWay)]),
]


def test_protocol_of_two_kinds_of_sides_passes() -> None:
    """What the server writes need not be what a client may write, and ids may have parts."""
    check_dialect(OneWay(), ONE_WAY, both_ways=False)


class Lines(Dialect):
    """A protocol of texts, and no values."""

    def records(self, value: Any) -> Sequence[Any]:
        if not isinstance(value, str):
            raise InvalidRecordError("no text")
        return value.split("\n")

    def read(self, record: Any) -> Record:
        kind, _, rest = str(record).partition(" ")
        id_, _, rest = rest.partition(" ")
        if not is_id(id_):
            raise InvalidRecordError("a long id")
        if kind == "error":
            return Failure(id_, rest, "")
        if kind == "ok":
            return Answer(id_, {"name": ["value", 1, None]} if rest == "payload" else rest)
        if kind == "call":
            return Call(rest, None, id_)
        raise InvalidRecordError("no line")

    def write_reply(self, id: Id, result: Any) -> Any:
        return f"ok {id} payload"

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return f"error {id} {error.code}"

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        raise NotImplementedError


LINES: Any = [("call 1 m\ncall 2 n", [Call("m", None, "1"), Call("n", None, "2")])]


def test_frames_may_be_texts() -> None:
    """A frame of a text encoding is a str, in which characters are changed."""
    check_dialect(Lines(), LINES, both_ways=False)


# What is broken.


class Forgetful(Arrays):
    """Reads a record another way the second time."""

    count: ClassVar[int] = 0

    def read(self, record: Any) -> Record:
        type(self).count += 1
        return Notification(str(self.count), None)


class Greedy(Arrays):
    """Takes any value as an id, except for a long text."""

    def read(self, record: Any) -> Record:
        match record:
            case [2, id, str(method), params] if is_id(id) or not isinstance(id, str):
                return Call(method, params, id)
            case _:
                return super().read(record)


class Repeating(Arrays):
    """Takes long ids."""

    def read(self, record: Any) -> Record:
        match record:
            case [2, str(id), str(method), params]:
                return Call(method, params, id)
            case _:
                return super().read(record)


class Quoting(Arrays):
    """Quotes what it refuses."""

    def read(self, record: Any) -> Record:
        try:
            return super().read(record)
        except InvalidRecordError:
            raise InvalidRecordError(f"{str(record)[:100]} is no record") from None


class Telling(Arrays):
    """Has what it refuses as the code of the error."""

    def read(self, record: Any) -> Record:
        try:
            return super().read(record)
        except InvalidRecordError:
            raise InvalidRecordError("no record", None, f"no {record}"[:100]) from None


class Blaming(Arrays):
    """Has a long id in an error."""

    def read(self, record: Any) -> Record:
        match record:
            case [2, str(id), _, _] if not is_id(id):
                raise InvalidRecordError("no id", id)
            case _:
                return super().read(record)


class Trusting(Arrays):
    """Takes each record for an array."""

    def read(self, record: Any) -> Record:
        return super().read(record) if record[0] else Notification("", None)


class Careless(Arrays):
    """Changes what it reads."""

    def records(self, value: Any) -> Sequence[Any]:
        if is_array(value):
            value.append(0)
            return (value[:-1],)
        return super().records(value)


class Reckless(Arrays):
    """Changes what it can't read."""

    def records(self, value: Any) -> Sequence[Any]:
        if is_array(value) and not value:
            value.append(0)
        return super().records(value)


class Empty(Arrays):
    """Finds nothing in some frames."""

    def records(self, value: Any) -> Sequence[Any]:
        return [] if value is None else super().records(value)


class Raw(Arrays):
    """Returns a record as it came."""

    def read(self, record: Any) -> Record:
        return record if record == [] else super().read(record)


class Nameless(Arrays):
    """Has methods with no name."""

    def read(self, record: Any) -> Record:
        match record:
            case [2, id, None, params] if is_id(id):
                return Call(None, params, id)  # type: ignore[arg-type]  # that is the mistake
            case _:
                return super().read(record)


class Texts(Arrays):
    """Makes a text of each id."""

    def write_reply(self, id: Id, result: Any) -> Any:
        return [3, str(id), result]


class Anonymous(Arrays):
    """Answers with errors that have no id."""

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [4, None, error.code, error.message, error.details]


class Silent(Arrays):
    """Answers with no errors."""

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return None


class Objects(Arrays):
    """Writes what can't be encoded."""

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [4, id, "", "", object()]


class Renaming(Arrays):
    """Writes a method under another name."""

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        return super().write_call(f"my.{method}", params, id)


class Dropping(Arrays):
    """Loses the last answer of a batch."""

    def write_batch(self, answers: Sequence[Any]) -> Any:
        return {"batch": answers[:-1]}


class Swapping(Arrays):
    """Answers with a result in place of an error."""

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return [4, None, "", error.message, 0] if id is None else [3, id, error.message]


ANOTHER_METHOD: Any = [([2, "7", "m", {}], [Call("n", {}, "7")])]
ANOTHER_ID: Any = [([2, 7, "m", {}], [Call("m", {}, 7.0)])]
REFUSED: Any = ([9], [])


@pytest.mark.parametrize(
    ("dialect", "frames", "text"),
    [
        pytest.param(
            Arrays(),
            [FRAMES[-1]],
            "the frames have no Call: give one, since a protocol without calls needs no dialect",
            id="no call",
        ),
        pytest.param(
            Arrays(),
            ANOTHER_METHOD,
            "[2, '7', 'm', {}] was to be read as [Call(method='n', params={}, id='7')], but was "
            "read as [Call(method='m', params={}, id='7')]",
            id="another record",
        ),
        pytest.param(
            Arrays(),
            ANOTHER_ID,
            "[2, 7, 'm', {}] was to be read as [Call(method='m', params={}, id=7.0)], but was "
            "read as [Call(method='m', params={}, id=7)]",
            id="another type of id",
        ),
        pytest.param(
            Arrays(), [*FRAMES, REFUSED], "[9] was refused: no record", id="refused frame"
        ),
        pytest.param(
            Forgetful(),
            FRAMES,
            "[2, '7', 'm', {}] was read as [Notification(method='1', params=None)], and the next "
            "time as [Notification(method='2', params=None)]",
            id="state",
        ),
        pytest.param(
            Greedy(),
            FRAMES,
            "read([2, [], 'm', {}]) returned Call(method='m', params={}, id=[]), whose id can't be "
            "the key of a dict",
            id="unhashable id",
        ),
        pytest.param(
            Repeating(),
            FRAMES,
            " repeats what the client sent: bound an id by `is_id`, and quote nothing",
            id="long id",
        ),
        pytest.param(
            Blaming(),
            FRAMES,
            " repeats what the client sent: bound an id by `is_id`, and quote nothing",
            id="long id of an error",
        ),
        pytest.param(
            Quoting(),
            FRAMES,
            'the error of read("client\'s own") repeats what the client sent, and not as an id: '
            "[\"client's own is no record\", 'invalid_request']",
            id="quotes",
        ),
        pytest.param(
            Telling(),
            FRAMES,
            'the error of read("client\'s own") repeats what the client sent, and not as an id: '
            "['no record', \"no client's own\"]",
            id="quotes as a code",
        ),
        pytest.param(
            Trusting(),
            FRAMES,
            "read(None) raised TypeError(\"'NoneType' object is not subscriptable\"): expected "
            "InvalidRecordError",
            id="another exception",
        ),
        pytest.param(
            Careless(),
            FRAMES,
            "[2, '7', 'm', {}] was changed to [2, '7', 'm', {}, 0] when it was read",
            id="changes",
        ),
        pytest.param(
            Reckless(), FRAMES, "records([]) changed that to [0]", id="changes what it refuses"
        ),
        pytest.param(
            Empty(),
            FRAMES,
            "records(None) returned []: expected a sequence of one record or more",
            id="no records",
        ),
        pytest.param(
            Raw(),
            FRAMES,
            "read([]) returned []: expected a Call, Notification, Answer, ...",
            id="no record",
        ),
        pytest.param(
            Nameless(),
            FRAMES,
            "read([2, '7', None, {}]) returned Call(method=None, params={}, id='7'), whose method "
            "is no str",
            id="no name",
        ),
        pytest.param(
            Texts(),
            FRAMES,
            "write_reply(7) wrote [3, '7', {'name': ['value', 1, None]}], which does not have 7, "
            "the id",
            id="id of another type",
        ),
        pytest.param(
            Anonymous(),
            FRAMES,
            "write_error('7') wrote [4, None, 'internal_error', 'text', None], which does not "
            "have '7', the id",
            id="no id",
        ),
        pytest.param(
            Silent(),
            FRAMES,
            "write_error('7') wrote nothing: expected one Failure of that id",
            id="no error",
        ),
        pytest.param(
            Swapping(),
            FRAMES,
            "write_error('7') was read as [Answer(id='7', result='text')]: expected one Failure "
            "of that id",
            id="no failure",
        ),
        pytest.param(
            Objects(),
            FRAMES,
            ", which can't be encoded: Unable to serialize unknown type: <class 'object'>",
            id="not encodable",
        ),
        pytest.param(
            Renaming(),
            FRAMES,
            "Call(method='method', params={'name': ['value', 1, None]}, id='1') was written as "
            "[2, '1', 'my.method', {'name': ['value', 1, None]}], but that was read as "
            "[Call(method='my.method', params={'name': ['value', 1, None]}, id='1')]",
            id="another method",
        ),
        pytest.param(
            Dropping(), FRAMES, ", which does not have the answers of ['7', 7]", id="lost answer"
        ),
    ],
)
def test_broken_dialects_are_told(dialect: Dialect, frames: Any, text: str) -> None:
    """A dialect that breaks a promise fails, and the error tells which."""
    with pytest.raises(AssertionError) as caught:
        check_dialect(dialect, frames)
    assert text in str(caught.value)
