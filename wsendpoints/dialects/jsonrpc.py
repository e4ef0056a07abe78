"""JSON-RPC 2.0, as https://www.jsonrpc.org/specification has it. The quotes are from there."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.dialects.records import (
    Answer,
    Batch,
    Call,
    Cancel,
    Failure,
    Id,
    InvalidRecordError,
    Notification,
    Record,
    is_id,
)
from wsendpoints.dialects.values import is_array, is_object
from wsendpoints.protocol.exceptions import ConfigurationError, ErrorReply

__all__ = ["JsonRpc"]

_Members: TypeAlias = dict[Any, Any]

_VERSION: Final = "2.0"

_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "parse_error": -32700,
        "invalid_request": -32600,
        "method_not_found": -32601,
        "invalid_params": -32602,
        "internal_error": -32603,
        # The language server protocol's, which others have taken over.
        "request_cancelled": -32800,
    }
)
"""The numbers of the errors that are not the application's."""

_SERVER_ERROR: Final = -32000
"""An error that has a name, and no number: this one is "reserved for implementation-defined
server-errors"."""


class JsonRpc(Dialect):
    """JSON-RPC 2.0: calls by position and by name, notifications, batches, in both directions.

    An error that a handler raises has a number for its code, `ErrorReply(-32001, "no such room")`,
    or a name that `codes` gives a number. One with another name is sent with the code -32000, and
    with its name in `data`: `{"code": "room_full"}`, and there the details, if it has any, as
    `"details"`.

    Args:
        codes: The numbers of the application's errors, by their names.
        cancel_method: The notification that cancels a call: `"$/cancelRequest"` in the language
            server protocol. What is cancelled is answered with the code -32800. By default, none:
            JSON-RPC itself has no cancellation.
        cancel_param: The parameter of that notification that has the id of the call.
        max_batch: How many records a batch may have. A longer one is one invalid request.

    Raises:
        ConfigurationError: A code is no integer, or `max_batch` is not positive.
    """

    needs_values: ClassVar[bool] = True

    def __init__(
        self,
        *,
        codes: Mapping[str, int] = MappingProxyType({}),
        cancel_method: str | None = None,
        cancel_param: str = "id",
        max_batch: int = 100,
    ) -> None:
        for name, code in codes.items():
            if not _is_integer(code):
                raise ConfigurationError(
                    f"JsonRpc(codes=...): the code of {name!r} is {code!r}: use an integer, such "
                    "as -32001"
                )
        if not _is_integer(max_batch) or max_batch < 1:
            raise ConfigurationError(f"JsonRpc(max_batch={max_batch!r}): use an integer from 1 up")
        self._codes: Final[Mapping[str, int]] = {**_CODES, **codes}
        self._cancel_method: Final = cancel_method
        self._cancel_param: Final = cancel_param
        self._max_batch: Final = max_batch

    def records(self, value: Any) -> Sequence[Any]:
        """Return the members of a batch, or the one record that a frame is."""
        if not is_array(value):
            return (value,)
        batch = Batch(value)
        if not batch:
            raise InvalidRecordError("a batch has at least one member")
        if len(batch) > self._max_batch:
            raise InvalidRecordError(f"a batch has at most {self._max_batch} members")
        return batch

    def read(self, record: Any) -> Record:
        """Return what a record says: a request, a notification, or a response."""
        if not is_object(record):
            raise InvalidRecordError("a record is an object")
        is_call = "method" in record
        id_ = record.get("id")
        if not _is_id(id_):
            raise InvalidRecordError(
                '"id" is a string of at most 128 characters, a number, or null'
            )
        # The id of a response is one of this side. In an error it would seem to be the client's.
        about = id_ if is_call else None
        if record.get("jsonrpc") != _VERSION:
            raise InvalidRecordError(f'"jsonrpc" is "{_VERSION}"', about)
        return self._call(record, id_) if is_call else self._response(record, id_)

    def _call(self, members: _Members, id_: Id) -> Record:
        method, params = members["method"], members.get("params")
        if not isinstance(method, str):
            raise InvalidRecordError('"method" is a string', id_)
        # By the specification `null` is no value for it, but there are clients that send it.
        if not (params is None or is_array(params) or is_object(params)):
            raise InvalidRecordError('"params" is an array or an object', id_)
        # "The value SHOULD normally not be Null": but it may be.
        if "id" in members:
            return Call(method, params, id_)
        if method == self._cancel_method and is_object(params):
            cancelled = params.get(self._cancel_param)
            # "The Server MUST NOT reply to a Notification": so one without an id is one like any
            # other, which no handler takes.
            if cancelled is not None and _is_id(cancelled):
                return Cancel(cancelled)
        return Notification(method, params)

    def _response(self, members: _Members, id_: Id) -> Record:
        if "id" not in members or ("result" in members) == ("error" in members):
            raise InvalidRecordError(
                'a request has "method"; a response has "id", and "result" or "error"'
            )
        if "result" in members:
            return Answer(id_, members["result"])
        error = members["error"]
        if is_object(error):
            code, message = error.get("code"), error.get("message")
            if isinstance(code, int) and _is_integer(code) and isinstance(message, str):
                return Failure(id_, code, message, error.get("data"))
        raise InvalidRecordError('"error" is an object with an integer "code" and a "message"')

    def write_call(self, method: str, params: Any, id: Id | None) -> Any:
        """Return a request, or a notification."""
        record: dict[str, Any] = {"jsonrpc": _VERSION, "method": method}
        # "This member MAY be omitted", and `null` is no value for it.
        if params is not None:
            record["params"] = params
        if id is not None:
            record["id"] = id
        return record

    def write_reply(self, id: Id, result: Any) -> Any:
        """Return a response with a result: "This member is REQUIRED on success"."""
        return {"jsonrpc": _VERSION, "result": result, "id": id}

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        """Return a response with an error."""
        code, data = error.code, error.details
        if isinstance(code, str):
            name, code = code, self._codes.get(code, _SERVER_ERROR)
            if name not in self._codes:
                data = {"code": name} if data is None else {"code": name, "details": data}
        told: dict[str, Any] = {"code": code, "message": error.message}
        # "This may be omitted."
        if data is not None:
            told["data"] = data
        return {"jsonrpc": _VERSION, "error": told, "id": id}

    def write_cancel(self, id: Id) -> Any:
        """Return the notification that cancels a call, where there is one."""
        if self._cancel_method is None:
            return None
        return self.write_call(self._cancel_method, {self._cancel_param: id}, None)


def _is_integer(value: object) -> bool:
    # `bool` is a subclass of `int`.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(value: object) -> bool:
    """Whether a value is "a String, Number, or NULL value", and can be repeated."""
    is_number = isinstance(value, float) and math.isfinite(value)
    return value is None or is_number or is_id(value)
