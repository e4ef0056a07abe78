"""The messages of a class, as a client has them."""

from typing import Any, ClassVar, Final, Literal

import msgspec
import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

from tests.client.endpoints import Add, Added, Chat, News, Said, Say
from tests.packing import pack, unpack
from wsendpoints import (
    Codec,
    ConfigurationError,
    ErrorMessage,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.client.speech import Received, Speech
from wsendpoints.contract import describe
from wsendpoints.groups import Group, History


def speech(cls: Any, subprotocol: str | None = None) -> Speech:
    """Return how a client of a class speaks."""
    return Speech(cls._check_servable().speaking(subprotocol), describe(cls))


def read(spoken: Speech, value: Any) -> Any:
    """Return the message that JSON is."""
    return spoken.read(to_json(value).decode()).message


SAY: Final = {"type": "say", "text": "a"}
SAID: Final = {"type": "said", "text": "a"}


# What a client sends.


def test_message_is_written_as_the_class_takes_it() -> None:
    """A model is JSON."""
    frame = speech(Chat).write(Say(text="hi"))
    assert from_json(frame) == {"type": "say", "text": "hi"}


def test_message_of_another_type_is_refused() -> None:
    """The text says what there is."""
    with pytest.raises(TypeError) as caught:
        speech(Chat).write(Said(text="hi"))
    assert str(caught.value) == "Chat takes no Said: send one of Say, Add, Stop, Confirmed"


def test_message_that_is_not_valid_is_refused() -> None:
    """It may have been changed, or made without being validated."""
    with pytest.raises(ValidationError, match="at most 100"):
        speech(Chat).write(Say.model_construct(text="x" * 101))


class Point(msgspec.Struct, tag="point"):
    """A Struct, of which msgspec validates nothing when it is made."""

    x: int


class Line(msgspec.Struct, tag="line"):
    """Another one."""

    points: list[Point]


class Structs(WebSocketEndpoint[Point | Line]):
    """Takes and sends Structs."""

    encoding = "json"

    @handles
    async def point(self, websocket: WebSocket, data: Point) -> Line:
        """Make a line of it."""
        return Line([data])


def test_structs_are_validated_as_well() -> None:
    """By msgspec, for the client as for the server."""
    spoken = speech(Structs)
    assert from_json(spoken.write(Point(1))) == {"type": "point", "x": 1}
    wrong: Any = "one"
    with pytest.raises(ValueError, match="Expected `int`, got `str`"):
        spoken.write(Point(wrong))
    assert read(spoken, {"type": "line", "points": [{"type": "point", "x": 1}]}) == Line([Point(1)])
    with pytest.raises(ValueError, match="Invalid value 'dot'"):
        read(spoken, {"type": "dot"})


class Frames(WebSocketEndpoint[str | list[int]]):
    """Takes and sends texts, and JSON in them."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> str | list[int]:
        """Return it."""
        return data


class Lists(WebSocketEndpoint):
    """Takes texts, and sends JSON in them."""

    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> list[int]:
        """Return their lengths."""
        return [len(data)]


class Bytes(WebSocketEndpoint[bytes]):
    """Takes and sends bytes."""

    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> bytes:
        """Return them."""
        return data


class Mixed(WebSocketEndpoint[Said | bytes]):
    """Takes and sends models, and bytes beside them."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> Said:
        """Tell it."""
        return Said(text=data.text)

    @handles
    async def upload(self, websocket: WebSocket, data: bytes) -> bytes:
        """Return them."""
        return data


class Files(WebSocketEndpoint[bytes]):
    """Takes models, and sends bytes."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> bytes:
        """Tell it."""
        return data.text.encode()


class Packed(Chat):
    """Speaks MessagePack."""

    encoding = "msgpack"


class Reversed(Codec[str]):
    """JSON from the end to the beginning."""

    errors = (ValueError,)

    def decode(self, frame: str) -> Any:
        """Read it."""
        return from_json(frame[::-1])

    def encode(self, value: Any) -> str:
        """Write it."""
        return to_json(value).decode()[::-1]


class Own(Chat):
    """Speaks a format of its own."""

    encoding = Reversed()


class Anything(WebSocketEndpoint):
    """Declares nothing."""

    encoding = "json"


@pytest.mark.parametrize(
    ("cls", "sent", "written", "frame", "message"),
    [
        (Frames, "hi", "hi", "hello", "hello"),
        (Frames, "1", "1", "[1, 2]", "[1, 2]"),
        (Lists, "1", "1", "[1, 2]", [1, 2]),
        (Bytes, b"hi", b"hi", b"hello", b"hello"),
        (Mixed, b"hi", b"hi", b"hello", b"hello"),
        (Mixed, Say(text="a"), to_json(SAY).decode(), to_json(SAID).decode(), Said(text="a")),
        (Files, Say(text="a"), to_json(SAY).decode(), b"a", b"a"),
        (Packed, Say(text="a"), pack(SAY), pack(SAID), Said(text="a")),
        (Own, Say(text="a"), Reversed().encode(SAY), Reversed().encode(SAID), Said(text="a")),
        (Anything, {"a": 1}, '{"a":1}', '{"b":[2]}', {"b": [2]}),
    ],
)
def test_encodings_are_those_of_the_class(
    cls: Any, sent: Any, written: str | bytes, frame: str | bytes, message: Any
) -> None:
    """What it takes is written so, and what it sends is read so."""
    spoken = speech(cls)
    assert spoken.write(sent) == written
    assert spoken.read(frame) == Received(message, None, {})


@pytest.mark.parametrize(
    ("cls", "frame"),
    [
        (Chat, '{"type": "say", "text": "what clients send"}'),
        (Chat, '{"type": "said"}'),
        (Chat, "[]"),
        (Chat, "no JSON"),
        (Packed, "a text"),
        (Packed, b"\xc1"),
        (Bytes, "a text"),
        (Files, to_json(SAID).decode()),
        (Frames, b"bytes"),
    ],
)
def test_frame_of_something_else_is_refused(cls: Any, frame: str | bytes) -> None:
    """It is no message of the class."""
    with pytest.raises(ValueError, match=r".+"):
        speech(cls).read(frame)


def test_subprotocol_has_an_encoding() -> None:
    """The class may speak each in another one."""

    class Both(Chat):
        subprotocols: ClassVar[Any] = {"packed": "msgpack", "plain": "json"}

    assert unpack(speech(Both, "packed").write(Say(text="a"))) == {"type": "say", "text": "a"}
    assert isinstance(speech(Both, "plain").write(Say(text="a")), str)


# Ids.


def test_message_gets_an_id() -> None:
    """A copy has it; one that has one keeps it."""
    message = Add(number=1)
    spoken = speech(Chat)
    filled, id_ = spoken.with_id(message)
    assert (filled, message.id) == (Add(number=1, id=str(id_)), None)
    assert len(str(id_)) == 32
    own = Add(number=1, id="mine")
    assert spoken.with_id(own) == (own, "mine")


def test_message_may_have_a_number_for_an_id() -> None:
    """Where the field takes no text."""

    class Numbered(BaseModel):
        id: int | None = None

    class Numbers(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "id"

        async def on_receive(self, websocket: WebSocket, data: Numbered) -> Numbered:
            return data

    spoken = speech(Numbers)
    assert [spoken.with_id(Numbered())[1] for _ in range(2)] == [1, 2]


NO_IDS: Final = "a Say has no field for an id, and Mixed declares no `correlation_id`"


@pytest.mark.parametrize(
    ("cls", "message", "text"),
    [
        (Chat, Say(text=""), "a Say has no field for an id, 'id'"),
        (
            Mixed,
            Say(text=""),
            "a Say has no field for an id, and Mixed declares no `correlation_id`",
        ),
    ],
)
def test_message_without_a_field_for_an_id_is_refused(cls: Any, message: Any, text: str) -> None:
    """Nothing could tell its reply from others."""
    with pytest.raises(TypeError) as caught:
        speech(cls).with_id(message)
    assert str(caught.value) == text


def test_answer_gets_the_id_of_its_question() -> None:
    """In a class without ids there is nothing to tell."""
    assert speech(Chat).answering(Add(number=1), "7") == Add(number=1, id="7")
    assert speech(Mixed).answering(Say(text=""), "7") == Say(text="")


def test_id_of_a_message_is_read() -> None:
    """As it was written."""
    received = speech(Chat).read('{"type": "added", "sum": 1, "id": "7"}')
    assert received == Received(Added(sum=1, id="7"), "7", {})


# Errors.


def test_error_message_is_read() -> None:
    """Whatever field the class has for the code."""
    spoken = speech(Chat)
    assert read(
        spoken, {"type": "error", "code": "a", "message": "b", "details": 1}
    ) == ErrorMessage(code="a", message="b", details=1)

    class Coded(BaseModel):
        code: Literal["hi"] = "hi"

    class Codes(WebSocketEndpoint[Coded]):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Coded) -> Coded:
            return data

    assert read(speech(Codes), {"code": "error", "code_": "x"}) == ErrorMessage(code="x")


@pytest.mark.parametrize("value", [{"type": "error"}, {"type": "error", "code": ["no code"]}])
def test_what_is_no_error_message_is_refused(value: Any) -> None:
    """Its tag alone does not make it one."""
    with pytest.raises(ValueError, match="error"):
        read(speech(Chat), value)


def test_class_may_have_an_error_message_of_its_own() -> None:
    """Then it is read as that."""

    class Failed(ErrorMessage):
        hint: str = ""

    class Failing(WebSocketEndpoint[Said | Failed]):
        encoding = "json"

    assert read(speech(Failing), {"type": "error", "code": "a", "hint": "b"}) == Failed(
        code="a", hint="b"
    )


# Positions.


class Quiet(Group[Added]):
    """A group without a history."""

    name = "quiet"


class Prices(Group[list[int] | Added]):
    """One with a history, of lists too."""

    name = "prices"
    history = History(messages=1, seconds=1)


def test_positions_are_those_of_groups_with_a_history() -> None:
    """A message may be one of several groups, and a list is of none."""

    class Several(Chat):
        groups = (News, Quiet, Prices)

    spoken = speech(Several)
    said = spoken.read('{"type": "said", "text": "", "position": "n-1"}')
    assert said.positions == {"News": "n-1"}
    added = spoken.read('{"type": "added", "sum": 1, "position": "n-1"}')
    assert added.positions == {"Prices": "n-1"}
    assert spoken.read('{"type": "said", "text": "", "position": null}').positions == {}
    assert spoken.read("[1]").positions == {}


class Price(TypedDict):
    """A message that is no instance of its class."""

    type: Literal["price"]
    id: str
    position: str | None


class Dicts(Group[Price]):
    """One with a history, of dicts."""

    name = "dicts"
    history = History(messages=1, seconds=1)


class Shop(WebSocketEndpoint):
    """Answers with dicts, and with lists."""

    encoding = "json"
    correlation_id = "id"
    groups = (Dicts,)

    @handles
    async def price(self, websocket: WebSocket, data: Price) -> Price:
        return data

    @handles
    async def add(self, websocket: WebSocket, data: Add) -> list[int] | Added:
        return [data.number]


def test_typed_dict_is_a_dict() -> None:
    """Nothing can be an instance of it."""
    spoken = speech(Shop)
    price = Price(type="price", id="1", position="n-1")
    assert spoken.read(to_json(price)).positions == {"Dicts": "n-1"}
    # Those to another one, which is a dict too, may be of other types.
    assert spoken.replies_to(price) is None
    assert spoken.is_reply(price)


def test_replies_are_those_of_the_handler() -> None:
    """Where one is no class, any message may be a reply; where there are none, too."""
    assert speech(Chat).replies_to(Add(number=1)) == (Added,)
    assert speech(Chat).is_reply(Added(sum=1))
    assert not speech(Chat).is_reply(Said(text=""))
    assert speech(Chat).replies_to(Say(text="")) is None
    assert speech(Shop).replies_to(Add(number=1)) is None


# Mistakes.


def test_messages_of_both_libraries_can_not_be_read() -> None:
    """One of them reads them all."""

    class Both(WebSocketEndpoint):
        encoding = "json"
        sends: ClassVar[Any] = Said | Point

    with pytest.raises(ConfigurationError, match="a Struct of msgspec's"):
        speech(Both)


# What a client may ask for.


def test_classes_that_are_sent() -> None:
    """A message's, a base class of one, and an error's; of what is not declared, any."""
    for kind in (Said, Added, BaseModel, object, ErrorMessage):
        speech(Chat).check_sent(kind)

    class Open(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say) -> Any:
            """Answer with anything."""

    speech(Open).check_sent(Said)


@pytest.mark.parametrize(
    "kind", [Say, Literal["a"], Said | Added], ids=["class", "literal", "union"]
)
def test_classes_that_are_not_sent(kind: Any) -> None:
    """The text says what there is."""
    sent = "use the class of one of Added, Said, Confirm"
    with pytest.raises(TypeError, match=rf"^Chat sends no .*: {sent}$"):
        speech(Chat).check_sent(kind)
