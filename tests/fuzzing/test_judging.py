"""What a server declares is told from what it does not."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from tests.contract.endpoints import Calculator, Loud
from tests.fuzzing.endpoints import Honest, document_of
from tests.fuzzing.test_plan import Frames
from tests.packing import pack
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.contract.reading import read_document
from wsendpoints.fuzzing.judging import Judge


class Blobs(WebSocketEndpoint):
    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> bytes:
        return data


class Stored(BaseModel):
    type: Literal["stored"] = "stored"
    data: bytes
    at: datetime
    sizes: dict[int, list[float]]


class Store(WebSocketEndpoint):
    encoding = "msgpack"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> Stored:
        return Stored(data=data, at=datetime.now(UTC), sizes={})


class Texts(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


def judge(cls: Any, encoding: str = "json", codes: frozenset[int] = frozenset()) -> Judge:
    """Return the judge of a class."""
    (channel,) = read_document(document_of(cls), "it")
    return Judge(channel, encoding, codes)


NOW = datetime(2025, 1, 31, tzinfo=UTC)
SAID = '{"type": "said", "text": "a"}'


@pytest.mark.parametrize(
    ("cls", "encoding", "frame", "told"),
    [
        (Honest, "json", SAID, None),
        (Honest, "json", SAID.encode(), None),
        (Honest, "json", '{"type": "error", "code": "invalid_message"}', None),
        (
            Honest,
            "json",
            '{"type": "other"}',
            'answered \'{"type": "other"}\', which is none of the messages that it declares',
        ),
        (Honest, "json", "{", "answered '{', which is not json: Expecting property name enclosed"),
        (Honest, "json", "NaN", "answered 'NaN', which is not json: NaN is no number of JSON"),
        (Honest, "json", "[" * 100_000, "answered '[[[["),
        (Honest, "msgpack", pack({"type": "said", "text": "a"}), None),
        (Honest, "msgpack", "a", "answered 'a', which is not msgpack: MessagePack comes in binary"),
        (
            Store,
            "msgpack",
            pack({"type": "stored", "data": b"\xff", "at": NOW, "sizes": {1: [1.5]}}),
            None,
        ),
        (
            Store,
            "msgpack",
            pack({"type": "stored", "data": 1, "at": NOW, "sizes": {}}),
            "answered b'",
        ),
        (Honest, "other", b"anything", None),
        (Calculator, "json", '{"anything": 1}', None),
        (Calculator, "json", "{", "answered '{', which is not json"),
        (Loud, "text", "ABC", None),
        (Texts, "text", "abc", None),
        (Texts, "text", b"abc", "answered b'abc', which it does not declare"),
        (Blobs, "bytes", b"abc", None),
        (Blobs, "bytes", "abc", "answered 'abc', which it does not declare"),
        (Frames, "frames", "abc", None),
    ],
)
def test_frame(cls: Any, encoding: str, frame: str | bytes, told: str | None) -> None:
    """A frame has to be one of the messages, unless the class says nothing of them."""
    found = judge(cls, encoding).frame(frame)
    assert found is None if told is None else (found or "").startswith(told)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (1000, None),
        (1009, None),
        (4000, None),
        (1011, "closed with 1011: it failed"),
        (1006, "closed with 1006, which it does not document"),
        (4001, "closed with 4001, which it does not document"),
    ],
)
def test_code(code: int, told: str | None) -> None:
    """A close code has to be documented, or be the application's own; 1011 is a failure."""
    assert judge(Honest, codes=frozenset({4000})).code(code) == told
