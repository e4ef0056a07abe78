"""What a class declares of conversations: ids, questions, answers, errors, concurrent handlers."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tests.some_messages import Leave, Said, Say
from wsendpoints import (
    ClientMessageError,
    ConfigurationError,
    ErrorReply,
    InvalidMessageError,
    RateLimitedError,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.exceptions import about
from wsendpoints.testing import connect

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Ask(BaseModel):
    """A message with an id."""

    type: Literal["ask"] = "ask"
    id: str | int | None = None
    room: Any = None


class Asked(BaseModel):
    """What it is answered with."""

    type: Literal["asked"] = "asked"
    id: str | int | None = None


class Sure(BaseModel):
    """A question."""

    type: Literal["sure?"] = "sure?"
    id: str | None = None


class Yes(BaseModel):
    """An answer."""

    type: Literal["yes"] = "yes"
    id: str | None = None


class No(BaseModel):
    """Another one."""

    type: Literal["no"] = "no"
    id: str | None = None


class Value(BaseModel, Generic[T]):
    """A generic answer."""

    type: Literal["value"] = "value"
    id: str | None = None
    value: T


class Left(TypedDict):
    """An answer that is a dict."""

    type: Literal["left"]
    id: str


class Right(TypedDict):
    """Another one."""

    type: Literal["right"]
    id: str


class Go(TypedDict):
    """A dict that is no answer."""

    type: Literal["go"]
    id: str


async def receive(self: Any, websocket: WebSocket, data: Ask) -> Asked:
    """Handle a message."""
    return Asked()


@handles
async def question(self: Any, websocket: WebSocket, data: Ask) -> Asked:
    """Handle a message as one of several."""
    return Asked()


async def receive_anything(self: Any, websocket: WebSocket, data: Any) -> None:
    """Handle any message."""


async def receive_unknown(self: Any, *args: Any) -> None:
    """Handle any message."""


TAKING_ANYTHING: list[Any] = [receive_anything, receive_unknown]


@handles
async def go(self: Any, websocket: WebSocket, data: Go) -> None:
    """Handle a dict."""


def declared(**attributes: Any) -> Declaration:
    """Return what a class with these attributes declares."""
    cls: Any = type("Chat", (WebSocketEndpoint,), {"encoding": "json", **attributes})
    declaration: Declaration = cls._declaration
    return declaration


def marked(**options: Any) -> Callable[[F], F]:
    """Return the decorator with these options; without brackets, if there are none."""
    decorator: Any = handles
    mark: Callable[[F], F] = decorator(**options) if options else decorator
    return mark


def error_of(**attributes: Any) -> str:
    """Return the error of a class with these attributes."""
    with pytest.raises(ConfigurationError) as caught:
        declared(**attributes)
    return str(caught.value)


# Answers.

BY_FIELD = Annotated[Yes | No, Field(discriminator="type")]


def not_an_answer(declaration: Declaration, frame: str | bytes) -> bool:
    """Whether a frame holds another message, or an invalid one."""
    try:
        return declaration.answer_in(frame) is None
    except ClientMessageError:
        return True


@pytest.mark.parametrize(
    ("answers", "frames"),
    [
        pytest.param(Yes, ['{"type": "yes", "id": "s1"}'], id="model"),
        pytest.param(
            Yes | No, ['{"type": "yes", "id": "s1"}', '{"type": "no", "id": "s1"}'], id="union"
        ),
        pytest.param(BY_FIELD, ['{"type": "no", "id": "s1"}'], id="discriminator"),
        pytest.param([Yes, No], ['{"type": "no", "id": "s1"}'], id="list"),
        pytest.param(Left, ['{"type": "left", "id": "s1"}'], id="TypedDict"),
        pytest.param(
            Left | Right,
            ['{"type": "left", "id": "s1"}', '{"type": "right", "id": "s1"}'],
            id="TypedDicts",
        ),
        pytest.param(Value[int] | Yes, ['{"type": "value", "id": "s1", "value": 5}'], id="generic"),
    ],
)
@pytest.mark.parametrize(
    "handler",
    [
        pytest.param({"on_receive": receive}, id="on_receive"),
        pytest.param({"question": question}, id="handles"),
        pytest.param({"question": question, "go": go}, id="handles a dict too"),
        pytest.param({}, id="no handler"),
    ],
)
def test_answers_are_told_from_other_messages(
    answers: Any, frames: list[str], handler: dict[str, Any]
) -> None:
    """In text and in bytes; what else a client sends is none."""
    declaration = declared(answers=answers, correlation_id="id", **handler)
    for frame in frames:
        for sent in (frame, frame.encode()):
            answer = declaration.answer_in(sent)
            assert declaration.correlation is not None
            assert declaration.correlation.id_of(answer, sent) == "s1"
    for other in (
        '{"type": "ask", "id": "s1"}',
        '{"type": "go", "id": "s1"}',
        '{"type": "unknown", "id": "s1"}',
        '{"type": "yes", "id": []}',
        '{"type": "left"}',
        "{",
        b"\xff",
    ):
        assert not_an_answer(declaration, other)


@pytest.mark.anyio
async def test_answer_that_nothing_waits_for_is_dropped() -> None:
    """It is no message of a handler's, nor an invalid one."""

    class Chat(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "id"
        answers = Yes

        async def on_receive(self, websocket: WebSocket, data: Ask) -> Asked:
            return Asked()

    async with connect(Chat.as_asgi()) as client:
        await client.send(Yes(id="s1"))
        await client.send(Ask(id=5))
        assert await client.receive(Asked) == Asked(id=5)


def test_type_variable_in_answers_is_that_of_the_class() -> None:
    """As it is in `sends`."""

    class Base(WebSocketEndpoint, Generic[T]):
        encoding = "json"
        correlation_id = "id"
        answers: ClassVar[Any] = Value[T]

        async def on_receive(self, websocket: WebSocket, data: Ask) -> None: ...

    class Chat(Base[int]): ...

    cls: Any = Chat
    declaration: Declaration = cls._declaration
    assert declaration.answer_in('{"type": "value", "value": 5}') == Value[int](value=5)
    assert not_an_answer(declaration, '{"type": "value", "value": "x"}')


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        pytest.param(
            {"answers": Yes, "on_receive": receive},
            "Chat declares `answers`, but no `correlation_id`: name the field that an answer has "
            'in common with its question, as in `correlation_id = "id"`',
            id="no correlation_id",
        ),
        pytest.param(
            {"answers": Yes | Leave, "correlation_id": "id", "on_receive": receive},
            "Chat.answers has Leave, which has no field 'id' to tell its question by: add "
            "`id: str | None = None`",
            id="no field",
        ),
        pytest.param(
            {"answers": Ask | Yes, "correlation_id": "id", "on_receive": receive},
            "Chat.on_receive and Chat.answers both handle Ask: take it from one of them",
            id="on_receive takes it",
        ),
        pytest.param(
            {"answers": Ask, "correlation_id": "id", "question": question},
            "Chat.question and Chat.answers both handle Ask: take it from one of them",
            id="a handler takes it",
        ),
        *(
            pytest.param(
                {"answers": Yes, "correlation_id": "id", "on_receive": function},
                "Chat declares `answers`, but its on_receive takes anything, and so them as well: "
                "annotate the message of on_receive with a type",
                id=function.__name__,
            )
            for function in TAKING_ANYTHING
        ),
        pytest.param(
            {"answers": [], "correlation_id": "id"},
            "Chat.answers is empty: name what clients answer, or leave `answers` out",
            id="empty",
        ),
    ],
)
def test_answers_that_can_not_be_told_are_an_error(attributes: dict[str, Any], error: str) -> None:
    """When the class is made."""
    assert error_of(**attributes) == error


