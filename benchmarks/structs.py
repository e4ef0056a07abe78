"""The five types of `benchmarks.messages` and their answer, as Structs of msgspec's."""

from typing import TypeAlias

import msgspec

__all__ = ["Answer", "Five", "Four", "Inbound", "One", "Three", "Two", "answer"]


class One(msgspec.Struct, tag="one"):
    text: str


class Two(msgspec.Struct, tag="two"):
    text: str
    count: int


class Three(msgspec.Struct, tag="three"):
    text: str
    values: list[int]


class Four(msgspec.Struct, tag="four"):
    text: str
    ratio: float


class Five(msgspec.Struct, tag="five"):
    text: str
    flag: bool


class Answer(msgspec.Struct, tag="answer"):
    text: str
    number: int


Inbound: TypeAlias = One | Two | Three | Four | Five


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


async def answer(data: Inbound) -> Answer:
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
