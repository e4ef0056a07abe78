"""What a class declares: which handler gets which message, and mistakes in the declaration."""

import enum
import functools
import warnings
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final, Generic, Literal, NewType, TypeVar
from unittest.mock import Mock, patch

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    Discriminator,
    Field,
    JsonValue,
    PastDate,
    RootModel,
    Tag,
    model_validator,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from tests.some_messages import Leave, Plain, Said, Say
from wsendpoints import (
    ConfigurationError,
    Limits,
    WebSocket,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.protocol.exceptions import ConfigurationWarning
from wsendpoints.testing import connect

T = TypeVar("T")


@dataclass
class Point:
    """A dataclass with a tag."""

    type: Literal["point"]
    x: int


class Move(TypedDict):
    """A dictionary with a tag."""

    type: Literal["move"]


class Jump(TypedDict):
    """Another one."""

    type: Literal["jump"]


class Numbers(RootModel[list[float]]):
    """A model that is not an object."""


class Envelope(BaseModel, Generic[T]):
    """A generic message."""

    type: Literal["envelope"] = "envelope"
    content: T


async def answers_of(cls: type[WebSocketEndpoint], *messages: Any) -> list[Any]:
    """Return what an endpoint answers to messages: bytes as they are, anything else as JSON."""
    async with connect(cls.as_asgi()) as client:
        answers: list[Any] = []
        for message in messages:
            if isinstance(message, bytes):
                await client.send_bytes(message)
            else:
                await client.send_json(message)
            answers.append(await client.receive_json())
        return answers


def handling(**annotations: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint that answers with the name of the handler and the message."""

    def handler(name: str, annotation: Any) -> Any:
        async def method(self: Any, websocket: Any, data: Any) -> Any:
            return [name, data]

        method.__annotations__["data"] = annotation
        return handles(method)

    return type(
        "Chat",
        (WebSocketEndpoint,),
        {"encoding": "json", **{name: handler(name, it) for name, it in annotations.items()}},
    )


def receiving(annotation: Any, **attributes: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint that answers with the name of the message's class."""

    async def on_receive(self: Any, websocket: Any, data: Any) -> Any:
        return type(data).__name__

    on_receive.__annotations__ = {"data": annotation}
    return type(
        "Chat",
        (WebSocketEndpoint,),
        {"encoding": "json", "on_receive": on_receive, **attributes},
    )


# Which handler gets a message.


@pytest.mark.parametrize(
    ("annotations", "message", "handler"),
    [
        pytest.param({"a": Say, "b": Leave}, {"type": "leave"}, "b", id="models"),
        pytest.param({"a": Say, "b": Point}, {"type": "point", "x": 1}, "b", id="dataclass"),
        pytest.param({"a": Say, "b": Move}, {"type": "move"}, "b", id="TypedDict"),
        pytest.param({"a": Jump, "b": Move}, {"type": "move"}, "b", id="TypedDicts"),
        pytest.param(
            {"a": Jump, "b": Move, "c": Say}, {"type": "say"}, "c", id="beside TypedDicts"
        ),
        pytest.param({"a": list[int], "b": list[str]}, ["x"], "b", id="lists"),
        pytest.param({"a": list[int], "b": list[str]}, [1], "a", id="lists, the other"),
        pytest.param({"a": list[int] | list[str], "b": int}, ["x"], "a", id="union of lists"),
        pytest.param({"a": dict[str, int], "b": list[int]}, {"x": 1}, "a", id="dict"),
        pytest.param({"a": Move, "b": dict[str, int]}, {"x": 1}, "b", id="dict and TypedDict"),
        pytest.param({"a": dict, "b": int}, {"x": 1}, "a", id="dict of anything"),
        pytest.param({"a": int, "b": str}, 5, "a", id="int"),
        pytest.param({"a": int, "b": str}, "x", "b", id="str"),
        pytest.param({"a": int, "b": bool}, True, "b", id="bool"),
        pytest.param({"a": Literal["ping"], "b": Say}, "ping", "a", id="Literal"),
        pytest.param({"a": Literal["ping"], "b": str}, "ping", "a", id="Literal before str"),
        pytest.param({"a": Literal["ping"], "b": str}, "pong", "b", id="str after Literal"),
        pytest.param({"a": Numbers, "b": Say}, [1], "a", id="RootModel"),
        pytest.param(
            {"a": Envelope[int], "b": Say}, {"type": "envelope", "content": 1}, "a", id="generic"
        ),
        pytest.param({"a": Say | None, "b": int}, None, "a", id="None"),
        pytest.param({"a": Say | Leave, "b": int}, {"type": "leave"}, "a", id="union"),
        pytest.param({"a": PastDate, "b": Say}, "2001-01-01", "a", id="a type that is no class"),
        pytest.param({"a": Annotated[int, Field(gt=3)], "b": str}, 5, "a", id="Annotated"),
        pytest.param({"a": NewType("Id", int), "b": str}, 5, "a", id="NewType"),
        pytest.param({"a": Path, "b": Say}, "/x", "a", id="a class whose values are of another"),
        pytest.param({"a": Say}, {"type": "say"}, "a", id="the only one"),
        pytest.param({"a": bytes, "b": Say}, {"type": "say"}, "b", id="JSON beside bytes"),
    ],
)
@pytest.mark.anyio
async def test_message_goes_to_the_handler_of_its_type(
    annotations: dict[str, Any], message: Any, handler: str
) -> None:
    """Any type may be handled, next to any other."""
    ((name, _),) = await answers_of(handling(**annotations), message)
    assert name == handler


@pytest.mark.parametrize("others", [{}, {"b": Say}, {"b": list[int], "c": list[str]}], ids=str)
@pytest.mark.anyio
async def test_binary_frame_goes_to_the_handler_of_bytes(others: dict[str, Any]) -> None:
    """The frame is not parsed as JSON."""

    class Chat(handling(**others)):  # type: ignore[misc]  # made at run time
        @handles
        async def frame(self, websocket: WebSocket, data: bytes) -> Any:
            return data.hex()

    assert await answers_of(Chat, b"\xff\x00") == ["ff00"]


@pytest.mark.anyio
async def test_message_of_a_subclass_goes_to_the_handler_of_its_class() -> None:
    """A model's validator may return an instance of a subclass."""

    class Shape(BaseModel):
        type: Literal["shape"]

        @model_validator(mode="wrap")
        @classmethod
        def make(cls, value: Any, handler: Any) -> Any:
            return Circle.model_construct(type="shape") if cls is Shape else handler(value)

    class Circle(Shape): ...

    with pytest.warns(ConfigurationWarning, match="a validator of Shape may change the tag"):
        chat = handling(shape=Shape, say=Say)
    assert await answers_of(chat, {"type": "shape"}) == [["shape", {"type": "shape"}]]


@pytest.mark.anyio
async def test_message_that_a_validator_turned_into_something_else_is_an_error() -> None:
    """No handler takes it, which is the application's mistake."""

    class Odd(BaseModel):
        type: Literal["odd"]

        @model_validator(mode="wrap")
        @classmethod
        def make(cls, value: Any, handler: Any) -> Any:
            return 5

    with pytest.warns(ConfigurationWarning, match="a validator of Odd may change the tag"):
        chat = handling(odd=Odd, say=Say)
    with pytest.raises(ConfigurationError) as caught:
        async with connect(chat.as_asgi()) as client:
            await client.send_json({"type": "odd"})
            await client.expect_close(1011)
    assert str(caught.value) == (
        "Chat: a validator turned a message into a int, which no handler takes"
    )


@pytest.mark.anyio
async def test_class_without_handlers_ignores_messages() -> None:
    """Such a class may still push messages."""

    class Quiet(WebSocketEndpoint):
        pass

    async with connect(Quiet.as_asgi()) as client:
        await client.send("x")
        await client.receive_nothing()


# Inheritance.


class Base(WebSocketEndpoint):
    """Has two handlers."""

    encoding = "json"

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> str:
        """Handle a message."""
        return "base"

    @handles
    async def leave(self, websocket: WebSocket, data: Leave) -> str:
        """Handle another one."""
        return "bye"


class Inheriting(Base):
    """Adds nothing."""


class Overriding(Base):
    """Overrides one without the decorator."""

    async def say(self, websocket: WebSocket, data: Say) -> str:
        """Handle it in another way."""
        return "overridden"


class OverridingMarked(Base):
    """Overrides one with the decorator."""

    @handles
    async def say(self, websocket: WebSocket, data: Say) -> str:
        """Handle it in another way."""
        return "overridden"


class Mixin:
    """A plain class with a handler."""

    @handles
    async def point(self, websocket: WebSocket, data: Point) -> str:
        """Handle a message."""
        return "mixin"


class Mixed(Mixin, Base):
    """Has a mixin's handler too."""


class Less(Base):
    """Removes a handler."""

    leave = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # the way to do it


NAMES = ("encoding", "say", "leave")
SAY, LEAVE, POINT = {"type": "say"}, {"type": "leave"}, {"type": "point", "x": 1}


@pytest.mark.parametrize(
    ("cls", "messages", "answers"),
    [
        (Inheriting, [SAY, LEAVE], ["base", "bye"]),
        (Overriding, [SAY, LEAVE], ["overridden", "bye"]),
        (OverridingMarked, [SAY, LEAVE], ["overridden", "bye"]),
        (Mixed, [SAY, LEAVE, POINT], ["base", "bye", "mixin"]),
    ],
)
@pytest.mark.anyio
async def test_handlers_are_inherited(
    cls: type[WebSocketEndpoint], messages: list[Any], answers: list[Any]
) -> None:
    """An override counts as marked, and a plain class may have handlers."""
    assert await answers_of(cls, *messages) == answers


@pytest.mark.anyio
async def test_handler_that_is_set_to_none_is_removed() -> None:
    """Its message is invalid."""
    said, error = await answers_of(Less, SAY, LEAVE)
    assert said == "base"
    assert error["code"] == "invalid_message"


@pytest.mark.anyio
async def test_receiver_that_is_set_to_none_gives_way_to_handlers() -> None:
    """A subclass may replace `on_receive` by handlers."""

    class Chat(receiving(Any)):  # type: ignore[misc]  # made at run time
        on_receive = None  # pyright: ignore[reportAssignmentType]  # the way to do it

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> str:
            return "said"

    assert await answers_of(Chat, SAY) == ["said"]


def test_attribute_that_has_every_attribute_is_not_a_handler() -> None:
    """A mock or a lazy proxy is not mistaken for a marked method."""

    class Chat(WebSocketEndpoint):
        db = Mock()

    assert Chat.as_asgi()


# What is changed once the class is made.


@pytest.mark.anyio
async def test_class_that_is_changed_is_compiled_again() -> None:
    """With the next connection, and again when the change is taken back."""
    base: Any = type("Base", (WebSocketEndpoint,), {name: vars(Base)[name] for name in NAMES})

    class Chat(base):  # type: ignore[misc]  # made at run time
        async def say(self, websocket: WebSocket, data: Say) -> str:
            return "own"

    async def other(self: Any, websocket: WebSocket, data: Point) -> str:
        return "other"

    assert await answers_of(Chat, SAY) == ["own"]
    with patch.object(Chat, "say", other):
        assert await answers_of(Chat, POINT, LEAVE) == ["other", "bye"]
    assert await answers_of(Chat, SAY) == ["own"]
    del Chat.say
    assert await answers_of(Chat, SAY) == ["base"]
    with patch.object(base, "say", None):
        del base.say
        ((error), bye) = await answers_of(Chat, SAY, LEAVE)
        assert error["code"] == "invalid_message"
        assert bye == "bye"
        base.say = other
    assert await answers_of(Chat, SAY) == ["base"]


# Mistakes.


async def method(self: Any, websocket: Any, data: Say) -> None:
    """Handle a message."""


def plain(self: Any, websocket: Any, data: Say) -> None:
    """Handle nothing."""


def generator(self: Any, websocket: Any, data: Say) -> Any:
    """Handle nothing."""
    yield


NO_METHODS: list[Any] = [
    pytest.param(plain, id="f34 function"),
    pytest.param(generator, id="sync generator"),
    pytest.param(staticmethod(method), id="staticmethod"),
    pytest.param(classmethod(method), id="classmethod"),
    pytest.param(functools.partialmethod(plain), id="partialmethod of a function"),
    pytest.param(5, id="value"),
]


@pytest.mark.parametrize("it", NO_METHODS)
def test_receiver_that_is_not_an_async_method_is_an_error(it: Any) -> None:
    """The error says how to write it."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"encoding": "json", "on_receive": it})
    assert str(caught.value) == (
        "Chat.on_receive is no async method: use `async def on_receive(self, websocket, data)`"
    )


@pytest.mark.parametrize("it", NO_METHODS)
def test_override_that_is_not_an_async_method_is_an_error(it: Any) -> None:
    """An override counts as marked."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (Base,), {"say": it})
    assert str(caught.value) == (
        "Chat.say is no async method: use `async def say(self, websocket, data)`"
    )


@pytest.mark.parametrize("it", NO_METHODS[1:-1])
def test_handler_that_is_not_an_async_method_is_an_error(it: Any) -> None:
    """The order of the decorators does not matter."""
    with pytest.raises(ConfigurationError, match=r"Chat\.say is no async method"):
        type("Chat", (WebSocketEndpoint,), {"say": handles(it)})
    if isinstance(it, staticmethod):
        with pytest.raises(ConfigurationError, match=r"Chat\.say is no async method"):
            type("Chat", (WebSocketEndpoint,), {"say": staticmethod(handles(method))})


@pytest.mark.parametrize("hook", ["on_connect", "on_disconnect", "on_invalid"])
@pytest.mark.parametrize(
    "it", [plain, None, staticmethod(plain)], ids=["function", "None", "staticmethod"]
)
def test_hook_that_is_not_an_async_method_is_an_error(hook: str, it: Any) -> None:
    """The error says how to write it."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {hook: it})
    assert str(caught.value) == f"Chat.{hook} is no async method: use `async def {hook}`"


@pytest.mark.parametrize("encoding", ["JSON", "", "binary", b"json", 5, [], True], ids=repr)
def test_unknown_encoding_is_an_error(encoding: Any) -> None:
    """The error names the encodings that exist."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"encoding": encoding})
    assert str(caught.value) == (
        f'Chat: encoding is {encoding!r}: use "text", "bytes", "json", "msgpack" or None, or an '
        "instance of a Codec"
    )


@pytest.mark.parametrize("limits", [None, {"grace": 5}, Limits], ids=repr)
def test_limits_of_another_type_are_an_error(limits: Any) -> None:
    """The error says what to use."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"limits": limits})
    assert str(caught.value) == f"Chat.limits is {limits!r}: use Limits(...)"


def test_handlers_and_a_receiver_are_an_error() -> None:
    """The error names the handlers."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (Base, receiving(Any)), {})
    assert str(caught.value) == (
        "Chat has both on_receive and methods marked with @handles (say, leave): use one of the two"
    )


@pytest.mark.parametrize("annotations", [{}, {"data": Any}], ids=["none", "Any"])
def test_handler_that_names_no_message_is_an_error(annotations: dict[str, Any]) -> None:
    """The error says what to annotate."""

    async def say(self: Any, websocket: Any, data: Any) -> None: ...

    say.__annotations__ = annotations
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"say": handles(say)})
    assert str(caught.value) == (
        "Chat.say does not say which message it handles: annotate its last parameter with a type"
    )


