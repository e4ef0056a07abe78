"""What is said in the benchmarks: five types of messages, their answers, and frames of a size."""

from collections.abc import Callable
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter

__all__ = [
    "Answer",
    "Five",
    "Four",
    "Inbound",
    "One",
    "Outbound",
    "Refusal",
    "Three",
    "Two",
    "answer",
    "frames_of",
    "inbound",
    "make_frames",
    "outbound",
]


class One(BaseModel):
    type: Literal["one"] = "one"
    text: str


class Two(BaseModel):
    type: Literal["two"] = "two"
    text: str
    count: int


class Three(BaseModel):
    type: Literal["three"] = "three"
    text: str
    values: list[int]


class Four(BaseModel):
    type: Literal["four"] = "four"
    text: str
    ratio: float


class Five(BaseModel):
    type: Literal["five"] = "five"
    text: str
    flag: bool


class Answer(BaseModel):
    type: Literal["answer"] = "answer"
    text: str
    number: int


class Refusal(BaseModel):
    type: Literal["refusal"] = "refusal"
    text: str


AnyInbound: TypeAlias = One | Two | Three | Four | Five
Inbound = Annotated[AnyInbound, Field(discriminator="type")]
Outbound = Annotated[Answer | Refusal, Field(discriminator="type")]

inbound: Final[TypeAdapter[AnyInbound]] = TypeAdapter(Inbound)
outbound: Final[TypeAdapter[Answer | Refusal]] = TypeAdapter(Outbound)


# A coroutine for each type answers it, called from a `match`: by hand, and with the frameworks
# that do not dispatch by themselves.


async def answer_one(data: One) -> Answer:
    return Answer(text=data.text, number=1)


async def answer_two(data: Two) -> Answer:
    return Answer(text=data.text, number=2)


async def answer_three(data: Three) -> Answer:
    return Answer(text=data.text, number=3)


async def answer_four(data: Four) -> Answer:
    return Answer(text=data.text, number=4)


async def answer_five(data: Five) -> Answer:
    return Answer(text=data.text, number=5)


async def answer(data: AnyInbound) -> Answer:
    """Dispatch as people write it by hand."""
    match data:
        case One():
            return await answer_one(data)
        case Two():
            return await answer_two(data)
        case Three():
            return await answer_three(data)
        case Four():
            return await answer_four(data)
        case Five():
            return await answer_five(data)


_MAKERS: Final[list[Callable[[str], BaseModel]]] = [
    lambda text: One(text=text),
    lambda text: Two(text=text, count=2),
    lambda text: Three(text=text, values=[1, 2, 3]),
    lambda text: Four(text=text, ratio=0.5),
    lambda text: Five(text=text, flag=True),
]


def make_frames(size: int) -> list[str]:
    """Return one frame of each type, of `size` bytes."""
    return frames_of(_MAKERS, size)


def frames_of(makers: list[Callable[[str], BaseModel]], size: int) -> list[str]:
    """Return a frame of `size` bytes from each of the functions that make a message of a text."""
    frames: list[str] = []
    for make in makers:
        least = len(make("").model_dump_json())
        frames.append(make("x" * (size - least)).model_dump_json())
    return frames
