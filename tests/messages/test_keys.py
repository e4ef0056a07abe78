"""The key of a message: a field of it, or what a function makes of it."""

import dataclasses
import enum
from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field, RootModel
from typing_extensions import TypedDict

from tests.some_messages import Leave, Say
from wsendpoints import ConfigurationError, InvalidMessageError
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.keys import NO_KEY, KeyOf, key_reader
from wsendpoints.messages.options import options


class Ask(BaseModel):
    """Has the field."""

    chat: Any = None


class Aliased(BaseModel):
    """Calls it otherwise in JSON."""

    chat: str = Field(alias="chatId")


@dataclasses.dataclass
class Data:
    """Is a dataclass."""

    chat: int = 0


class Typed(TypedDict, total=False):
    """Is a dict."""

    chat: int
    room: Annotated[str, Field(alias="roomId")]


class Listed(RootModel[Ask]):
    """Holds the message."""


class Room(enum.StrEnum):
    """Values that are texts."""

    ONE = "one"


def chat_of(message: Ask) -> Any:
    """Return a key."""
    return message.chat


def with_more(message: Ask) -> Any:
    """Return a key of several parts."""
    return message.chat, 5


def as_list(message: Ask) -> Any:
    """Return what can't be a key."""
    return [message.chat]


def reader(key: Any, takes: Any = MISSING, overlap: Any = None) -> KeyOf:
    """Return what tells the key of a handler's messages."""
    chosen = options(concurrent=True, key=key, overlap=overlap)
    return key_reader(chosen, takes, "Chat.ask")


ID = uuid4()


@pytest.mark.parametrize(
    ("key", "takes", "message", "value"),
    [
        pytest.param("chat", Ask, Ask(chat="a"), "a", id="model"),
        pytest.param("chat", Ask, Ask(chat=5), 5, id="number"),
        pytest.param("chat", Ask, Ask(chat=ID), ID, id="UUID"),
        pytest.param("chat", Ask, Ask(chat=Room.ONE), "one", id="enum"),
        pytest.param("chat", Ask, Ask(chat=("a", 5)), ("a", 5), id="tuple"),
        pytest.param("chat", Ask, Ask(chat=""), "", id="empty"),
        pytest.param("chat", Ask, Ask(chat=0), 0, id="zero"),
        pytest.param("chat", Ask, Ask(), NO_KEY, id="None"),
        pytest.param("chat", Aliased, Aliased(chatId="a"), "a", id="attribute with an alias"),
        pytest.param("chatId", Aliased, Aliased(chatId="a"), "a", id="alias"),
        pytest.param("chat", Data, Data(5), 5, id="dataclass"),
        pytest.param("chat", Typed, {"chat": 5}, 5, id="TypedDict"),
        pytest.param("roomId", Typed, {"room": "a"}, "a", id="alias in a TypedDict"),
        pytest.param("room", Typed, {"room": "a"}, "a", id="key in a TypedDict"),
        pytest.param("chat", Typed, {}, NO_KEY, id="left out of a TypedDict"),
        pytest.param("chat", Listed, Listed(Ask(chat="a")), "a", id="RootModel"),
        pytest.param("chat", Ask | Data, Data(5), 5, id="union"),
        pytest.param("chat", dict, {"chat": "a"}, "a", id="dict"),
        pytest.param("chat", Any, {"chat": "a"}, "a", id="anything"),
        pytest.param("chat", Any, ["chat"], NO_KEY, id="anything that has no fields"),
        pytest.param("chat", MISSING, {"chat": "a"}, "a", id="no annotation"),
        pytest.param(chat_of, Ask, Ask(chat="a"), "a", id="function"),
        pytest.param(with_more, Ask, Ask(), (None, 5), id="function of a tuple"),
        pytest.param(chat_of, Ask, Ask(), NO_KEY, id="function of None"),
        pytest.param(len, str, "abc", 3, id="function in C"),
    ],
)
def test_message_has_a_key(key: Any, takes: Any, message: Any, value: Any) -> None:
    """The first one and later ones; `None` is no key."""
    key_of = reader(key, takes)
    assert (key_of(message), key_of(message)) == (value, value)


def test_messages_without_a_key_may_be_handled_beside_each_other() -> None:
    """Where nothing else is said."""
    assert reader(None)(Say()) is NO_KEY


@pytest.mark.parametrize("overlap", ["wait", "cancel", "refuse"])
def test_without_a_key_all_messages_of_a_handler_have_the_same(overlap: str) -> None:
    """And no other handler has it."""
    key_of, other = reader(None, overlap=overlap), reader(None, overlap=overlap)
    assert key_of(Say()) is key_of(Leave())
    assert key_of(Say()) not in {NO_KEY, other(Say())}
    assert repr(key_of(Say())) == "<all of Chat.ask>"


@pytest.mark.parametrize("value", [[], {}, ["a"], {"a": 5}], ids=repr)
def test_field_that_can_not_be_a_key_is_the_mistake_of_the_client(value: Any) -> None:
    """It has sent an array, or an object, where anything may be."""
    with pytest.raises(InvalidMessageError) as caught:
        reader("chat", Ask)(Ask(chat=value))
    assert caught.value.errors == [
        {"loc": ["chat"], "type": "key", "msg": "Input should be a str or a number"}
    ]
    assert caught.value.__suppress_context__


def test_function_that_makes_no_key_is_a_mistake_of_the_application() -> None:
    """The error says what a key is."""
    with pytest.raises(TypeError) as caught:
        reader(as_list, Ask)(Ask(chat="a"))
    assert str(caught.value) == (
        "the key function of Chat.ask returned ['a'], which can't be a key: return what has a "
        "hash, such as a str or a tuple"
    )


@pytest.mark.parametrize(
    ("takes", "name"),
    [
        pytest.param(Say, "Say", id="model"),
        pytest.param(Ask | Leave, "Leave", id="one of a union"),
        pytest.param(Typed | Data | Say, "Say", id="the last of a union"),
        pytest.param(RootModel[Say], "RootModel[Say]", id="RootModel"),
        pytest.param(str, "str", id="str"),
        pytest.param(list[Ask], "list[tests.messages.test_keys.Ask]", id="list"),
        pytest.param(Literal["chat"], "typing.Literal['chat']", id="Literal"),
    ],
)
def test_field_that_the_message_has_not_is_an_error(takes: Any, name: str) -> None:
    """The error names the type, when the class is made."""
    with pytest.raises(ConfigurationError) as caught:
        reader("chat", takes)
    assert str(caught.value) == (
        f"Chat.ask is marked with key='chat', but {name} has no such field: use the name of one "
        "that it has, or a function of the message"
    )


def test_nothing_is_asked_of_the_messages_of_a_function() -> None:
    """It may make a key of anything."""
    by_class: Callable[[Any], Any] = type
    assert reader(by_class, str)("a") is str
    assert reader(UUID, str)(str(ID)) == ID
