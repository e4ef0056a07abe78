"""The envelopes of protocols: what a frame holds, read below the types of its payloads."""

from wsendpoints.dialects.dialect import Dialect
from wsendpoints.dialects.jsonrpc import JsonRpc
from wsendpoints.dialects.records import (
    Answer,
    AskError,
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
    Request,
    is_id,
)

__all__ = [
    "Answer",
    "AskError",
    "Batch",
    "Call",
    "Cancel",
    "Close",
    "Dialect",
    "ErrorCode",
    "Failure",
    "Id",
    "InvalidRecordError",
    "JsonRpc",
    "Notification",
    "Record",
    "Request",
    "is_id",
]
