"""Changes of endpoint classes: fifty that break old clients, and fifty that do not."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model

from wsendpoints import Credential, JsonRpc, Limits, Rate, WebSocketEndpoint, handles
from wsendpoints.contract.asyncapi import asyncapi

__all__ = [
    "BREAKING",
    "HARMLESS",
    "LEAVE",
    "LEFT",
    "SAID",
    "Change",
    "documents",
    "endpoint",
    "one",
    "params",
    "said",
    "say",
]


@dataclass(frozen=True)
class Change:
    """Two versions of an application.

    Attributes:
        old: Its endpoint classes before, by their paths.
        new: Those of now.
        is_of_schemas: Whether the schemas of messages show it.
        has_undeclared: Whether it only shows in fields that are not declared.
    """

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    is_of_schemas: bool = True
    has_undeclared: bool = False


def documents(change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the documents of both versions."""
    old, new = (
        asyncapi(it, title="Application", version="1.0.0") for it in (change.old, change.new)
    )
    return old, new


def message(
    tag: str, config: ConfigDict | None = None, *, class_name: str = "", **fields: Any
) -> Any:
    """Return a model of messages; a field may be a type, or a type and its default."""
    every: Any = {name: _field(it) for name, it in {"type": Literal[tag], **fields}.items()}
    return create_model(class_name or tag.capitalize(), __config__=config, **every)


def _field(value: Any) -> Any:
    return cast("Any", value) if isinstance(value, tuple) else (value, ...)


def say(**fields: Any) -> Any:
    """Return what clients send."""
    return message("say", **fields)


def said(**fields: Any) -> Any:
    """Return what clients get."""
    return message("said", **fields)


SAY: Final[Any] = say(text=str)
SAID: Final[Any] = said(text=str)
LEAVE: Final[Any] = message("leave")
LEFT: Final[Any] = message("left")


def endpoint(takes: Any = SAY, returns: Any = SAID, **attributes: Any) -> Any:
    """Return an endpoint class."""

    async def on_receive(self: Any, websocket: Any, data: Any) -> Any:
        """Answer."""

    on_receive.__annotations__ = {"data": takes, "return": returns}
    namespace = {"encoding": "json", "on_receive": on_receive, **attributes}
    return type("Endpoint", (WebSocketEndpoint,), namespace)


def streaming() -> Any:
    """Return an endpoint class that streams."""

    async def on_receive(self: Any, websocket: Any, data: Any) -> AsyncIterator[Any]:
        yield

    on_receive.__annotations__ = {"data": SAY, "return": AsyncIterator[SAID]}
    return type("Endpoint", (WebSocketEndpoint,), {"encoding": "json", "on_receive": on_receive})


def calculator(**methods: Any) -> Any:
    """Return an endpoint class of JSON-RPC, with methods that take one param each."""
    namespace: dict[str, Any] = {"encoding": "json", "dialect": JsonRpc()}
    for name, (takes, returns) in methods.items():

        async def method(self: Any, websocket: Any, number: Any) -> Any:
            """Calculate."""

        method.__annotations__ = {"number": takes, "return": returns}
        method.__name__ = name
        namespace[name] = handles(name)(method)
    return type("Endpoint", (WebSocketEndpoint,), namespace)


def one(old: Any, new: Any, *, is_of_schemas: bool = True) -> Change:
    """Return a change of one endpoint class."""
    return Change({"/": old}, {"/": new}, is_of_schemas)


def received(old: Any, new: Any) -> Change:
    """Return a change of what clients send."""
    return one(endpoint(old), endpoint(new))


def taken(old: Any, new: Any) -> Change:
    """Return a change of a field that clients send."""
    return received(say(value=old), say(value=new))


def sent(old: Any, new: Any) -> Change:
    """Return a change of what clients get."""
    return one(endpoint(returns=old), endpoint(returns=new))


def written(old: Any, new: Any) -> Change:
    """Return a change of a field that clients get."""
    return sent(said(value=old), said(value=new))


