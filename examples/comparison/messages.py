"""The messages of all of them, except for chanx, whose messages have a form of their own."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

__all__ = [
    "Ask",
    "ClientMessage",
    "Done",
    "Joined",
    "Left",
    "Name",
    "Present",
    "RoomName",
    "Said",
    "Say",
    "Stop",
    "Stopped",
    "Token",
    "client_message",
]

Name = Annotated[str, StringConstraints(min_length=1, max_length=24)]
RoomName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,24}$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Say(BaseModel):
    type: Literal["say"] = "say"
    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Ask(BaseModel):
    type: Literal["ask"] = "ask"
    id: Id
    question: str


class Stop(BaseModel):
    type: Literal["stop"] = "stop"
    id: Id


ClientMessage: TypeAlias = Annotated[Say | Ask | Stop, Field(discriminator="type")]
client_message: TypeAdapter[Say | Ask | Stop] = TypeAdapter(ClientMessage)


class Present(BaseModel):
    type: Literal["present"] = "present"
    names: list[str]


class Joined(BaseModel):
    type: Literal["joined"] = "joined"
    name: str


class Left(BaseModel):
    type: Literal["left"] = "left"
    name: str


class Said(BaseModel):
    type: Literal["said"] = "said"
    name: str
    text: str


class Token(BaseModel):
    type: Literal["token"] = "token"
    id: str | None = None
    text: str


class Done(BaseModel):
    type: Literal["done"] = "done"
    id: str | None = None


class Stopped(BaseModel):
    type: Literal["stopped"] = "stopped"
    id: str | None = None
