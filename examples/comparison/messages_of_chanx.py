"""The messages for chanx: what distinguishes them is `action`, and all else is in `payload`."""

from typing import Annotated, Literal

from chanx.messages.base import BaseMessage
from pydantic import BaseModel, StringConstraints

__all__ = ["Ask", "Done", "Joined", "Left", "Present", "Said", "Say", "Stop", "Stopped", "Token"]

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class TextPayload(BaseModel):
    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class AskPayload(BaseModel):
    id: Id
    question: str


class IdPayload(BaseModel):
    id: Id


class NamesPayload(BaseModel):
    names: list[str]


class NamePayload(BaseModel):
    name: str


class SaidPayload(BaseModel):
    name: str
    text: str


class TokenPayload(BaseModel):
    id: str
    text: str


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: TextPayload


class Ask(BaseMessage):
    action: Literal["ask"] = "ask"
    payload: AskPayload


class Stop(BaseMessage):
    action: Literal["stop"] = "stop"
    payload: IdPayload


class Present(BaseMessage):
    action: Literal["present"] = "present"
    payload: NamesPayload


class Joined(BaseMessage):
    action: Literal["joined"] = "joined"
    payload: NamePayload


class Left(BaseMessage):
    action: Literal["left"] = "left"
    payload: NamePayload


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: SaidPayload


class Token(BaseMessage):
    action: Literal["token"] = "token"
    payload: TokenPayload


class Done(BaseMessage):
    action: Literal["done"] = "done"
    payload: IdPayload


class Stopped(BaseMessage):
    action: Literal["stopped"] = "stopped"
    payload: IdPayload