def terms(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    """Return a change of attributes of a class."""
    return one(endpoint(**old), endpoint(**new), is_of_schemas=False)


def params(**fields: Any) -> dict[str, Any]:
    """Return the parameters of an endpoint class, as it annotates them."""
    every: Any = {name: _field(it) for name, it in fields.items()}
    return {"__annotations__": {"params": create_model("Params", **every)}}


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Colours(Enum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Tree(BaseModel):
    type: Literal["say"]
    children: list["Tree"] = []


class LabelledTree(BaseModel):
    type: Literal["say"]
    label: str = ""
    children: list["LabelledTree"] = []


class NamedTree(BaseModel):
    type: Literal["say"]
    name: str
    children: list["NamedTree"] = []


class User(BaseModel):
    name: str


class UserWithAge(BaseModel):
    name: str
    age: int


class UserWithNick(BaseModel):
    name: str
    nick: str | None = None


Short = Annotated[str, Field(max_length=5)]
Long = Annotated[str, Field(min_length=3)]
Word = Annotated[str, Field(pattern=r"^\w+$")]
Few = Annotated[int, Field(ge=0, le=10)]
Fewer = Annotated[int, Field(ge=0, le=5)]
Positive = Annotated[int, Field(gt=0)]
Even = Annotated[int, Field(multiple_of=2)]
CLOSED = ConfigDict(extra="forbid")
OPEN = ConfigDict(extra="allow")

BREAKING: Final[Mapping[str, Change]] = {
    # What clients send.
    "a field that is required now": received(SAY, say(text=str, room=str)),
    "a field that lost its default": received(say(text=(str, "")), say(text=str)),
    "a field that is called otherwise": received(say(text=str), say(body=str)),
    "a text that is a number now": taken(str, int),
    "a number that is whole now": taken(float, int),
    "null is not taken": taken(str | None, str),
    "a type of a union is not taken": taken(str | int, int),
    "a shorter text": taken(str, Short),
    "a longer text": taken(str, Long),
    "a pattern": taken(str, Word),
    "a format": taken(str, UUID),
    "another format": taken(date, UUID),
    "a smaller number": taken(Few, Fewer),
    "a larger number": taken(int, Positive),
    "a multiple": taken(int, Even),
    "a value of a Literal is gone": taken(Literal["a", "b"], Literal["a"]),
    "a value of an Enum is gone": taken(Colours, Colour),
    "values of which there are few now": taken(str, Literal["a"]),
    "fewer items": taken(list[int], Annotated[list[int], Field(max_length=2)]),
    "more items": taken(list[int], Annotated[list[int], Field(min_length=1)]),
    "different items": taken(list[int], set[int]),
    "items of another type": taken(list[int | str], list[int]),
    "a tuple": taken(list[int], tuple[int, int]),
    "values of another type, by any name": taken(dict[str, int | None], dict[str, int]),
    "a model instead of any names": taken(dict[str, str], User),
    "a field of a field": taken(User, UserWithAge),
    "a field of items": taken(list[User], list[UserWithAge]),
    "a recursive model": received(Tree, NamedTree),
    "undeclared fields are refused": Change(
        {"/": endpoint(SAY)},
        {"/": endpoint(message("say", CLOSED, text=str))},
        has_undeclared=True,
    ),
    "a message that is not taken": received(SAY | LEAVE, SAY),
    "another tag": received(SAY, message("tell", text=str)),
    "a method of a dialect is gone": one(
        calculator(add=(int, int), double=(int, int)), calculator(add=(int, int))
    ),
    "a param of a method": one(calculator(add=(int | str, int)), calculator(add=(int, int))),
    # What clients get.
    "a reply without a field": sent(said(text=str, at=int), said(text=str)),
    "a reply whose field may be null": written(str, str | None),
    "a reply with another value": written(Literal["a"], Literal["a", "b"]),
    "a reply with larger numbers": written(Few, int),
    "a reply without its format": written(UUID, str),
    "a reply of another type": sent(SAID, SAID | LEFT),
    "a reply with a field that clients refuse": sent(
        message("said", CLOSED, text=str), message("said", CLOSED, text=str, at=int)
    ),
    "a result of a dialect": one(calculator(add=(int, int)), calculator(add=(int, int | None))),
    "a push with another type of field": one(
        endpoint(returns=None, sends=said(text=int)), endpoint(returns=None, sends=said(text=str))
    ),
    # The rest.
    "no reply": one(endpoint(), endpoint(returns=SAID | None), is_of_schemas=False),
    "many replies": one(endpoint(), streaming(), is_of_schemas=False),
    "another path": Change({"/a": endpoint()}, {"/b": endpoint()}, is_of_schemas=False),
    "a required parameter": terms(params(a=(str, "")), params(a=str)),
    "another type of parameter": terms(params(a=str), params(a=int)),
    "a subprotocol is gone": terms({"subprotocols": ("a", "b")}, {"subprotocols": ("a",)}),
    "a smaller message": terms({}, {"limits": Limits(max_message_size=1000)}),
    "credentials": terms({}, {"security": (Credential("bearer"),)}),
}

HARMLESS: Final[Mapping[str, Change]] = {
    # What clients send.
    "nothing": received(SAY, SAY),
    "an optional field": received(SAY, say(text=str, room=(str, ""))),
    "a field that may be left out now": received(say(text=str), say(text=(str, ""))),
    "a field that is ignored now": received(say(text=str, room=(str, "")), SAY),
    "another default": received(say(text=(str, "a")), say(text=(str, "b"))),
    "a whole number that may be any": taken(int, float),
    "null is taken": taken(str, str | None),
    "another type is taken": taken(str, str | int),
    "any value is taken": taken(str, Any),
    "a longer text is taken": taken(Short, str),
    "a shorter text is taken": taken(Long, str),
    "any pattern is taken": taken(Word, str),
    "any format is taken": taken(UUID, str),
    "a larger number is taken": taken(Fewer, Few),
    "a smaller number is taken": taken(Positive, int),
    "odd numbers are taken": taken(Even, int),
    "multiples of what they were": taken(Annotated[int, Field(multiple_of=4)], Even),
    "another value of a Literal is taken": taken(Literal["a"], Literal["a", "b"]),
    "another value of an Enum is taken": taken(Colour, Colours),
    "an Enum that was a Literal": taken(Literal["red", "green"], Colour),
    "any text is taken": taken(Literal["a"], str),
    "more items are taken": taken(Annotated[list[int], Field(max_length=2)], list[int]),
    "fewer items are taken": taken(Annotated[list[int], Field(min_length=1)], list[int]),
    "the same items are taken": taken(set[int], list[int]),
    "items of another type are taken": taken(list[int], list[int | str]),
    "a list that was a tuple": taken(tuple[int, int], list[int]),
    "other values are taken, by any name": taken(dict[str, int], dict[str, int | None]),
    "any names instead of a model": taken(User, dict[str, str]),
    "an optional field of a field": taken(User, UserWithNick),
    "a recursive model that has more": received(Tree, LabelledTree),
    "undeclared fields are taken": received(message("say", CLOSED, text=str), SAY),
    "undeclared fields are kept": received(SAY, message("say", OPEN, text=str)),
    "another message is taken": received(SAY, SAY | LEAVE),
    "the order of messages": received(SAY | LEAVE, LEAVE | SAY),
    "another name of a class": received(SAY, message("say", class_name="Talk", text=str)),
    "an address in either version": taken(IPv4Address, str),
    "another method of a dialect": one(
        calculator(add=(int, int)), calculator(add=(int, int), double=(int, int))
    ),
    "a method that takes more": one(calculator(add=(int, int)), calculator(add=(float, int))),
    # What clients get.
    "a reply with a further field": sent(SAID, said(text=str, at=int)),
    "a reply that is never null": written(str | None, str),
    "a reply with fewer values": written(Literal["a", "b"], Literal["a"]),
    "a reply with smaller numbers": written(int, Few),
    "a reply with a format": written(str, UUID),
    "a type of replies is gone": sent(SAID | LEFT, SAID),
    # The rest.
    "always a reply": one(endpoint(returns=SAID | None), endpoint(), is_of_schemas=False),
    "another endpoint": Change(
        {"/a": endpoint()}, {"/a": endpoint(), "/b": endpoint()}, is_of_schemas=False
    ),
    "another name of a parameter of the path": Change(
        {"/a/{b}": endpoint()}, {"/a/{c}": endpoint()}, is_of_schemas=False
    ),
    "an optional parameter": terms({}, params(a=(int, 0))),
    "another subprotocol": terms({"subprotocols": ("a",)}, {"subprotocols": ("b", "a")}),
    "a larger message": terms({"limits": Limits(rate=Rate(5))}, {}),
}
