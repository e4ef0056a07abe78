"""Messages of up to 1 MiB that have as many errors as their types allow, or are copied as often."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from typing_extensions import TypedDict

from wsendpoints.messages.joining import join

__all__ = ["MESSAGES", "MIB", "Item", "Tight", "Tree", "Worst"]

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Worst:
    """A message.

    Attributes:
        annotation: Its type.
        make: Returns it, as JSON.
        errors: How many errors it may have. They don't grow with the message.
        copies: How many times the message may be in them.
    """

    annotation: Any
    make: Callable[[], str]
    errors: int = 1
    copies: int = 1


class Item(BaseModel):
    """An item of a list."""

    name: str
    price: int
    number: int = 1


class Order(BaseModel):
    """A message with a list."""

    items: list[Item]


class Tight(BaseModel):
    """A message that takes no other fields."""

    model_config = ConfigDict(extra="forbid")
    name: str = ""


@dataclass
class TightRecord:
    """A dataclass that takes no other fields."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str = ""


class Scores(BaseModel):
    """A message that takes numbers under any names."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]  # as pydantic has it


class Tables(BaseModel):
    """A message with others of its kind, under names of the client's."""

    name: str
    owner: str
    rank: int
    tables: dict[str, "Tables"]


class Folder(BaseModel):
    """A message that is a part of itself."""

    name: str
    owner: str
    rank: int
    parts: list["Folder"]


class Tree(BaseModel):
    """A message that has itself as a part twice."""

    value: int
    left: "Tree | None" = None
    right: "Tree | None" = None


class Say(BaseModel):
    """A message with a tag."""

    type: Literal["say"]
    text: str


class Leave(BaseModel):
    """Another."""

    type: Literal["leave"]


class Names(TypedDict):
    """A message with a list of names."""

    names: list[Annotated[str, AfterValidator(lambda name: _refuse(name))]]


def _refuse(name: str) -> str:
    raise ValueError(f"{name} is taken")


_NUMBERS: Final[dict[str, Any]] = {f"field{number}": (int, ...) for number in range(20)}
_ANYTHING: Final[dict[str, Any]] = {f"field{number}": (Any, ...) for number in range(20)}


def _fill(begin: str, part: str, end: str, size: int = MIB) -> str:
    number = (size - len(begin) - len(end)) // (len(part) + 1)
    return begin + ",".join([part] * number) + end


def _members(size: int, value: str) -> str:
    """Return members of an object, each with another key."""

    def keys() -> Iterator[str]:
        taken = 0
        for number in range(size):
            key = f'"{number:x}":{value}'
            taken += len(key) + 1
            if taken > size:
                return
            yield key

    return ",".join(keys())


def _tree(depth: int) -> str:
    frame = "{}"
    for _ in range(depth):
        frame = f'{{"left":{frame},"right":{frame}}}'
    return frame


def _folders(size: int = MIB) -> str:
    depth = 90
    return _fill('{"parts":[' * depth + '{"x":[', "{}", "]}" + "]}" * depth, size)


_ARRAYS: Final[list[Any]] = [tuple[Literal[1], int], tuple[Literal[2], list[str]]]
"""Types that are told apart by their first items."""


def _tables() -> str:
    depth = 90
    frame = "{}"
    for _ in range(depth):
        frame = f'{{"tables":{{"{"k" * (MIB // depth - 20)}":{frame}}}}}'
    return frame


MESSAGES: Final[dict[str, Worst]] = {
    "wrong items": Worst(Order, lambda: _fill('{"items":[', "1", "]}")),
    "empty items": Worst(Order, lambda: _fill('{"items":[', "{}", "]}"), errors=2),
    "wrong texts": Worst(list[int], lambda: _fill("[", '"x"', "]")),
    "wrong lists": Worst(list[list[int]], lambda: _fill("[", '["x"]', "]")),
    "wrong values": Worst(dict[str, int], lambda: f"{{{_members(MIB - 2, 'null')}}}"),
    "wrong keys": Worst(dict[Literal["a"], int], lambda: f"{{{_members(MIB - 2, '1')}}}"),
    "forbidden fields": Worst(Tight, lambda: f"{{{_members(MIB - 2, '1')}}}"),
    "forbidden fields under a long key": Worst(
        dict[str, Tight],
        lambda: f'{{"{"k" * (MIB // 2)}":{{{_members(MIB // 2 - 10, "1")}}}}}',
    ),
    "forbidden fields of a dataclass": Worst(TightRecord, lambda: f"{{{_members(MIB - 2, '1')}}}"),
    "wrong further fields": Worst(Scores, lambda: f"{{{_members(MIB - 2, 'null')}}}"),
    "missing fields at every depth under a long key": Worst(
        dict[str, Folder], lambda: f'{{"{"k" * (MIB // 2 + 1)}":{_folders(MIB // 4)}}}'
    ),
    "missing fields at every depth under long keys": Worst(Tables, _tables, errors=4),
    "twenty missing fields": Worst(
        create_model("Numbers", **_NUMBERS), lambda: _fill('{"x":[', "{}", "]}"), errors=20
    ),
    "missing fields at every depth": Worst(Folder, _folders, errors=4 * 91),
    "another type": Worst(int, lambda: _fill("[", "{}", "]")),
    "unknown tag": Worst(
        Annotated[Say | Leave, Field(discriminator="type")],
        lambda: f'{{"type":"{"x" * (MIB - 11)}"}}',
    ),
    "unknown item": Worst(join(_ARRAYS), lambda: f'["{"x" * (MIB - 4)}"]'),
    "large item in the place of a tag": Worst(join(_ARRAYS), lambda: _fill("[[", "{}", "]]")),
    "wrong items of an array that is told apart": Worst(
        join(_ARRAYS), lambda: _fill("[2,[", "[]", "]]")
    ),
    "quoted text": Worst(Names, lambda: f'{{"names":["{"x" * (MIB - 14)}"]}}'),
    # Pydantic validates a value with each member of a union without a tag, and copies it into the
    # error of each, of which one is kept.
    "five members": Worst(
        int | str | None | Item | bool, lambda: _fill("[", "{}", "]"), errors=1, copies=1
    ),
    # What may be anything takes any JSON there, and nothing else, so that a default is refused.
    "twenty missing fields that may be anything": Worst(
        create_model("Anything", **_ANYTHING), lambda: _fill('{"x":[', "{}", "]}"), errors=20
    ),
    # Two fields that lead back to their type: pydantic goes on to the other after one of them.
    "two trees in each tree": Worst(Tree, lambda: _tree(15)),
}
