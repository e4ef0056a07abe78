"""The dialect of a class: frames become exchanges, and answers frames."""

from collections.abc import Sequence
from typing import Any

import pytest

from wsendpoints import (
    ConfigurationError,
    Dialect,
    ErrorReply,
    JsonRpc,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.dialects import (
    Call,
    Id,
    InvalidRecordError,
    Notification,
    Record,
)
from wsendpoints.messages.codec import Encoding
from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.envelope import Envelope
from wsendpoints.messages.exchange import Called
from wsendpoints.protocol.exceptions import (
    ErrorDetails,
    InvalidDataError,
    InvalidMessageError,
    MessageTooBigError,
)


class Lines(Dialect):
    """Lines of text: `id method`."""

    def records(self, value: Any) -> Sequence[Any]:
        return str(value).split("\n")

    def read(self, record: Any) -> Record:
        id_, _, method = record.partition(" ")
        if not method:
            raise InvalidRecordError("no method", id_)
        return Call(method, None, id_) if id_ else Notification(method)

    def write_call(self, method: str, params: Any, id: Id) -> Any:
        return f"{method} {params}" if id is None else [id]

    def write_reply(self, id: Id, result: Any) -> Any:
        return f"{id} {result}"

    def write_error(self, id: Id, error: ErrorReply) -> Any:
        return f"{id} {error.code}"

    def write_item(self, id: Id, item: Any) -> Any:
        return f"{id} {item}" if item else None

    def write_end(self, id: Id) -> Any:
        return f"{id} end"


def envelope(dialect: Dialect | None = None, encoding: Encoding = "json") -> Envelope:
    """Return the dialect of a class without methods."""
    return Envelope(dialect or JsonRpc(), CODECS[encoding], {}, "Chat")


def test_frame_becomes_an_exchange() -> None:
    """It has what each record says, or why it is none, and the frame."""
    frame = "1 say\n say\n2"
    exchange = envelope(Lines(), "text").decode_text(frame)
    call, notification, error = exchange.records
    assert (call, notification) == (Call("say", None, "1"), Notification("say"))
    assert isinstance(error, InvalidRecordError)
    assert (error.id, error.frame, error.__traceback__) == ("2", frame, None)
    assert (exchange.is_batch, exchange.frame) == (False, frame)


@pytest.mark.parametrize("frame", ["[]", b"[]"])
def test_frame_without_records(frame: Any) -> None:
    """What is wrong with a frame as a whole stands for its only record."""
    it = envelope()
    exchange = (it.decode_text if isinstance(frame, str) else it.decode_binary)(frame)
    (error,) = exchange.records
    assert isinstance(error, InvalidRecordError)
    assert (error.detail, error.frame) == ("a batch has at least one member", frame)


def test_frame_that_is_none_of_the_encoding() -> None:
    """It has no records at all."""
    with pytest.raises(InvalidDataError):
        envelope().decode_text("{")


def test_who_is_answered() -> None:
    """Calls are, and what is no record; notifications are not. A batch is answered as a whole."""
    exchange = envelope(Lines(), "text").decode_text("1 say\n say\n2")
    called = envelope().called(exchange)
    assert [(it.id, it.is_answered) for it in called] == [("1", False), (None, True), ("2", False)]
    assert called[0].answer("x") == "x"
    batch = envelope().decode_text('[1, {"jsonrpc": "2.0", "method": "m", "id": 5}]')
    first, second = envelope().called(batch)
    assert second.answer("b") is None
    assert first.answer("a") == ["a", "b"]


DETAILS = ErrorDetails(loc=["x"], type="missing", msg="Field required")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidRecordError("odd", 1, "strange"), ("strange", "odd", None)),
        (InvalidDataError("not valid JSON"), ("parse_error", "not valid JSON", None)),
        (
            InvalidMessageError([DETAILS]),
            (
                "invalid_params",
                "the method does not take these params",
                {"errors": [DETAILS]},
            ),
        ),
        (
            InvalidMessageError([DETAILS], 3),
            (
                "invalid_params",
                "the method does not take these params",
                {"errors": [DETAILS], "more": 3},
            ),
        ),
    ],
    ids=lambda it: type(it).__name__,
)
def test_mistakes_have_an_answer(error: Any, told: Any) -> None:
    """What a client did wrong has a code that the dialect knows."""
    reply = envelope().refusal(error)
    assert reply is not None
    assert (reply.code, reply.message, reply.details) == told


