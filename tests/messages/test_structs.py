"""Messages that are msgspec's Structs: all of what models have, by msgspec itself."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, PydanticSchemaGenerationError, TypeAdapter

from tests.packing import pack, unpack
from wsendpoints import (
    Codec,
    ConfigurationError,
    ErrorMessage,
    InvalidDataError,
    InvalidMessageError,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.messages import structs
from wsendpoints.messages.codecs import codec_of
from wsendpoints.messages.inbound import Inbound
from wsendpoints.messages.outbound import Outbound
from wsendpoints.messages.structs import (
    StructRecognizer,
    holds_struct,
    json_encoder,
    messagepack_encoder,
    set_field,
    struct_error,
    struct_tag,
    struct_to_builtins,
    to_builtins,
)
from wsendpoints.testing import connect

T = TypeVar("T")
MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


class Say(msgspec.Struct, tag="say", tag_field="kind", rename="camel"):
    """A message with all kinds of fields."""

    my_text: str
    at: datetime = MOMENT
    data: bytes = b"\xff"
    number: Annotated[int, msgspec.Meta(ge=5)] = 5
    inner: "dict[str, list[Say]]" = {}


class Stop(msgspec.Struct, tag="stop", tag_field="kind", forbid_unknown_fields=True):
    """A message that forbids what it does not know, and has a check of its own."""

    why: str = ""

    def __post_init__(self) -> None:
        """Check it."""
        if self.why == "late":
            raise ValueError("it is too late")
        if self.why:
            raise ValueError(f"no reason: {self.why}")


class Said(msgspec.Struct, tag="said", tag_field="kind"):
    """A reply."""

    text: str


class Page(msgspec.Struct, Generic[T], tag="page", tag_field="kind"):
    """A generic message."""

    items: list[T]


class Plain(msgspec.Struct):
    """A message without a tag."""

    x: int


class Model(BaseModel):
    """A model of pydantic's."""

    x: int = 1


class Own(Codec[str]):
    """JSON with bytes."""

    natives = (bytes,)

    def decode(self, frame: str) -> Any:
        """Read it."""
        return json.loads(frame, object_hook=self.revive)

    def encode(self, value: Any) -> str:
        """Write it."""
        return json.dumps(value, default=lambda data: {"latin-1": data.decode("latin-1")})

    @staticmethod
    def revive(value: dict[str, Any]) -> Any:
        """Return the bytes that stand for themselves."""
        return value["latin-1"].encode("latin-1") if "latin-1" in value else value


ENCODINGS: list[Any] = ["json", "msgpack", Own()]
every_encoding = pytest.mark.parametrize("encoding", ENCODINGS, ids=["json", "msgpack", "codec"])


