"""What clients send and get, as types, and what is answered by what."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel

from tests.contract.clients.app import Counter, Files, Language
from tests.contract.endpoints import Assistant, Chat, Lobby
from tests.some_messages import Leave, Said, Say
from wsendpoints import WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract import describe
from wsendpoints.contract.schemas import schemas_of
from wsendpoints.contract.typescript_messages import Exchange, MessageTypes
from wsendpoints.contract.typescript_types import TypeWriter
from wsendpoints.messages.custom import Subprotocols


def types_of(cls: type[WebSocketEndpoint[Any]]) -> MessageTypes:
    """Return what writes the types of the messages of a class."""
    description = describe(cls)
    schemas = schemas_of([description])
    types = TypeWriter(schemas.components, {it: it for it in schemas.components}, "string")
    return MessageTypes(description, schemas, types)


def taking(takes: Any, encoding: Any) -> type[WebSocketEndpoint[Any]]:
    """Return a class that takes a type, and answers with it."""

    async def on_receive(self: Any, websocket: Any, data: Any) -> Any: ...

    on_receive.__annotations__ = {"data": takes, "return": takes}
    body = {"encoding": encoding, "on_receive": on_receive, "__module__": __name__}
    made: Any = type("Taking", (WebSocketEndpoint,), body)
    return made  # type: ignore[no-any-return]  # it is made here


@pytest.mark.parametrize(
    ("encoding", "takes", "written"),
    [
        ("json", Say, "Say"),
        ("json", int, "number"),
        ("json", bytes, "Uint8Array"),
        ("msgpack", bytes, "Uint8Array"),
        ("text", str, "string"),
        ("text", Literal["a", "b"], '"a" | "b"'),
        ("text", int, "string"),
        ("bytes", bytes, "Uint8Array"),
        ("bytes", Any, "Uint8Array"),
        (None, str, "string"),
        (None, bytes, "Uint8Array"),
        (None, Any, "string | Uint8Array"),
    ],
)
def test_type_on_the_wire(encoding: Any, takes: Any, written: str) -> None:
    """It is a value, or what is in the frame, as the encoding has it."""
    cls = taking(takes, encoding)
    types = types_of(cls)
    (message,) = describe(cls).received
    assert types.sent(message) == written
    (message,) = describe(cls).operations[0].replies
    assert types.got(message) == written


class Mixed(WebSocketEndpoint):
    """Speaks JSON, and text."""

    encoding = "text"
    subprotocols: ClassVar[Subprotocols] = {"json": "json"}

    async def on_receive(self, websocket: WebSocket, data: int) -> None: ...


def test_type_in_several_encodings() -> None:
    """It is that of each."""
    (message,) = describe(Mixed).received
    assert types_of(Mixed).sent(message) == "string | number"


def test_what_is_answered_with_its_id() -> None:
    """Requests have one reply, streams any number; what has no id is neither."""
    types = types_of(Files)
    delete, count, wait, _ = describe(Files).operations
    assert [*types.exchanges(is_stream=False)] == [
        Exchange(delete, 'WithoutId<Delete, "id">', ("Deleted", "Kept")),
        Exchange(wait, "Wait", ("Kept",)),
    ]
    assert [*types.exchanges(is_stream=True)] == [Exchange(count, "Count", ("Counted",))]


class Half(WebSocketEndpoint):
    """Answers one of its messages without an id, and one that has none."""

    encoding = "json"
    correlation_id = "id"

    class Ask(BaseModel):
        type: Literal["ask"] = "ask"
        id: str | None = None

    @handles
    async def answer(self, websocket: WebSocket, data: Ask) -> Said:
        return Said()

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Ask:
        return self.Ask()


def test_what_has_no_id_is_no_request() -> None:
    """Neither a message nor a reply without the field can be told apart."""
    assert [*types_of(Half).exchanges(is_stream=False)] == []


@pytest.mark.parametrize("cls", [Chat, Half])
def test_without_ids_nothing_is_a_request(cls: type[WebSocketEndpoint[Any]]) -> None:
    """There is no field to tell by."""
    assert [*types_of(cls).exchanges(is_stream=True)] == []


class Either(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "id"

    class Text(BaseModel):
        type: Literal["text"] = "text"
        id: str

    class Number(BaseModel):
        type: Literal["number"] = "number"
        id: int

    @handles
    async def say(self, websocket: WebSocket, data: Text) -> AsyncIterator[Text]:
        yield data

    @handles
    async def count(self, websocket: WebSocket, data: Number) -> None: ...


@pytest.mark.parametrize(
    ("cls", "is_numbered"), [(Files, False), (Counter, True), (Either, False), (Chat, False)]
)
def test_ids_are_numbers_where_no_text_is_taken(
    cls: type[WebSocketEndpoint[Any]], is_numbered: bool
) -> None:
    """A text will do wherever it may."""
    assert types_of(cls).is_numbered is is_numbered


class Kinded(WebSocketEndpoint):
    encoding = "json"
    correlation_id = "id"

    class One(BaseModel):
        kind: Literal[1] = 1
        id: int

    class Two(BaseModel):
        kind: Literal["two"] = "two"
        id: int

    class Untold(BaseModel):
        id: int

    @handles
    async def one(self, websocket: WebSocket, data: One) -> One | Two:
        return data

    @handles
    async def two(self, websocket: WebSocket, data: Two) -> Untold | Two:
        return data


@pytest.mark.parametrize(
    ("cls", "replies"),
    [
        # What nothing tells apart, as a reply, is left out, with all of that answer.
        (Kinded, {"1": [1, "two"]}),
        (Either, {"text": ["text"]}),
        (Half, {"ask": ["said"], "say": ["ask"]}),
        (Counter, {}),
        (Chat, {}),
        (Language, {}),
    ],
)
def test_replies_by_kind(
    cls: type[WebSocketEndpoint[Any]], replies: dict[str, list[object]]
) -> None:
    """They are those of the handler of that kind."""
    assert types_of(cls).replies() == replies


def test_answers_need_no_id() -> None:
    """The client has that of the question."""
    types = types_of(Assistant)
    assert types.without_id(describe(Assistant).answers) == "Approval"


def test_what_needs_anything() -> None:
    """A message with a required field does."""
    (run,), (count, *_) = describe(Assistant).operations[0].messages, describe(Counter).received
    assert types_of(Assistant).needs_anything(run)
    assert types_of(Counter).needs_anything(count)


def test_kinds_and_positions() -> None:
    """A message has the values of its tag, and maybe a position."""
    types = types_of(Chat)
    (message,) = describe(Chat).groups[0].messages
    assert message.type is Lobby.messages
    assert types.kinds(message) == ["said"]
    assert not types.has_position(message)
    (number,) = describe(Counter).received
    assert types_of(Counter).kinds(number) == []


class Positioned(WebSocketEndpoint):
    encoding = "json"

    class At(BaseModel):
        position: str | None = None

    async def on_receive(self, websocket: WebSocket, data: Leave) -> At:
        return self.At()


def test_position() -> None:
    """It is a field of that name."""
    (message,) = describe(Positioned).sent
    assert types_of(Positioned).has_position(message)