def test_limits_have_none() -> None:
    """They close the connection."""
    assert envelope().refusal(MessageTooBigError("too big")) is None


def test_results_of_calls_to_the_client() -> None:
    """They are validated as messages are, by a validator that is made once for each type."""
    it = envelope()
    for _ in range(2):
        assert it.result(list[int], ["1", 2]) == [1, 2]
        assert it.result(dict[str, int], {"a": 1}) == {"a": 1}
    with pytest.raises(InvalidMessageError):
        it.result(list[int], ["x"])


def test_frames_of_a_text_encoding() -> None:
    """What the dialect writes is the frame."""
    it = envelope(Lines(), "text")
    assert it.event("1 ok") == {"type": "websocket.send", "text": "1 ok"}
    assert it.notification_event(Notification("m", 5))["text"] == "m 5"
    with pytest.raises(ConfigurationError) as caught:
        it.event([1])
    assert str(caught.value) == (
        "Chat: Lines wrote a list, but a frame of the encoding 'text' is a str or bytes: return "
        'that, or set encoding = "json"'
    )


def test_items_and_results_of_a_call() -> None:
    """An item is no answer yet; the end is one, and after an answer comes nothing."""
    it, called = envelope(Lines(), "text"), Called("1")
    assert it.item_event(called, 5) == {"type": "websocket.send", "text": "1 5"}
    assert it.item_event(called, 0) is None
    assert it.answer(called, None) == "1 end"
    assert it.item_event(called, 5) is None
    assert it.answer(called, None) is None
    assert it.answer(Called("2"), 7) == "2 7"


def make(**attributes: Any) -> type:
    """Make a class with a dialect."""
    return type("Chat", (WebSocketEndpoint,), {"encoding": "json", **attributes})


def test_class_with_a_dialect() -> None:
    """Its frames are exchanges, and it sends notifications; its methods are those it marks."""
    cls: Any = make(dialect=JsonRpc(), say=say)
    declaration = cls._declaration
    (call,) = declaration.inbound.decode_text('{"jsonrpc":"2.0","method":"say","id":1}').records
    assert call == Call("say", None, 1)
    assert declaration.encode(Notification("m"))["text"] == '{"jsonrpc":"2.0","method":"m"}'
    assert [*declaration.envelope.procedures] == ["say"]
    with pytest.raises(ConfigurationError, match=r"^Chat sends a message of type dict, but"):
        declaration.encode({})


async def receive(self: Any, websocket: WebSocket, data: Any) -> None:
    """Is `on_receive`."""


@handles("say")
async def say(self: Any, websocket: WebSocket, text: str) -> None:
    """Is a handler."""


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        pytest.param(
            {"dialect": JsonRpc},
            f"Chat.dialect is {JsonRpc!r}: use an instance of a `Dialect`, such as `JsonRpc()`",
            id="class",
        ),
        pytest.param(
            {"dialect": JsonRpc(), "on_receive": receive},
            "Chat has both `dialect` and on_receive: write a method for each that clients call, "
            'marked with `@handles("its name")`',
            id="on_receive",
        ),
        pytest.param(
            {"dialect": JsonRpc(), "correlation_id": "id"},
            "Chat has both `dialect` and correlation_id: remove the latter, for the dialect knows "
            "which answer belongs to which call",
            id="correlation_id",
        ),
        pytest.param(
            {"dialect": JsonRpc(), "answers": Notification},
            "Chat has both `dialect` and answers: remove the latter, for `ask` is given the type "
            "of its answer",
            id="answers",
        ),
        pytest.param(
            {"dialect": JsonRpc(), "sends": Notification},
            "Chat has both `dialect` and sends: remove the latter, for what it sends besides "
            "answers is a `Notification`",
            id="sends",
        ),
        pytest.param(
            {"say": say},
            "Chat.say is marked with @handles('say'), which is how a dialect calls it, but the "
            "class has none: set `dialect`, as in `dialect = JsonRpc()`, or leave the name out, "
            "for the type of the message tells its handler",
            id="no dialect",
        ),
    ],
)
def test_mistakes_in_a_class_with_a_dialect(attributes: Any, text: str) -> None:
    """What contradicts a dialect is refused when the class is made."""
    with pytest.raises(ConfigurationError) as caught:
        make(**attributes)
    assert str(caught.value) == text