def make(wanted: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint that uses Structs in each way."""

    class Chat(WebSocketEndpoint):
        encoding = wanted
        sends = ErrorMessage

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> Said:
            await self.push(Said(text="pushed"))
            return Said(text=data.my_text)

        @handles
        async def stop(self, websocket: WebSocket, data: Stop) -> AsyncIterator[Page[int]]:
            yield Page(items=[1])
            yield Page(items=[2])

    return Chat


@pytest.mark.anyio
@every_encoding
async def test_structs_are_messages(encoding: Any) -> None:
    """Handlers by type, replies, pushes, streams, and answers to what is invalid."""
    async with connect(make(encoding).as_asgi(), encoding=encoding) as client:
        await client.send(Say(my_text="hello"))
        assert await client.receive(Said) == Said(text="pushed")
        assert await client.receive(Said) == Said(text="hello")
        await client.send(Stop())
        assert await client.receive(Page[int]) == Page(items=[1])
        assert await client.receive(Page[int]) == Page(items=[2])
        await client.send({"kind": "say", "myText": 5})
        assert await client.receive(Any) == {
            "kind": "error",
            "code": "invalid_message",
            "errors": [
                {"loc": ["myText"], "type": "type_error", "msg": "Expected `str`, got `int`"}
            ],
        }
        await client.send(b"\xc1" if encoding == "msgpack" else "[")
        await client.expect_close(1007)


class Question(msgspec.Struct, tag="question"):
    """What the server asks."""

    id: str | None = None


class Answer(msgspec.Struct, Generic[T], tag="answer"):
    """What the client answers."""

    value: T
    id: str | None = None


class Task(msgspec.Struct, tag="task"):
    """What the client asks for, one at a time for each name."""

    name: str
    id: str | None = None


class Other(msgspec.Struct, tag="other"):
    """An answer that has no id."""

    x: int = 0


class Done(msgspec.Struct, tag="done"):
    """The answer to that."""

    value: int
    id: str | None = None


class Working(WebSocketEndpoint):
    """An endpoint in which Structs belong together."""

    encoding = "json"
    correlation_id = "id"
    sends = Question
    answers = Answer[int]

    @handles(concurrent=True, key="name")
    async def work(self, websocket: WebSocket, data: Task) -> Done:
        """Ask back."""
        answer = await self.ask(Question(), Answer[int], timeout=5)
        return Done(value=answer.value)


@pytest.mark.anyio
async def test_structs_belong_together() -> None:
    """By their field, in questions, replies and errors; and they have keys."""
    async with connect(Working.as_asgi()) as client:
        await client.send(Task(name="x", id="mine"))
        question = await client.receive(Question)
        await client.send(Answer(value=5, id=question.id))
        assert await client.receive(Done) == Done(value=5, id="mine")
        await client.send({"type": "task", "id": "bad"})
        assert (await client.receive(dict[str, Any]))["id"] == "bad"


@pytest.mark.parametrize(
    ("attributes", "key", "error"),
    [
        pytest.param(
            {"answers": Other}, "name", "answers has Other, which has no field 'id'", id="answer"
        ),
        pytest.param({}, "no", "key='no', but Task has no such field", id="key"),
    ],
)
def test_struct_without_the_field_is_an_error(
    attributes: dict[str, Any], key: str, error: str
) -> None:
    """As for models."""

    @handles(concurrent=True, key=key)
    async def work(self: Any, websocket: WebSocket, data: Task) -> None:
        """Nothing."""

    with pytest.raises(ConfigurationError, match=error):
        type(
            "Chat",
            (WebSocketEndpoint,),
            {"encoding": "json", "correlation_id": "id", "work": work, **attributes},
        )


def read(encoding: Any, annotation: Any, value: Any) -> Any:
    """Read a value as a message, or return what it is refused with."""
    codec = codec_of(encoding, "Chat: encoding")
    inbound = Inbound(annotation, codec, "Chat")
    event = codec.encoder_of(None)(value)
    frame = event.get("text", event.get("bytes"))
    try:
        return (inbound.decode_text if isinstance(frame, str) else inbound.decode_binary)(frame)
    except inbound.refused as exc:
        error = inbound.client_error(exc, frame)
        assert error.frame == frame
        return error


@every_encoding
@pytest.mark.parametrize(
    ("value", "loc", "kind", "text"),
    [
        pytest.param(
            {"kind": "say"}, ["myText"], "missing", "Field required", id="field that is missing"
        ),
        pytest.param({}, ["kind"], "missing", "Field required", id="tag that is missing"),
        pytest.param(
            {"kind": "secret"},
            ["kind"],
            "value_error",
            "The value is none of those expected",
            id="unknown tag",
        ),
        pytest.param(
            {"kind": "stop", "secret": 1},
            [],
            "extra_forbidden",
            "Extra inputs are not permitted",
            id="unknown field",
        ),
        pytest.param(
            {"kind": "say", "myText": "", "inner": {"secret": [{"kind": "say", "myText": 5}]}},
            ["inner", 0, "myText"],
            "type_error",
            "Expected `str`, got `int`",
            id="in a list in a dict",
        ),
        pytest.param(
            {"kind": "say", "myText": "", "number": 4},
            ["number"],
            "value_error",
            "Expected `int` >= 5",
            id="constraint",
        ),
        pytest.param(
            {"kind": "say", "myText": "", "at": "secret"},
            ["at"],
            "value_error",
            "Invalid RFC3339 encoded datetime",
            id="text of a moment",
        ),
        pytest.param(
            {"kind": "stop", "why": "late"}, [], "value_error", "it is too late", id="own text"
        ),
        pytest.param(
            {"kind": "stop", "why": "secret"},
            [],
            "value_error",
            "Input is not valid",
            id="own text with a part of the message",
        ),
        pytest.param(
            ["secret"], [], "type_error", "Expected `object`, got `array`", id="no object"
        ),
    ],
)
def test_client_is_told_what_is_wrong(
    encoding: Any, value: Any, loc: list[str | int], kind: str, text: str
) -> None:
    """In the format that models have, and without what it sent."""
    error = read(encoding, Say | Stop, value)
    assert isinstance(error, InvalidMessageError)
    assert error.errors == [{"loc": loc, "type": kind, "msg": text}]
    assert error.value == value
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("encoding", "frame"),
    [
        pytest.param("json", '["x"', id="cut behind what is wrong"),
        pytest.param("json", '{"kind": "say", "myText": NaN}', id="NaN"),
        pytest.param("json", '"\ud800"', id="surrogate"),
        pytest.param("json", b"\xff", id="no UTF-8"),
        pytest.param("json", '{"kind": "say", "x": ' + "[" * 5000 + "]" * 5000 + "}", id="deep"),
        pytest.param("msgpack", b"\x91\xc1", id="reserved byte"),
        pytest.param("msgpack", pack({"kind": "say", b"x": 1}), id="bytes as a key"),
        pytest.param("msgpack", b"\x82\xa4kind\xa3say\xa6myText\xa1\xff", id="no UTF-8 in a str"),
    ],
)
def test_frame_that_can_not_be_read_closes_with_1007(encoding: Any, frame: Any) -> None:
    """Also where msgspec found something else before."""
    inbound = Inbound(Say | Stop, codec_of(encoding, "Chat: encoding"), "Chat")
    decode = inbound.decode_text if isinstance(frame, str) else inbound.decode_binary
    with pytest.raises(inbound.refused) as caught:
        decode(frame)
    error = inbound.client_error(caught.value, frame)
    assert isinstance(error, InvalidDataError)
    assert (error.close_code, error.frame, error.value) == (1007, frame, None)


def test_value_that_msgspec_alone_refuses_closes_with_1007() -> None:
    """Such as what is nested deeper than it can follow."""
    error = struct_error(RecursionError(), {})
    assert isinstance(error, InvalidDataError)
    assert str(error) == "a value that can't be read"


def test_tag_of_another_type_is_told_of() -> None:
    """Msgspec says less of it, in JSON."""
    error = read("json", Say | Stop, {"kind": 5})
    assert error.errors == [{"loc": ["kind"], "type": "type_error", "msg": "Expected `str`"}]


def test_text_that_is_not_known_is_not_shown() -> None:
    """A later msgspec may quote what was sent."""
    error = struct_error(msgspec.ValidationError("Strange `secret` - at `$.x`"), {})
    assert isinstance(error, InvalidMessageError)
    assert error.errors == [{"loc": ["x"], "type": "value_error", "msg": "Input is not valid"}]


@pytest.mark.parametrize(
    ("annotation", "encoding", "error"),
    [
        pytest.param(
            Say | Model,
            "json",
            "Chat takes Say, a Struct of msgspec's, and Model, a model of pydantic's, but one of "
            "the two libraries reads all its messages: make them all Structs, or all models",
            id="mixed",
        ),
        pytest.param(
            Say | Plain,
            "json",
            "Chat: msgspec can't read its messages: If a type union contains multiple Struct "
            "types, all Struct types must be tagged",
            id="no tag",
        ),
        pytest.param(
            Say | Plain,
            Own(),
            "Chat: msgspec can't read its messages: If a type union contains multiple Struct "
            "types, all Struct types must be tagged",
            id="no tag, in a codec",
        ),
        pytest.param(
            list[Say],
            "text",
            "Chat: list[tests.messages.test_structs.Say] is read from JSON, but encoding is "
            "'text': set encoding = \"json\"",
            id="text",
        ),
    ],
)
def test_mistakes_are_errors_of_the_class(annotation: Any, encoding: Any, error: str) -> None:
    """They are found when it is made."""
    with pytest.raises(ConfigurationError) as caught:
        Inbound(annotation, codec_of(encoding, "Chat: encoding"), "Chat")
    assert str(caught.value).startswith(error)


@every_encoding
@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        pytest.param(Say, Say(my_text="x"), id="one"),
        pytest.param(Page[int] | Say, Page(items=[1]), id="generic"),
        pytest.param(list[Say], [Say(my_text="x")], id="list"),
        pytest.param(Say | list[Plain] | int, [Plain(1)], id="union"),
        pytest.param(dict[str, Say], {"x": Say(my_text="x")}, id="dict"),
    ],
)
def test_message_comes_back(encoding: Any, annotation: Any, message: Any) -> None:
    """As it was sent, whether it is declared or not."""
    codec = codec_of(encoding, "Chat: encoding")
    inbound = Inbound(annotation, codec, "Chat")
    for declared in ([annotation, None], []):
        event = Outbound(declared, codec, "Chat").encode(message)
        frame = event.get("text", event.get("bytes"))
        decode = inbound.decode_text if isinstance(frame, str) else inbound.decode_binary
        assert decode(frame) == message


@every_encoding
def test_bytes_and_moments_are_those_of_the_format(encoding: Any) -> None:
    """As with models."""
    event = Outbound([Say], codec_of(encoding, "Chat: encoding"), "Chat").encode(Say(my_text="x"))
    if encoding == "msgpack":
        value = unpack(event["bytes"])
        assert (value["data"], value["at"]) == (b"\xff", MOMENT)
    else:
        data = {"latin-1": "ÿ"} if isinstance(encoding, Own) else "/w=="
        value = json.loads(event["text"])
        assert (value["data"], value["at"]) == (data, "2020-01-01T00:00:00Z")


@pytest.mark.parametrize("encoding", ["text", None])
def test_struct_is_json_where_messages_are_frames(encoding: Any) -> None:
    """As a model is."""
    outbound = Outbound([Plain], codec_of(encoding, "Chat: encoding"), "Chat")
    assert outbound.encode(Plain(1))["text"] == '{"x":1}'


def test_other_messages_are_sent_beside_structs() -> None:
    """What a class sends may be mixed."""
    codec = codec_of("json", "Chat: encoding")
    outbound = Outbound([list[Plain] | Model | str, Said], codec, "Chat")
    assert outbound.encode(Model())["text"] == '{"x":1}'
    assert outbound.encode([Plain(1)])["text"] == '[{"x":1}]'
    assert outbound.encode("x")["text"] == '"x"'
    assert outbound.tag == "kind"
    for message in (Plain(1), Say(my_text="x"), [5], 5):
        with pytest.raises(ConfigurationError, match="declares list"):
            outbound.encode(message)


def test_type_that_msgspec_can_not_write_is_an_error() -> None:
    """It is found with the class."""
    with pytest.raises(
        ConfigurationError, match=r"Chat: list\[.*can't be written: If a type union"
    ):
        StructRecognizer(list[Say | Plain], "Chat")
    assert not StructRecognizer(list[Plain], "Chat").is_one([{"x": "y"}])


class Mixed(msgspec.Struct):
    """A Struct with what msgspec does not know."""

    model: Any


WRITERS: dict[str, Callable[[Any], Any]] = {
    "json": lambda value: json.loads(json_encoder()(value)),
    "msgpack": lambda value: unpack(messagepack_encoder()(value)),
    "values": lambda value: to_builtins(value, (bytes, UUID, Own)),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_model_in_a_struct_is_written_as_pydantic_does(writer: str) -> None:
    """What neither knows is a ValueError."""
    assert WRITERS[writer](Mixed(Model())) == {"model": {"x": 1}}
    with pytest.raises(ValueError, match="Unable to serialize unknown type"):
        WRITERS[writer](Mixed(object()))


def test_numbers_that_messagepack_has_not_are_value_errors() -> None:
    """As for other messages."""
    with pytest.raises(ValueError, match=r"2\*\*64"):
        messagepack_encoder()(Mixed(2**64))


def test_only_structs_are_pydantics_unknown_types() -> None:
    """For others its error stays what it is."""
    assert struct_to_builtins(Plain(1)) == {"x": 1}
    with pytest.raises(ValueError, match="Unable to serialize unknown type: <class 'object'>"):
        struct_to_builtins(object())


@dataclass
class Point:
    """A dataclass."""

    x: int


@pytest.mark.parametrize("annotation", [Model, Point, int, list[int], Any, "Say"], ids=repr)
def test_other_types_hold_no_struct(annotation: Any) -> None:
    """Pydantic reads them."""
    assert not holds_struct(annotation)


def test_tag_is_that_of_all_structs() -> None:
    """A single one without a tag has none."""
    assert struct_tag([Say, Page[int], None]) == "kind"
    assert struct_tag([Plain]) is None
    assert struct_tag([list[Say]]) is None


def test_msgspec_is_not_imported_without_structs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class without one needs no msgspec: a Struct is known by what its author imported."""
    monkeypatch.delitem(sys.modules, "msgspec")
    assert not holds_struct(Say)
    assert not structs.are_structs()
    with pytest.raises(PydanticSchemaGenerationError):
        TypeAdapter(Say)
    assert "msgspec" not in sys.modules


def test_field_of_a_frozen_struct_is_set() -> None:
    """Before anybody else has it."""

    class Frozen(msgspec.Struct, frozen=True):
        x: int

    struct = Frozen(1)
    set_field(struct, "x", 2)
    assert struct == Frozen(2)
