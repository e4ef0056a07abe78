"""JSON-RPC 2.0: the examples of its specification, and each of its sentences about a record."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from wsendpoints.dialects import (
    Answer,
    Batch,
    Call,
    Cancel,
    Failure,
    InvalidRecordError,
    JsonRpc,
    Notification,
    Record,
)
from wsendpoints.dialects.values import is_object
from wsendpoints.messages.codec import decode_json
from wsendpoints.protocol.exceptions import ConfigurationError, ErrorReply, InvalidDataError
from wsendpoints.testing import check_dialect


def rpc(**members: Any) -> dict[str, Any]:
    """Return a record of JSON-RPC."""
    return {"jsonrpc": "2.0", **members}


def subtract(params: Any) -> Any:
    """Subtract by position or by name, as in the specification."""
    left, right = [params["minuend"], params["subtrahend"]] if is_object(params) else params
    return left - right


def get_data(params: Any) -> Any:
    """Return what the specification has in its example."""
    return ["hello", 5]


METHODS: dict[str, Callable[[Any], Any]] = {"subtract": subtract, "sum": sum, "get_data": get_data}
"""Those of the specification that are called, and not only notified."""


def serve(frame: str) -> Any:
    """Return the answer to a frame; `None` if there is none."""
    dialect = JsonRpc()
    try:
        records = dialect.records(decode_json(frame))
    except InvalidDataError:
        return dialect.write_error(None, ErrorReply("parse_error", "Parse error"))
    except InvalidRecordError as error:
        return dialect.write_error(error.id, ErrorReply(error.code, "Invalid Request"))
    answers = [answer for answer in map(answer_to, records) if answer is not None]
    if not answers:
        return None
    return dialect.write_batch(answers) if isinstance(records, Batch) else answers[0]


def answer_to(record: Any) -> Any:
    """Return the answer to a record; `None` if there is none."""
    dialect = JsonRpc()
    try:
        read = dialect.read(record)
    except InvalidRecordError as error:
        return dialect.write_error(error.id, ErrorReply(error.code, "Invalid Request"))
    if isinstance(read, Notification):
        return None
    assert isinstance(read, Call)
    if read.method not in METHODS:
        return dialect.write_error(read.id, ErrorReply("method_not_found", "Method not found"))
    return dialect.write_reply(read.id, METHODS[read.method](read.params))


INVALID = '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}'
UNPARSED = '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}'


EXAMPLES = [
    pytest.param(
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        '{"jsonrpc": "2.0", "result": 19, "id": 1}',
        id="positional parameters",
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        '{"jsonrpc": "2.0", "result": -19, "id": 2}',
        id="positional parameters, reversed",
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "subtract", '
        '"params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        '{"jsonrpc": "2.0", "result": 19, "id": 3}',
        id="named parameters",
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "subtract", '
        '"params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        '{"jsonrpc": "2.0", "result": 19, "id": 4}',
        id="named parameters, reversed",
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
        None,
        id="a notification",
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "foobar"}', None, id="a notification without parameters"
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}',
        id="non-existent method",
    ),
    pytest.param(
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        UNPARSED,
        id="invalid JSON",
    ),
    pytest.param('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', INVALID, id="invalid request"),
    pytest.param(
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},'
        '{"jsonrpc": "2.0", "method"]',
        UNPARSED,
        id="batch, invalid JSON",
    ),
    pytest.param("[]", INVALID, id="empty array"),
    pytest.param("[1]", f"[{INVALID}]", id="invalid batch, but not empty"),
    pytest.param("[1,2,3]", f"[{INVALID}, {INVALID}, {INVALID}]", id="invalid batch"),
    pytest.param(
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},'
        '{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},'
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},'
        '{"foo": "boo"},'
        '{"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},'
        '{"jsonrpc": "2.0", "method": "get_data", "id": "9"}]',
        '[{"jsonrpc": "2.0", "result": 7, "id": "1"},'
        '{"jsonrpc": "2.0", "result": 19, "id": "2"},'
        f"{INVALID},"
        '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, '
        '"id": "5"},'
        '{"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}]',
        id="batch",
    ),
    pytest.param(
        '[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},'
        '{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]',
        None,
        id="batch, all notifications",
    ),
]
"""What the specification has in its section 7: what is sent, and the answer, if there is one."""


@pytest.mark.parametrize(("sent", "answer"), EXAMPLES)
def test_examples_of_the_specification(sent: str, answer: str | None) -> None:
    """Each of the examples in section 7 is answered as there."""
    assert serve(sent) == (None if answer is None else json.loads(answer))


LONG = "l" * 129

NOTHING_TO_CANCEL: list[dict[str, Any]] = [
    {},
    {"params": [7]},
    {"params": {}},
    {"params": {"id": None}},
    {"params": {"id": [7]}},
    {"params": {"id": LONG}},
]


@pytest.mark.parametrize(
    ("record", "read"),
    [
        pytest.param(rpc(method="m", id=1), Call("m", None, 1), id="integer"),
        pytest.param(rpc(method="m", id="1"), Call("m", None, "1"), id="string"),
        pytest.param(rpc(method="m", id=1.5), Call("m", None, 1.5), id="fraction"),
        pytest.param(rpc(method="m", id=None), Call("m", None, None), id="null"),
        pytest.param(rpc(method="m"), Notification("m", None), id="notification"),
        pytest.param(rpc(method="m", params=None, id=1), Call("m", None, 1), id="null parameters"),
        pytest.param(rpc(method="m", params={}, id=1), Call("m", {}, 1), id="no names"),
        pytest.param(rpc(method="m", params=[], id=1), Call("m", [], 1), id="no positions"),
        pytest.param(rpc(method="m", x=1, id=1), Call("m", None, 1), id="further member"),
        pytest.param(rpc(result=None, id=1), Answer(1, None), id="result"),
        pytest.param(
            rpc(error={"code": -1, "message": "no"}, id=1), Failure(1, -1, "no"), id="error"
        ),
        pytest.param(
            rpc(error={"code": -1, "message": "no", "data": [1]}, id=None),
            Failure(None, -1, "no", [1]),
            id="error with data",
        ),
        pytest.param(rpc(method="stop", params={"id": 7}), Cancel(7), id="cancel"),
        pytest.param(rpc(method="stop", params={"id": "7"}), Cancel("7"), id="cancel a string"),
        pytest.param(
            rpc(method="stop", params={"id": 7}, id=1),
            Call("stop", {"id": 7}, 1),
            id="a call is no cancel",
        ),
        *(
            pytest.param(
                rpc(method="stop", **params),
                Notification("stop", params.get("params")),
                id=f"cancel nothing: {params}",
            )
            for params in NOTHING_TO_CANCEL
        ),
    ],
)
def test_records_are_read(record: Any, read: Record) -> None:
    """A request, a notification, a response and a cancellation are each read as what it is."""
    dialect = JsonRpc(cancel_method="stop")
    came = dialect.read(record)
    assert came == read
    id_, expected = getattr(came, "id", None), getattr(read, "id", None)
    assert type(id_) is type(expected)


NO_OBJECTS: list[Any] = [None, True, 1, "call", []]
NO_IDS: list[Any] = [True, [], {}, LONG, 2**64, float("inf")]
NO_ERRORS: list[Any] = [
    None,
    [],
    {"code": 1},
    {"code": "1", "message": ""},
    {"code": True, "message": ""},
    {"code": 1, "message": None},
    {"message": ""},
]

NO_ID = '"id" is a string of at most 128 characters, a number, or null'
NO_RESPONSE = 'a request has "method"; a response has "id", and "result" or "error"'
NO_ERROR = '"error" is an object with an integer "code" and a "message"'
NO_PARAMS = '"params" is an array or an object'


@pytest.mark.parametrize(
    ("record", "detail", "id_"),
    [
        *(
            pytest.param(record, "a record is an object", None, id=repr(record))
            for record in NO_OBJECTS
        ),
        pytest.param({"method": "m", "id": 1}, '"jsonrpc" is "2.0"', 1, id="no version"),
        pytest.param(
            {"jsonrpc": "1.0", "method": "m", "id": 1}, '"jsonrpc" is "2.0"', 1, id="version 1"
        ),
        pytest.param({"jsonrpc": 2.0, "method": "m"}, '"jsonrpc" is "2.0"', None, id="a number"),
        pytest.param({"id": 1, "result": 1}, '"jsonrpc" is "2.0"', None, id="response, no version"),
        *(
            pytest.param(rpc(method="m", id=id_), NO_ID, None, id=f"id {str(id_)[:5]}")
            for id_ in NO_IDS
        ),
        pytest.param(rpc(method=None, id=1), '"method" is a string', 1, id="null method"),
        *(
            pytest.param(
                rpc(method="m", id=1, params=params), NO_PARAMS, 1, id=f"params {params!r}"
            )
            for params in (False, 0, "")
        ),
        pytest.param(rpc(), NO_RESPONSE, None, id="empty"),
        pytest.param(rpc(id=1), NO_RESPONSE, None, id="id alone"),
        pytest.param(rpc(result=1), NO_RESPONSE, None, id="result without id"),
        pytest.param(
            rpc(result=1, error={"code": 1, "message": ""}, id=1), NO_RESPONSE, None, id="both"
        ),
        *(
            pytest.param(rpc(error=error, id=1), NO_ERROR, None, id=f"error {error}")
            for error in NO_ERRORS
        ),
    ],
)
def test_other_records_are_refused(record: Any, detail: str, id_: Any) -> None:
    """What is no record is an invalid request, with its id where it is one of a request."""
    with pytest.raises(InvalidRecordError) as caught:
        JsonRpc().read(record)
    assert (caught.value.detail, caught.value.id) == (detail, id_)
    assert caught.value.code == "invalid_request"


def test_batch_is_bounded() -> None:
    """A batch of more records than it may have is one invalid request."""
    dialect = JsonRpc(max_batch=2)
    assert dialect.records([1, 2]) == Batch([1, 2])
    with pytest.raises(InvalidRecordError, match=r"^a batch has at most 2 members$"):
        dialect.records([1, 2, 3])
    with pytest.raises(InvalidRecordError, match=r"^a batch has at most 100 members$"):
        JsonRpc().records([1] * 101)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        *(
            pytest.param(ErrorReply(name, "text"), {"code": code, "message": "text"}, id=name)
            for name, code in (
                ("parse_error", -32700),
                ("invalid_request", -32600),
                ("method_not_found", -32601),
                ("invalid_params", -32602),
                ("internal_error", -32603),
                ("request_cancelled", -32800),
            )
        ),
        pytest.param(ErrorReply(-1, "no"), {"code": -1, "message": "no"}, id="number"),
        pytest.param(
            ErrorReply(-1, "no", {"seat": 4}),
            {"code": -1, "message": "no", "data": {"seat": 4}},
            id="number with details",
        ),
        pytest.param(ErrorReply("full", "no"), {"code": 7, "message": "no"}, id="name"),
        pytest.param(
            ErrorReply("full", "no", 0),
            {"code": 7, "message": "no", "data": 0},
            id="name with details",
        ),
        pytest.param(
            ErrorReply("shut", "no"),
            {"code": -32000, "message": "no", "data": {"code": "shut"}},
            id="name without a number",
        ),
        pytest.param(
            ErrorReply("shut", "no", [1]),
            {"code": -32000, "message": "no", "data": {"code": "shut", "details": [1]}},
            id="name without a number, with details",
        ),
    ],
)
def test_errors_have_numbers(error: ErrorReply, told: Any) -> None:
    """An error is written with its number, that of its name, or -32000 beside its name."""
    written = JsonRpc(codes={"full": 7}).write_error("1", error)
    assert written == {"jsonrpc": "2.0", "error": told, "id": "1"}


def test_codes_may_replace_the_protocols_own() -> None:
    """An application may have other numbers for the errors of the library."""
    written = JsonRpc(codes={"request_cancelled": -32000}).write_error(
        1, ErrorReply("request_cancelled", "text")
    )
    assert written["error"] == {"code": -32000, "message": "text"}


def test_calls_are_written() -> None:
    """A call has an id, a notification none, and one without parameters has no `params`."""
    dialect = JsonRpc()
    assert dialect.write_call("m", [1], "1") == rpc(method="m", params=[1], id="1")
    assert dialect.write_call("m", None, "1") == rpc(method="m", id="1")
    assert dialect.write_call("m", {}, None) == rpc(method="m", params={})


def test_cancellations_are_written_where_there_are_any() -> None:
    """A call to the client is cancelled by the same notification, where the protocol has one."""
    assert JsonRpc().write_cancel("1") is None
    dialect = JsonRpc(cancel_method="notifications/cancelled", cancel_param="requestId")
    assert dialect.write_cancel("1") == rpc(
        method="notifications/cancelled", params={"requestId": "1"}
    )
    assert dialect.read(dialect.write_cancel("1")) == Cancel("1")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param(
            {"codes": {"full": "7"}},
            "JsonRpc(codes=...): the code of 'full' is '7': use an integer, such as -32001",
            id="code",
        ),
        pytest.param(
            {"codes": {"full": True}},
            "JsonRpc(codes=...): the code of 'full' is True: use an integer, such as -32001",
            id="bool",
        ),
        pytest.param({"max_batch": 0}, "JsonRpc(max_batch=0): use an integer from 1 up", id="zero"),
        pytest.param(
            {"max_batch": None}, "JsonRpc(max_batch=None): use an integer from 1 up", id="none"
        ),
    ],
)
def test_wrong_options_are_told(options: Any, text: str) -> None:
    """An option that could only fail later is refused at once."""
    with pytest.raises(ConfigurationError) as caught:
        JsonRpc(**options)
    assert str(caught.value) == text


def test_contract() -> None:
    """It keeps what every dialect promises, for each kind of record."""
    check_dialect(
        JsonRpc(cancel_method="$/cancelRequest"),
        [
            (rpc(method="sum", params=[1, 2], id=7), [Call("sum", [1, 2], 7)]),
            (rpc(method="sum", params={"left": 1}, id="x"), [Call("sum", {"left": 1}, "x")]),
            (rpc(method="sum", id=None), [Call("sum", None, None)]),
            (rpc(method="sum", id=1.5), [Call("sum", None, 1.5)]),
            (rpc(method="sum", params=[]), [Notification("sum", [])]),
            (rpc(method="$/cancelRequest", params={"id": 7}), [Cancel(7)]),
            (rpc(result=[3], id="1"), [Answer("1", [3])]),
            (
                rpc(error={"code": 1, "message": "no", "data": 2}, id="1"),
                [Failure("1", 1, "no", 2)],
            ),
            (
                [rpc(method="sum", id=1), rpc(method="log"), rpc(method="sum", id=2)],
                [Call("sum", None, 1), Notification("log", None), Call("sum", None, 2)],
            ),
        ],
    )
