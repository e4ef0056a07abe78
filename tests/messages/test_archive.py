"""What is kept of a group is read back as what it was, with its position."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated, Any, Literal, NotRequired

import msgspec
import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from wsendpoints import ConfigurationError
from wsendpoints.messages.archive import Archive


class Said(BaseModel):
    """Has an alias, and can't be changed."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(alias="t")
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    author: int = 0
    position: str | None = None


class Twin(BaseModel):
    """Has the fields of another one."""

    text: str = Field(alias="t")


class Sibling(BaseModel):
    """Has them, too."""

    text: str = Field(alias="t")


@dataclass(frozen=True, slots=True)
class Moved:
    """Can't be changed."""

    x: float
    position: str | None = None


@dataclass
class Bare:
    """Has no position."""

    x: int


def _another_twin() -> type[BaseModel]:
    class Twin(BaseModel):
        text: str = Field(alias="t")

    # As a class at the top of another module is called.
    Twin.__qualname__ = "Twin"
    return Twin


SameName = _another_twin()
SameNameToo = _another_twin()


class Row(TypedDict):
    """Is a dict."""

    id: int
    position: NotRequired[str]


class Struct(msgspec.Struct, tag="struct", frozen=True):
    """Is one of msgspec's."""

    x: int
    position: str | None = None


class Other(msgspec.Struct, tag="other"):
    """Is another one."""

    x: int


@pytest.mark.parametrize(
    ("annotation", "message", "expected"),
    [
        (Said, Said(t="a", author=3), Said(t="a", author=3, position="7")),
        (Said | Twin | Sibling, Twin(t="a"), Twin(t="a")),
        (Said | Twin | Sibling, Sibling(t="a"), Sibling(t="a")),
        (Said | Moved, Moved(1.5), Moved(1.5, "7")),
        (Bare | int, Bare(1), Bare(1)),
        (Bare | int, 5, 5),
        (Row, {"id": 1}, {"id": 1, "position": "7"}),
        (Row | Twin, Twin(t="a"), Twin(t="a")),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Literal["a", "b"] | None, "b", "b"),
        (Any, {"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
        (Struct | Other, Struct(1), Struct(1, "7")),
        (Struct | Other, Other(1), Other(1)),
        (Other, Other(1), Other(1)),
    ],
    ids=lambda it: type(it).__name__ if not isinstance(it, type) else it.__name__,
)
def test_message_is_read_back(annotation: Any, message: Any, expected: Any) -> None:
    """It is equal, and of the same class."""
    archive = Archive(annotation, "Room")
    data, copy = archive.write(message)
    for read in (archive.read(data, "7"), archive.placed(copy, "7")):
        assert read == expected
        assert type(read) is type(expected)


def test_position_counts_as_set() -> None:
    """So that a class which leaves out what is unset writes it."""
    archive = Archive(Said, "Room")
    assert "position" in archive.read(archive.write(Said(t="a"))[0], "7").model_fields_set


def test_instance_of_a_subclass_is_kept_as_the_class_that_is_declared() -> None:
    """As it is sent."""

    class Louder(Twin):
        volume: int = 11

    archive = Archive(Twin, "Room")
    assert archive.read(archive.write(Louder(t="a"))[0], "7") == Twin(t="a")


def _refuse(value: str) -> str:
    if value.startswith("!"):
        raise ValueError("no")
    return f"!{value}"


class Changes(BaseModel):
    """Is not valid again."""

    text: Annotated[str, AfterValidator(_refuse)]


class ChangesStruct(msgspec.Struct):
    """The same."""

    x: Any = None

    def __post_init__(self) -> None:
        if self.x == "set later":
            raise ValueError("no")


def test_message_that_cannot_be_read_back() -> None:
    """Whoever says it is told."""
    with pytest.raises(ValueError, match="Room keeps its messages, and this Changes can't be read"):
        Archive(Changes, "Room").write(Changes(text="a"))
    with pytest.raises(ValueError, match="Room keeps its messages, and this Moved can't be read"):
        Archive(Moved, "Room").write(Moved(math.nan))
    struct = ChangesStruct()
    struct.x = "set later"
    with pytest.raises(ValueError, match="Room keeps its messages, and this ChangesStruct can't"):
        Archive(ChangesStruct, "Room").write(struct)


def test_message_that_cannot_be_written() -> None:
    """It is a `ValueError` as well."""
    with pytest.raises(ValueError, match="serialize"):
        Archive(Any, "Room").write(object())


def test_type_that_cannot_be_read() -> None:
    """It is a mistake in the declaration."""
    with pytest.raises(ConfigurationError, match="Room"):
        Archive(Said | Struct, "Room")
    with pytest.raises(ConfigurationError, match="Room"):
        Archive(type(Lock()), "Room")


@pytest.mark.parametrize("kind", [Twin, SameName, SameNameToo])
def test_classes_of_one_name_are_not_mistaken_for_each_other(kind: type[BaseModel]) -> None:
    """Two modules may each have one."""
    annotation: Any = Twin | SameName | SameNameToo
    archive = Archive(annotation, "Room")
    data, _ = archive.write(kind.model_validate({"t": "a"}))
    assert type(archive.read(data, "7")) is kind
    # Another process has compiled it by itself.
    assert type(Archive(annotation, "Room").read(data, None)) is kind


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Said | Twin, Said(t="a", position="3")),
        (Said | Moved, Moved(1.5, "3")),
        (Row, {"id": 1, "position": "3"}),
        (Struct | Other, Struct(1, "3")),
    ],
    ids=["model", "dataclass", "dict", "struct"],
)
def test_message_without_a_position_is_read_back_as_it_was(annotation: Any, message: Any) -> None:
    """With what it had in the field, as in a group that has no history."""
    archive = Archive(annotation, "Room")
    read = archive.read(archive.write(message)[0], None)
    assert read == message
    assert type(read) is type(message)


@pytest.mark.parametrize("data", [b"Gone|{}", b"Twin'|{}", b"Gone", b"{}", b"\xff|{}"])
def test_message_of_a_class_that_is_none_of_these(data: bytes) -> None:
    """Another version of the application may have said it."""
    with pytest.raises(KeyError):
        Archive(Said | Twin, "Room").read(data, "7")


@pytest.mark.parametrize(
    ("annotation", "data"),
    [
        (Twin, b"Twin|"),
        (Twin, b"Twin|{"),
        (Twin, b"Twin|{}"),
        (Twin, b'Twin|{"text": 5}'),
        (Twin, b"|{}"),
        (Twin, b""),
        (Any, b"|\xff"),
        (Struct | Other, b"|"),
        (Struct | Other, b'|{"type": "gone"}'),
        (Struct | Other, b"|\xff"),
    ],
)
def test_message_that_is_not_valid_is_not_read(annotation: Any, data: bytes) -> None:
    """Whichever library reads it; msgspec's errors were no `ValueError` at first."""
    with pytest.raises((ValueError, msgspec.MsgspecError), match=r"."):
        Archive(annotation, "Room").read(data, "7")
