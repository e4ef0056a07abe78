"""What an endpoint class declares, as it is read from the class."""

from typing import Annotated, Any, Generic, NoReturn, TypeVar
from unittest.mock import AsyncMock, patch
from uuid import UUID

import msgspec
import pytest
from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag

from tests.contract.endpoints import (
    Approval,
    Approve,
    Assistant,
    Calculator,
    Chat,
    Loud,
    Quiet,
    Where,
)
from tests.some_messages import Leave, Plain, Said, Say
from wsendpoints import (
    Codec,
    ConfigurationError,
    Cookie,
    Credential,
    Header,
    Limits,
    MsgspecJSON,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.contract.describing import describe
from wsendpoints.contract.description import (
    Description,
    ErrorMessages,
    GroupMessages,
    Message,
    Operation,
    Parameter,
    Speech,
)

T = TypeVar("T", bound=BaseModel)

NAMES = {
    "code": "code",
    "details": "details",
    "errors": "errors",
    "message": "message",
    "more": "more",
}


def test_parameters_of_headers_and_cookies() -> None:
    """They have the names of these, whatever the path has."""

    class Params(BaseModel):
        room: Annotated[str, Header("X-Room")]
        tags: Annotated[list[str], Header("X-Tag")] = Field(default=[], alias="tag")
        theme: Annotated[str, Cookie()] = "light"

    class Room(WebSocketEndpoint):
        params: Params

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            """Take a text."""

    assert describe(Room, "/{room}").parameters == (
        Parameter("room", "path", is_required=True, is_multiple=False),
        Parameter("X-Room", "header", is_required=True, is_multiple=False, others=("room",)),
        Parameter("X-Tag", "header", is_required=False, is_multiple=True, others=("tag",)),
        Parameter("theme", "cookie", is_required=False, is_multiple=False, others=("theme",)),
    )


def test_class_is_described() -> None:
    """All that a class declares is in its description."""
    found = describe(Chat, "/rooms/{room:str}")
    assert (found.name, found.summary, found.description) == ("Chat", "Talks.", "With others.")
    assert found.path == "/rooms/{room}"
    assert found.subprotocols == ("chat.v2", "chat.v1")
    assert found.is_subprotocol_required
    assert found.speeches == (
        Speech("chat.v2", "msgpack", "application/msgpack", "binary", has_values=True),
        Speech("chat.v1", "json", "application/json", "any", has_values=True),
    )
    assert found.params is Where
    assert found.parameters == (
        Parameter("room", "path", is_required=True, is_multiple=False),
        Parameter("since", "query", is_required=False, is_multiple=False),
        Parameter("tag", "query", is_required=False, is_multiple=True, others=("label",)),
    )
    assert found.security == (Credential("bearer"), Credential("cookie", "session"))
    said = Message(Said, "Said", "Said", "What it is answered with.")
    leave = Message(Leave, "Leave", "Leave", "Another one.")
    assert found.operations == (
        Operation(
            name="talk",
            method=None,
            messages=(Message(Say, "Say", "Say", "A message."), leave),
            replies=(said, leave),
            is_silent=True,
            is_stream=False,
            is_concurrent=False,
            overlap=None,
            summary="Say it.",
            description="To all.",
        ),
        Operation(
            "_hidden",
            None,
            (Message(bytes, "Binary", "Binary"),),
            (),
            True,
            False,
            False,
            None,
            "",
            "",
        ),
    )
    assert found.pushes == (said,)
    assert found.groups == (
        GroupMessages("Lobby", "lobby:{}", (said,), True, "Who waits.", "They come and go."),
    )
    assert found.questions == found.answers == ()
    assert not found.is_open
    assert (found.tag, found.correlation_id, found.dialect) == ("type", None, None)
    assert found.errors == ErrorMessages(
        {"invalid_message": "The message is none of those that are taken."}, True, "type", NAMES
    )
    assert found.limits is Chat.limits
    assert [it.code for it in found.closings] == [1003, 1007, 1008, 1009, 1011, 1012, 1013, 4401]
    assert [*found.refusals] == [400, 403, 422, 503]


def test_what_is_given_is_described() -> None:
    """Where a class is mounted, it may be given other limits, subprotocols and credentials."""
    given = {
        "limits": Limits(max_message_size=500),
        "subprotocols": ["chat.v1"],
        "require_subprotocol": False,
        "security": (),
        "other": 5,
    }
    found = describe(Chat, given=given)
    assert found.limits is given["limits"]
    assert found.subprotocols == ("chat.v1",)
    assert not found.is_subprotocol_required
    assert [it.subprotocol for it in found.speeches] == [None, "chat.v1"]
    assert found.security == ()
    assert [*found.refusals] == [403, 422, 503]
    assert 4401 not in [it.code for it in found.closings]


def test_questions_and_streams_are_described() -> None:
    """What belongs together by an id is told, and which errors may come."""
    found = describe(Assistant)
    (run,) = found.operations
    assert [it.name for it in run.replies] == ["Token", "Done"]
    assert (run.is_stream, run.is_silent, run.is_concurrent, run.overlap) == (
        True,
        True,
        True,
        "refuse",
    )
    assert [it.type for it in found.questions] == [Approve]
    assert [it.type for it in found.answers] == [Approval]
    assert found.correlation_id == "id"
    assert found.errors is not None
    assert not found.errors.is_open
    assert [*found.errors.codes] == ["invalid_message", "busy", "refused"]
    assert found.subprotocols == ()
    assert [it.subprotocol for it in found.speeches] == [None]


def test_calls_are_described() -> None:
    """With a dialect, an operation is the call of a method."""
    found = describe(Calculator)
    add, say, fail = found.operations
    assert (add.name, add.method, add.summary) == ("add", "add", "Add two numbers.")
    assert [it.name for it in add.messages] == ["add_params"]
    assert [it.name for it in add.replies] == ["Integer", "Null"]
    assert not add.is_silent
    assert [it.type for it in say.messages] == [Say]
    assert [it.name for it in say.replies] == ["Null"]
    assert (fail.name, fail.method, fail.replies) == ("fail", "fail", ())
    assert found.dialect is Calculator.dialect
    assert found.is_open
    assert found.errors is not None
    assert found.errors.codes[-32001] == "Divided by zero."
    assert "method_not_found" in found.errors.codes
    # They are answered, all of them.
    assert 1007 not in [it.code for it in found.closings]


def test_class_that_says_nothing_is_open() -> None:
    """A class may send anything that does not say what it sends."""
    found = describe(Quiet)
    assert not found.operations
    assert not found.pushes
    assert found.is_open
    assert found.errors is None
    assert [it.name for it in found.groups[0].messages] == ["Anything"]
    assert found.speeches == (
        Speech(None, "frames", "application/octet-stream", "any", has_values=False),
    )
    assert [*found.refusals] == [403, 503]


def test_handler_that_says_nothing_may_answer_with_anything() -> None:
    """Without a return annotation a reply may be anything, or missing."""
    (receive,) = describe(Loud).operations
    assert [it.name for it in receive.messages] == ["Text"]
    assert [it.name for it in receive.replies] == ["Anything"]
    assert receive.is_silent
    assert [it.code for it in describe(Loud).closings][:2] == [1003, 1008]


def test_union_with_a_discriminator_is_its_members() -> None:
    """What tells messages apart is no part of them, and what changes them is."""
    tagged = Annotated[
        Annotated[Say, Tag("say")] | Annotated[Said, Tag("said")], Discriminator(lambda _: "say")
    ]
    checked = Annotated[Say | Leave, AfterValidator(lambda value: value)]
    constrained = Annotated[int | str, Field(gt=1)]

    class Picky(WebSocketEndpoint):
        encoding = "json"
        sends = (tagged, checked, constrained, Annotated[Say | Said, Field(discriminator="type")])

    assert [it.name for it in describe(Picky).pushes] == [
        "Say",
        "Said",
        "Say_Leave",
        "Integer_Text",
    ]


def test_null_is_a_message_that_is_taken() -> None:
    """A client may send `null`, and a reply of `None` is none."""

    class Nullable(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say | None) -> Said | None: ...

    (receive,) = describe(Nullable).operations
    assert [it.name for it in receive.messages] == ["Say", "Null"]
    assert [it.name for it in receive.replies] == ["Said"]


def test_what_is_never_sent_is_no_reply() -> None:
    """A handler that always raises has none."""

    class Raises(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Say) -> NoReturn:
            raise ValueError

    (receive,) = describe(Raises).operations
    assert receive.replies == ()
    assert not receive.is_silent


class Cbor(Codec[bytes]):
    def decode(self, frame: bytes) -> Any:
        return frame

    def encode(self, value: Any) -> bytes:
        return bytes(value)


class Odd(Codec[str]):
    name = "an odd one"

    def decode(self, frame: str) -> Any:
        return frame

    def encode(self, value: Any) -> str:
        return f"{value}"


@pytest.mark.parametrize(
    ("encoding", "speech"),
    [
        ("json", ("json", "application/json", "any", True)),
        (MsgspecJSON(), ("json", "application/json", "any", True)),
        ("msgpack", ("msgpack", "application/msgpack", "binary", True)),
        ("text", ("text", "text/plain", "text", False)),
        ("bytes", ("bytes", "application/octet-stream", "binary", False)),
        (None, ("frames", "application/octet-stream", "any", False)),
        (Cbor(), ("Cbor", "application/cbor", "binary", True)),
        (Odd(), ("an odd one", "application/octet-stream", "text", True)),
    ],
)
def test_encoding_is_described(encoding: Any, speech: Any) -> None:
    """Each encoding has a name, a media type and its frames."""
    cls: Any = type("Speaking", (WebSocketEndpoint,), {"encoding": encoding})
    (found,) = describe(cls).speeches
    assert found == Speech(None, *speech)


def test_abstract_class_is_refused() -> None:
    """A class that can't be served has no description."""

    class Open(WebSocketEndpoint, Generic[T]):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: T) -> None: ...

    with pytest.raises(ConfigurationError, match="leaves the type variable T open"):
        describe(Open)
    with pytest.raises(ConfigurationError, match="WebSocketEndpoint is abstract"):
        describe(WebSocketEndpoint)