class Kind(enum.StrEnum):
    """An enum with a tag."""

    SAY = "say"


XOrY = Literal["x", "y"]


class Anything(BaseModel):
    """A message that takes any object."""


class SayAgain(BaseModel):
    """A message with the tag of another one."""

    type: Literal["again", "say"]


class SayByEnum(BaseModel):
    """A message whose tag is a member of an enum."""

    type: Literal[Kind.SAY]


@pytest.mark.parametrize(
    ("annotations", "what"),
    [
        pytest.param({"a": Say, "b": Say}, "Say", id="the same type"),
        pytest.param({"a": Say | int, "b": Leave | int}, "int", id="a member in common"),
        pytest.param({"a": Say | None, "b": Leave | None}, "NoneType", id="None"),
        pytest.param({"a": Say, "b": SayAgain}, "type='say'", id="the same tag"),
        pytest.param({"a": SayByEnum, "b": Say}, "type='say'", id="the same tag by an enum"),
        pytest.param({"a": bytes, "b": bytes}, "bytes", id="bytes"),
        pytest.param({"a": Literal["x"], "b": Literal["x", "y"]}, "'x'", id="literals"),
        pytest.param({"a": list[int], "b": list[int]}, "list[int]", id="lists"),
        pytest.param({"a": list, "b": list[Any]}, "any JSON array", id="any array"),
        pytest.param({"a": Anything, "b": dict[str, Any]}, "any JSON object", id="any object"),
        pytest.param({"a": object, "b": JsonValue}, "any JSON value", id="anything"),
    ],
)
def test_two_handlers_for_one_message_are_an_error(annotations: dict[str, Any], what: str) -> None:
    """The error names both, and the message."""
    with pytest.raises(ConfigurationError) as caught:
        handling(**annotations)
    assert str(caught.value) == (f"Chat.a and Chat.b both handle {what}: take it from one of them")


