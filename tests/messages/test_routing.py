"""Which handler gets which message: by its class, or by the type that pydantic matched."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from tests.some_messages import Leave, Said, Say
from wsendpoints import ConfigurationError
from wsendpoints.messages.annotations import MISSING
from wsendpoints.messages.method import Method
from wsendpoints.messages.routing import Routed, rerouted, route
from wsendpoints.messages.substitution import union_of


class Move(TypedDict):
    """A dict."""

    type: Literal["move"]


class Jump(TypedDict):
    """Another one."""

    type: Literal["jump"]


class Whisper(Say):
    """A subclass of a message."""


def method(name: str, takes: Any) -> Method:
    """Return a method that answers with its name and the message."""

    def handler(endpoint: Any, websocket: Any, data: Any) -> Any:
        return name, data

    return Method(name, handler, takes, MISSING)


def handled(takes: dict[str, Any], message: Any) -> Any:
    """Return what becomes of a message, once pydantic has read it."""
    on_message, handlers, union = route(
        "Chat", [method(name, it) for name, it in takes.items()], routed=True
    )
    read = TypeAdapter[Any](union_of(union)).validate_python(message)
    return handlers.get(read.__class__, on_message)(None, None, read)


@pytest.mark.parametrize(
    ("takes", "message", "name"),
    [
        pytest.param({"a": Say, "b": Leave}, Leave(), "b", id="models"),
        pytest.param({"a": Say | Leave, "b": int}, Leave(), "a", id="union"),
        pytest.param({"a": Say, "b": Move}, {"type": "move"}, "b", id="the only dict"),
        pytest.param({"a": Move, "b": Jump}, {"type": "jump"}, "b", id="dicts"),
        pytest.param({"a": list[int], "b": list[str]}, ["x"], "b", id="lists"),
        pytest.param({"a": list[int] | list[str], "b": int}, ["x"], "a", id="lists of one"),
        pytest.param({"a": Say | None, "b": int}, None, "a", id="None"),
        pytest.param({"a": Say, "b": dict}, Whisper(), "a", id="subclass"),
    ],
)
def test_message_goes_to_the_handler_of_its_type(
    takes: dict[str, Any], message: Any, name: str
) -> None:
    """The handler gets the message itself."""
    assert handled(takes, message) == (name, message)


@pytest.mark.parametrize("takes", [MISSING, Any, Say, Say | Leave], ids=str)
def test_handler_that_is_alone_gets_all(takes: Any) -> None:
    """There is nothing to look up."""
    only = method("on_receive", takes)
    assert route("Chat", [only], routed=False) == (
        only.handler,
        {},
        [Any if takes is MISSING else takes],
    )


def test_dict_of_several_handlers_comes_with_its_own() -> None:
    """The class does not tell which it is."""
    handlers = [method("a", Move), method("b", Jump)]
    _, routes, union = route("Chat", handlers, routed=True)
    assert [*routes] == [Routed]
    read = TypeAdapter[Any](union_of(union)).validate_python({"type": "jump"})
    assert read == Routed(handlers[1].handler, {"type": "jump"})


def other(endpoint: Any, websocket: Any, data: Any) -> Any:
    """Be a handler that takes the place of another one."""
    return "other", data


@pytest.mark.parametrize(
    ("takes", "message", "name"),
    [
        pytest.param({"a": Say, "b": Leave}, Say(), "other", id="model"),
        pytest.param({"a": Say, "b": Leave}, Leave(), "b", id="another model"),
        pytest.param({"a": Say, "b": Leave}, Whisper(), "other", id="subclass"),
        pytest.param({"a": Move, "b": Jump}, {"type": "move"}, "other", id="dict"),
        pytest.param({"a": Move, "b": Jump}, {"type": "jump"}, "b", id="another dict"),
    ],
)
def test_another_handler_gets_the_messages_of_one(
    takes: dict[str, Any], message: Any, name: str
) -> None:
    """The others get theirs."""
    methods = [method(name, it) for name, it in takes.items()]
    on_message, handlers, union = route("Chat", methods, routed=True)
    read = TypeAdapter[Any](union_of(union)).validate_python(message)
    on_message, handlers = rerouted(on_message, handlers, {methods[0].handler: other})
    assert handlers.get(read.__class__, on_message)(None, None, read) == (name, message)


def test_another_handler_in_place_of_the_only_one() -> None:
    """It gets all, where that one is."""
    only = method("on_receive", Any).handler
    assert rerouted(only, {}, {only: other}) == (other, {})
    assert rerouted(only, {}, {}) == (only, {})


def test_message_of_no_handler_is_an_error() -> None:
    """A validator may have made it."""
    on_message, _, _ = route("Chat", [method("a", Say), method("b", Leave)], routed=True)
    with pytest.raises(ConfigurationError) as caught:
        on_message(Said(), None, Said())
    assert str(caught.value) == (
        "Said: a validator turned a message into a Said, which no handler takes"
    )


@pytest.mark.parametrize("takes", [MISSING, Any], ids=str)
def test_handler_that_takes_anything_is_an_error(takes: Any) -> None:
    """Nothing would be left for the others."""
    with pytest.raises(ConfigurationError) as caught:
        route("Chat", [method("a", Say), method("b", takes)], routed=True)
    assert str(caught.value) == (
        "Chat.b does not say which message it handles: annotate its last parameter with a type"
    )


ANY_DICT: dict[str, Any] = {"a": dict, "b": dict[str, Any]}


class Tagged(BaseModel):
    """A message that is told apart by a value of another one."""

    type: Literal["say"]


@pytest.mark.parametrize(
    ("takes", "what"),
    [
        pytest.param({"a": Say, "b": Say}, "Say", id="the same"),
        pytest.param({"a": Say | Leave, "b": int | Leave}, "Leave", id="one of a union"),
        pytest.param({"a": Say, "b": Tagged}, "type='say'", id="tag"),
        pytest.param({"a": Literal["x", "y"], "b": Literal["y"]}, "'y'", id="Literal"),
        pytest.param(ANY_DICT, "any JSON object", id="dicts of anything"),
    ],
)
def test_message_that_two_handlers_take_is_an_error(takes: dict[str, Any], what: str) -> None:
    """The error names both."""
    with pytest.raises(ConfigurationError) as caught:
        handled(takes, None)
    assert str(caught.value) == (f"Chat.a and Chat.b both handle {what}: take it from one of them")


def test_handler_may_take_a_message_twice() -> None:
    """Nothing is unclear then."""
    assert handled({"a": Say | Tagged, "b": Leave}, Say()) == ("a", Say())