def message(found: Description, name: str) -> Message:
    """Return a message that a class takes, by its name."""
    return next(it for it in found.received if it.name == name)


def test_class_takes_its_messages() -> None:
    """The class's own decoder decides, whatever the encoding of its messages."""
    found = describe(Chat)
    say = message(found, "Say")
    assert found.takes(say, {"type": "say", "text": "hi"})
    assert not found.takes(say, {"type": "say", "text": 5})
    assert not found.takes(say, {"type": "leave"})
    assert not found.takes(say, object())
    loud = describe(Loud)
    assert loud.takes(message(loud, "Text"), "short")
    assert not loud.takes(message(loud, "Text"), "too long")
    assert not loud.takes(message(loud, "Text"), b"bytes")


def test_class_takes_what_is_routed() -> None:
    """Where the class of a message does not tell its handler, it is looked at all the same."""

    class Routes(WebSocketEndpoint):
        encoding = "msgpack"

        @handles
        async def numbers(self, websocket: WebSocket, data: list[int]) -> None: ...

        @handles
        async def texts(self, websocket: WebSocket, data: list[UUID]) -> None: ...

    found = describe(Routes)
    assert found.takes(found.received[0], [1])
    assert not found.takes(found.received[0], ["x"])


def test_class_takes_what_nothing_tells_apart() -> None:
    """An example that another type takes is none of its own."""

    class Other(BaseModel):
        text: str

    with pytest.warns(match="nothing tells Plain, Other apart"):

        class Vague(WebSocketEndpoint):
            encoding = "json"

            async def on_receive(self, websocket: WebSocket, data: Plain | Other) -> None: ...

    found = describe(Vague)
    assert found.takes(message(found, "Plain"), {"text": ""})
    assert not found.takes(message(found, "Other"), {"text": ""})