# Ids.


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
def test_frame_that_is_a_message_has_no_id(encoding: Any) -> None:
    """But a base class may leave the encoding to others."""
    assert declared(encoding=encoding, correlation_id="id").correlation is not None
    assert error_of(encoding=encoding, correlation_id="id", on_receive=receive_anything) == (
        f"Chat declares `correlation_id`, but in the encoding {encoding!r} a message is a frame, "
        'and has no fields: set encoding = "json"'
    )


def test_id_that_no_message_has_is_an_error() -> None:
    """An answer may have it alone."""
    assert error_of(correlation_id="key", on_receive=receive) == (
        "Chat.correlation_id is 'key', but no message that it takes has such a field: add "
        "`key: str | None = None` to those that are answered"
    )
    assert declared(correlation_id="id", answers=Yes).correlation is not None


FRAME = '{"type": "no", "id": 5}'


@pytest.mark.parametrize(
    ("error", "field", "id_"),
    [
        pytest.param(about(InvalidMessageError([]), FRAME), "id", 5, id="frame"),
        pytest.param(about(InvalidMessageError([]), FRAME), None, None, id="no field"),
        pytest.param(InvalidMessageError([]), "id", None, id="made by the application"),
        pytest.param(about(RateLimitedError("bad"), FRAME), "id", None, id="not decoded"),
    ],
)
def test_id_of_an_invalid_message(error: ClientMessageError, field: str | None, id_: Any) -> None:
    """It is read from the frame, but not where a limit has it not decoded."""
    assert declared(correlation_id=field, on_receive=receive).id_of_invalid(error) == id_