@pytest.mark.parametrize(
    ("anything", "message"),
    [
        (dict[str, Any], {"type": "say", "text": 5}),
        (Anything, {"type": "leave", "text": "x"}),
        (list[Any], [5]),
        (JsonValue, 1.5),
        (object, {"type": "x"}),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.anyio
async def test_handler_of_anything_gets_what_no_other_takes(
    anything: Any, message: Any, is_first: bool
) -> None:
    """Wherever it stands in the class."""
    others = {"say": Say, "numbers": tuple[int, int], "names": list[str], "name": Literal["x"]}
    first = {"anything": anything} if is_first else {}
    chat = handling(**first, **others, **({} if is_first else {"anything": anything}))
    messages = [SAY, [1, 2], ["a"], "x", message]
    answers = await answers_of(chat, *messages)
    assert [name for name, _ in answers] == [*others, "anything"]


def test_type_that_occurs_twice_in_one_handler_is_allowed() -> None:
    """There is only one handler that takes it."""
    assert handling(a=XOrY | Literal["x"], b=int)


def test_model_without_json_is_an_error() -> None:
    """The error says what to set."""
    with pytest.raises(
        ConfigurationError, match="Chat: Say is read from JSON, but encoding is 'text'"
    ):
        receiving(Say, encoding="text")


# Unions.


class ByKind(BaseModel):
    """A message with another tag, which has an alias."""

    kind: Literal["a", "b"] = Field(alias="@kind")


class ByOtherKind(BaseModel):
    """Another one."""

    kind: Literal["c"] = Field(alias="@kind")


class One(BaseModel):
    """A message whose tag is a number."""

    version: Literal[1]


class Two(BaseModel):
    """Another one."""

    version: Literal[2, 3]


Own = Annotated[Say | Leave, Field(discriminator="type")]
Callable_ = Annotated[
    Annotated[Plain, Tag("plain")] | Annotated[Numbers, Tag("numbers")],
    Discriminator(lambda it: "numbers" if isinstance(it, list) else "plain"),
]


@pytest.mark.parametrize(
    ("annotation", "message", "name"),
    [
        pytest.param(Say | Leave, LEAVE, "Leave", id="models"),
        pytest.param(Say | Point | Move, POINT, "Point", id="models, dataclass and TypedDict"),
        pytest.param(Say | Point | Move, {"type": "move"}, "dict", id="the TypedDict"),
        pytest.param(Say | Leave | int, 5, "int", id="with a builtin"),
        pytest.param(Say | Leave | None, None, "NoneType", id="with None"),
        pytest.param(ByKind | ByOtherKind, {"@kind": "b"}, "ByKind", id="by an alias"),
        pytest.param(One | Two, {"version": 3}, "Two", id="by a number"),
        pytest.param(SayByEnum | Leave, SAY, "SayByEnum", id="by an enum"),
        pytest.param(Own, LEAVE, "Leave", id="by a discriminator of its own"),
        pytest.param(Own | int, LEAVE, "Leave", id="by its own, with a builtin"),
        pytest.param(Callable_, [1], "Numbers", id="by a callable one"),
        pytest.param(
            Callable_ | int, {"text": "x"}, "Plain", id="by a callable one, with a builtin"
        ),
    ],
)
@pytest.mark.anyio
async def test_union_is_told_apart(annotation: Any, message: Any, name: str) -> None:
    """The members' common field is the discriminator, unless the union has one."""
    assert await answers_of(receiving(annotation), message) == [name]


@pytest.mark.parametrize(
    ("annotation", "tag"),
    [
        (Say | Leave, "type"),
        (ByKind | ByOtherKind, "@kind"),
        (One | Two, "version"),
        (Own, "type"),
        (list[int], "type"),
        (Plain, "type"),
    ],
    ids=str,
)
@pytest.mark.anyio
async def test_error_message_has_the_tag_of_the_endpoint(annotation: Any, tag: str) -> None:
    """A client tells an error apart as it does any other message."""
    (error,) = await answers_of(receiving(annotation), "no")
    assert list(error) == [tag, "code", "errors"]
    assert error[tag] == "error"


@pytest.mark.anyio
async def test_error_message_has_the_tag_of_the_replies_if_messages_have_none() -> None:
    """Replies may have a tag where messages have none."""

    class Event(BaseModel):
        event: Literal["done"] = "done"

    (error,) = await answers_of(receiving(int, sends=Event), "no")
    assert error["event"] == "error"


def test_m19_union_that_nothing_tells_apart_is_a_warning_at_the_class() -> None:
    """The warning points at the class statement, whatever the depth of the stack."""

    class Between(WebSocketEndpoint):
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        class Chat(Between):
            encoding = "json"

            async def on_receive(self, websocket: WebSocket, data: Say | Plain) -> None: ...

    (warning,) = caught
    assert warning.category is ConfigurationWarning
    assert warning.filename == __file__
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert source[warning.lineno - 1].strip() == "class Chat(Between):"
    assert Chat.encoding == "json"


# What is sent.


class Streams:
    """Streams, by their return annotation."""

    async def iterator(self, websocket: Any, data: Any) -> AsyncIterator[Said]:
        """Declare a message."""
        yield data

    async def generator(self, websocket: Any, data: Any) -> AsyncGenerator[Said, None]:
        """Declare a message."""
        yield data

    async def iterable(self, websocket: Any, data: Any) -> AsyncIterable[Said]:
        """Declare a message."""
        yield data

    async def union(self, websocket: Any, data: Any) -> AsyncIterator[Say | Said | None]:
        """Declare two messages."""
        yield data

    async def anything(self, websocket: Any, data: Any) -> AsyncIterator[Any]:
        """Declare that it may be anything."""
        yield data

    async def unknown(self, websocket: Any, data: Any) -> AsyncIterator[Any]:
        """Declare nothing of its messages."""
        yield data

    async def missing(self, websocket: Any, data: Any) -> Any:
        """Declare nothing."""
        yield data


class Returns:
    """Methods, by their return annotation."""

    async def one(self, websocket: Any, data: Any) -> Said:
        """Declare a message."""
        raise NotImplementedError

    async def optional(self, websocket: Any, data: Any) -> Said | None:
        """Declare a message."""

    async def union(self, websocket: Any, data: Any) -> Say | Said | None:
        """Declare two messages."""

    async def anything(self, websocket: Any, data: Any) -> Any:
        """Declare that it may be anything."""

    async def nothing(self, websocket: Any, data: Any) -> None:
        """Declare nothing to be sent."""

    async def missing(self, websocket: Any, data: Any) -> Any:
        """Declare nothing."""


Streams.unknown.__annotations__["return"] = AsyncIterator
del Streams.missing.__annotations__["return"]
del Returns.missing.__annotations__["return"]


def pushing(cls: type[WebSocketEndpoint], message: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint that pushes a message to each client."""

    async def on_connect(self: Any, websocket: WebSocket) -> None:
        await websocket.accept()
        await self.push(message)

    return type("Chat", (cls,), {"on_connect": on_connect})


def with_receiver(function: Any, **attributes: Any) -> type[WebSocketEndpoint]:
    """Return an endpoint with this `on_receive`."""
    return type(
        "Chat", (WebSocketEndpoint,), {"encoding": "json", "on_receive": function, **attributes}
    )


ONE = "Said"
TWO = "Say, Said"
DECLARING: list[Any] = [
    pytest.param(Streams.iterator, {}, ONE, id="AsyncIterator"),
    pytest.param(Streams.generator, {}, ONE, id="AsyncGenerator"),
    pytest.param(Streams.iterable, {}, ONE, id="AsyncIterable"),
    pytest.param(Streams.union, {}, TWO, id="AsyncIterator of a union"),
    pytest.param(Returns.one, {}, ONE, id="return"),
    pytest.param(Returns.optional, {}, ONE, id="return or None"),
    pytest.param(Returns.union, {}, TWO, id="return a union"),
    pytest.param(Returns.nothing, {"sends": Said}, ONE, id="sends"),
    pytest.param(Returns.missing, {"sends": Say | Said}, TWO, id="sends a union"),
    pytest.param(Returns.missing, {"sends": [Say, Said]}, TWO, id="sends a list"),
    pytest.param(Returns.missing, {"sends": (Say | Said,)}, TWO, id="sends a tuple of a union"),
    pytest.param(Returns.missing, {"sends": {Said}}, ONE, id="sends a set"),
    pytest.param(Returns.one, {"sends": Say}, TWO, id="sends and returns"),
    pytest.param(Returns.one, {"sends": Said}, ONE, id="sends what it returns"),
]


@pytest.mark.parametrize(("function", "attributes", "names"), DECLARING)
@pytest.mark.anyio
async def test_only_declared_messages_may_be_sent(
    function: Any, attributes: dict[str, Any], names: str
) -> None:
    """Return annotations, of streams too, and `sends` declare messages."""
    cls = with_receiver(function, **attributes)
    async with connect(pushing(cls, Said()).as_asgi()) as client:
        assert await client.receive_json() == {"type": "said", "text": ""}
    with pytest.raises(ConfigurationError) as caught:
        async with connect(pushing(cls, Leave()).as_asgi()) as client:
            await client.expect_close(1011)
    assert str(caught.value) == (
        f"Chat sends a message of type Leave, but declares {names}: add its type to the return "
        "annotation of the handler, or to `sends`"
    )


EMPTY: Final[list[Any]] = [[], (), set(), frozenset()]


@pytest.mark.parametrize("sends", EMPTY, ids=repr)
def test_sends_that_is_empty_is_an_error(sends: Any) -> None:
    """An empty list could mean that it sends nothing, or that it declares nothing."""
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"sends": sends})
    assert str(caught.value) == (
        "Chat.sends is empty: name what it sends, or leave `sends` out, and it may send anything"
    )


@pytest.mark.parametrize(
    ("function", "attributes"),
    [
        pytest.param(Streams.anything, {}, id="AsyncIterator of Any"),
        pytest.param(Streams.unknown, {}, id="AsyncIterator"),
        pytest.param(Streams.missing, {}, id="stream without annotation"),
        pytest.param(Returns.anything, {}, id="return Any"),
        pytest.param(Returns.nothing, {}, id="return None"),
        pytest.param(Returns.missing, {}, id="no annotation"),
        pytest.param(Returns.one, {"sends": Any}, id="sends Any"),
        pytest.param(Returns.anything, {"sends": Said}, id="sends, and returns Any"),
    ],
)
@pytest.mark.parametrize("message", [Leave(), 5, {"type": "leave"}], ids=repr)
@pytest.mark.anyio
async def test_class_that_declares_no_messages_may_send_any(
    function: Any, attributes: dict[str, Any], message: Any
) -> None:
    """A missing annotation and `Any` restrict nothing."""
    cls = pushing(with_receiver(function, **attributes), message)
    async with connect(cls.as_asgi()) as client:
        assert await client.receive_json() == (5 if message == 5 else {"type": "leave"})


@pytest.mark.anyio
async def test_stream_sends_each_value() -> None:
    """A handler that yields sends a reply for each value."""

    class Count(WebSocketEndpoint):
        encoding = "json"

        @handles
        async def up(self, websocket: WebSocket, data: int) -> AsyncIterator[int]:
            for number in range(data):
                yield number

    async with connect(Count.as_asgi()) as client:
        await client.send_json(3)
        assert [await client.receive_json() for _ in range(3)] == [0, 1, 2]
        await client.receive_nothing()


def test_choice_of_aliases_is_not_a_tag() -> None:
    """Pydantic can't discriminate by it: the class gets a warning, not pydantic's error."""

    class Chosen(BaseModel):
        type: Literal["chosen"] = Field(validation_alias=AliasChoices("type", "kind"))

    with pytest.warns(ConfigurationWarning, match="nothing tells Chosen, Say apart"):
        receiving(Chosen | Say)


@pytest.mark.parametrize("returns", [AsyncIterator[int], AsyncIterable[int], AsyncGenerator[int]])
def test_stream_without_yield_is_an_error(returns: Any) -> None:
    """What it returns could not be sent."""

    async def on_receive(self: Any, websocket: WebSocket, data: str) -> Any: ...

    on_receive.__annotations__["return"] = returns
    with pytest.raises(ConfigurationError) as caught:
        type("Chat", (WebSocketEndpoint,), {"on_receive": on_receive})
    assert str(caught.value) == (
        f"Chat.on_receive is annotated to return {str(returns).removeprefix('collections.abc.')}, "
        "but has no `yield`: send each value with `yield`, or annotate what it returns"
    )