def test_method_takes_its_params() -> None:
    """With a dialect, it is the params that are taken."""
    found = describe(Calculator)
    assert found.takes(message(found, "add_params"), {"left": 1})
    assert found.takes(message(found, "add_params"), [1, 2])
    assert not found.takes(message(found, "add_params"), {"right": 1})
    assert found.takes(message(found, "Say"), {"text": "hi"})
    assert not found.takes(message(describe(Assistant), "Run"), {})


class Ping(msgspec.Struct, tag="ping"):
    """A struct."""

    number: int


def test_structs_are_described() -> None:
    """A Struct of msgspec's is a message as any other."""

    class Structs(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Ping) -> Ping:
            return data

    found = describe(Structs)
    assert found.received == [Message(Ping, "Ping", "Ping", "A struct.")]
    assert found.tag == "type"
    assert found.takes(found.received[0], {"type": "ping", "number": 1})
    assert not found.takes(found.received[0], {"type": "ping"})


def test_handler_that_a_mock_replaces_keeps_its_types() -> None:
    """A mock says nothing of what it takes and sends."""
    before = describe(Assistant).operations[0]
    with patch.object(Assistant, "run", AsyncMock()):
        (run,) = describe(Assistant).operations
    assert (run.messages, run.replies, run.is_stream) == (before.messages, before.replies, True)


def test_call_that_a_mock_replaces_keeps_its_types() -> None:
    """So does one with a dialect."""
    before = describe(Calculator).operations[0]
    with patch.object(Calculator, "add", AsyncMock()):
        add = describe(Calculator).operations[0]
    assert (add.messages, add.replies, add.is_stream) == (before.messages, before.replies, False)


def test_parameters_of_a_path() -> None:
    """What they take is told by the path."""
    found = describe(Quiet, "/{one}/{two:str}/{three:int}/{four:path}")
    assert found.path == "/{one}/{two}/{three}/{four}"
    assert [(it.is_integer, it.is_rest) for it in found.parameters] == [
        (False, False),
        (False, False),
        (True, False),
        (False, True),
    ]