INVALID = {"type": "error", "code": "invalid_message"}


@pytest.mark.parametrize(
    ("frame", "id_"),
    [
        ('{"type": "ask", "id": []}', None),
        ('{"type": "no", "id": "5"}', "5"),
        ('{"type": "no", "id": 5}', 5),
        ('{"type": "no", "id": 5, "number": NaN}', 5),
        ('{"type": "no"}', None),
        ('{"type": "no", "id": true}', None),
        ("[5]", None),
    ],
)
@pytest.mark.anyio
async def test_invalid_message_is_answered_with_its_id(frame: str, id_: Any) -> None:
    """And not with that of the message before."""

    class Chat(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "id"

        async def on_receive(self, websocket: WebSocket, data: Ask) -> Asked:
            return Asked()

    async with connect(Chat.as_asgi()) as client:
        for _ in range(2):
            await client.send(Ask(id="before"))
            assert await client.receive(Asked) == Asked(id="before")
            await client.send_text(frame)
            error = await client.receive_json()
            assert error.pop("errors")
            assert error == (INVALID if id_ is None else {**INVALID, "id": id_})


@pytest.mark.parametrize("options", [{}, {"concurrent": True}])
@pytest.mark.anyio
async def test_message_that_a_handler_refuses_is_answered_with_its_id(
    options: dict[str, Any],
) -> None:
    """Whatever it raises, and however `on_invalid` answers."""

    class Chat(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "id"
        is_other = False

        @marked(**options)
        async def question(self, websocket: WebSocket, data: Ask) -> None:
            if data.room == "reply":
                raise ErrorReply("full")
            raise InvalidMessageError([])

        async def on_invalid(self, websocket: WebSocket, error: ClientMessageError) -> None:
            if self.is_other:
                raise ErrorReply("other")
            await super().on_invalid(websocket, error)

    async with connect(Chat.as_asgi()) as client:
        await client.send(Ask(id=5))
        assert await client.receive_json() == {**INVALID, "errors": [], "id": 5}
        await client.send(Ask(id="6", room="reply"))
        assert await client.receive_json() == {"type": "error", "code": "full", "id": "6"}
    async with connect(Chat.as_asgi(is_other=True)) as client:
        await client.send(Ask(id=7))
        assert await client.receive_json() == {"type": "error", "code": "other", "id": 7}
        await client.send_json({"type": "no", "id": 8})
        assert await client.receive_json() == {"type": "error", "code": "other", "id": 8}


@pytest.mark.anyio
async def test_message_whose_field_can_not_be_a_key_is_answered_with_its_id() -> None:
    """It is refused before its handler runs."""

    class Chat(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "id"

        @handles(concurrent=True, key="room")
        async def question(self, websocket: WebSocket, data: Ask) -> Asked:
            return Asked()

    async with connect(Chat.as_asgi()) as client:
        await client.send(Ask(id=5, room=["a"]))
        errors = [{"loc": ["room"], "type": "key", "msg": "Input should be a str or a number"}]
        assert await client.receive_json() == {**INVALID, "errors": errors, "id": 5}


# Errors.


def test_error_is_told_with_the_id() -> None:
    """In the format of the encoding."""
    declaration = declared(correlation_id="id", on_receive=receive, error_codes=["full", 5])
    for code in ("full", 5, "busy"):
        event = declaration.error_event(ErrorReply(code), "7")
        told = f'{{"type":"error","code":{code!r},"id":"7"}}'.replace("'", '"')
        assert event == {"type": "websocket.send", "text": told}


def test_error_that_is_not_declared_is_a_mistake() -> None:
    """Clients know the codes that are declared."""
    reply = ErrorReply("empty")
    with pytest.raises(ConfigurationError) as caught:
        declared(on_receive=receive, error_codes={"full": "", 5: ""}).error_event(reply, None)
    assert str(caught.value) == (
        "Chat answers with the error 'empty', but declares 'full', 5: add it to `error_codes`"
    )
    assert caught.value.__cause__ is reply
    assert declared(on_receive=receive).error_event(reply, None)


@pytest.mark.parametrize("encoding", ["text", "bytes", None])
def test_encoding_without_a_format_for_errors_has_none(encoding: Any) -> None:
    """Neither for an `ErrorReply`, nor for what `overlap="refuse"` answers."""
    reply = ErrorReply("full")
    with pytest.raises(ConfigurationError) as caught:
        declared(encoding=encoding).error_event(reply, None)
    assert str(caught.value) == (
        f"Chat raises ErrorReply, but its encoding {encoding!r} has no format for errors: return "
        'what tells the client, or set encoding = "json"'
    )
    assert caught.value.__cause__ is reply

    async def tell(self: Any, websocket: WebSocket, data: str) -> None: ...

    for overlap in ("wait", "cancel"):
        mark: Any = handles(concurrent=True, overlap=overlap)
        assert declared(encoding=encoding, tell=mark(tell)).is_two_way
    assert error_of(encoding=encoding, tell=handles(concurrent=True, overlap="refuse")(tell)) == (
        f'Chat.tell is marked with overlap="refuse", but the encoding {encoding!r} has no format '
        'for errors: use overlap="wait" or "cancel", or set encoding = "json"'
    )


def test_codes_of_a_wrong_form_are_an_error() -> None:
    """When the class is made."""
    assert error_of(error_codes="full") == (
        "Chat.error_codes is 'full': use a dict from the codes of its ErrorReply to what they "
        'mean, such as {"room_full": "The room has no place left."}'
    )


# What costs something.


@pytest.mark.parametrize(
    ("attributes", "is_two_way"),
    [
        ({}, False),
        ({"on_receive": receive}, False),
        ({"question": question}, False),
        ({"on_receive": receive, "error_codes": ["full"]}, False),
        ({"on_receive": receive, "correlation_id": "id"}, True),
    ],
)
def test_class_that_uses_none_of_it_is_not_two_way(
    attributes: dict[str, Any], is_two_way: bool
) -> None:
    """Its messages cost what they cost without."""
    assert declared(**attributes).is_two_way is is_two_way


def test_class_that_asks_is_not_quiet() -> None:
    """A question may be asked before the first message."""
    assert declared(correlation_id="id").is_quiet
    assert not declared(correlation_id="id", answers=Yes).is_quiet


@pytest.mark.anyio
async def test_class_that_is_changed_is_compiled_again() -> None:
    """What it declares of conversations too."""

    class Chat(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: Ask) -> Asked:
            return Asked()

    async def reply() -> Any:
        async with connect(Chat.as_asgi()) as client:
            await client.send(Ask(id=5))
            return await client.receive_json()

    without = {"type": "asked", "id": None}
    assert await reply() == without
    Chat.correlation_id = "id"
    assert await reply() == {**without, "id": 5}
    del Chat.correlation_id
    assert await reply() == without


def test_messages_are_those_of_other_tests() -> None:
    """A class may take messages without the field beside those that have it."""

    async def both(self: Any, websocket: WebSocket, data: Say | Ask) -> Said | Asked:
        raise NotImplementedError

    declaration = declared(correlation_id="id", on_receive=both)
    assert declaration.correlation is not None
    assert declaration.correlation.fill(Said(), "a") == Said()
    assert declaration.correlation.fill(Asked(), "a") == Asked(id="a")
