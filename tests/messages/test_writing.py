"""Serializers: JSON by alias, and plain values for codecs."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    PlainSerializer,
    SerializationInfo,
    Tag,
    TypeAdapter,
    field_serializer,
)

from wsendpoints.messages.writing import encode_json, json_writer, values_writer

MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


class Aliased(BaseModel):
    """A model with an alias."""

    text: str = Field(default="x", alias="Text")


class Inner(BaseModel):
    """A model in another."""

    at: Annotated[datetime, PlainSerializer(datetime.isoformat, when_used="json")] = MOMENT
    maybe: Annotated[int | None, PlainSerializer(str, when_used="json-unless-none")] = None
    counts: dict[int, dict[UUID, int]] = {1: {UUID(int=1): 2}}


class Outer(BaseModel):
    """A model with what JSON has not."""

    inner: Inner | None = Inner(maybe=5)
    pair: tuple[Inner, bytes] = (Inner(), b"\xff")
    at: datetime = MOMENT
    mode: str = ""

    @field_serializer("mode")
    def tell(self, value: str, info: SerializationInfo) -> str:
        """Return the mode."""
        return info.mode


def test_json_is_written_by_alias() -> None:
    """Of a type, and of anything."""
    assert json_writer(TypeAdapter(Aliased))(Aliased()) == b'{"Text":"x"}'
    assert json_writer(TypeAdapter(list[int]))([1]) == b"[1]"
    assert encode_json([Aliased()]) == b'[{"Text":"x"}]'


@pytest.mark.parametrize("adapter", [TypeAdapter[Any](Aliased), None], ids=["typed", "any"])
@pytest.mark.parametrize("mode", ["json", "msgpack"])
def test_values_are_written_by_alias(adapter: TypeAdapter[Any] | None, mode: str) -> None:
    """Of a type, and of anything."""
    assert values_writer(adapter, mode)(Aliased()) == {"Text": "x"}


def test_values_keep_what_a_codec_has() -> None:
    """What a model writes for JSON alone, it writes for any format; keys are texts."""
    inner = {"at": MOMENT.isoformat(), "counts": {"1": {str(UUID(int=1)): 2}}}
    assert values_writer(TypeAdapter(Outer), "msgpack")(Outer()) == {
        "inner": {**inner, "maybe": "5"},
        "pair": ({**inner, "maybe": None}, b"\xff"),
        "at": MOMENT,
        "mode": "msgpack",
    }


def test_values_of_json_are_pydantics() -> None:
    """In its own mode."""
    message = Inner()
    assert values_writer(TypeAdapter(Inner), "json")(message) == message.model_dump(mode="json")


def test_type_is_compiled_again_only_where_it_has_to_be() -> None:
    """What a union holds counts, labelled or not."""
    adapters: list[TypeAdapter[Any]] = [
        TypeAdapter(Annotated[Inner | Aliased, Field(union_mode="smart")]),
        TypeAdapter(
            Annotated[
                Annotated[Inner, Tag("Inner")] | Annotated[Aliased, Tag("Aliased")],
                Discriminator(lambda value: type(value).__name__),
            ]
        ),
    ]
    for adapter in adapters:
        assert values_writer(adapter, "x")(Inner())["at"] == MOMENT.isoformat()
    assert values_writer(TypeAdapter(int | list[str]), "x")(["y"]) == ["y"]


def test_alias_in_a_union_or_of_anything_counts() -> None:
    """What is of no known class may have one."""
    assert json_writer(TypeAdapter(list[Any]))([Aliased()]) == b'[{"Text":"x"}]'
    assert json_writer(TypeAdapter(Aliased | int))(Aliased()) == b'{"Text":"x"}'
    assert json_writer(TypeAdapter(int | str))("x") == b'"x"'


class Plain(msgspec.Struct):
    """A Struct."""

    x: int = 1


def test_struct_is_written_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pydantic knows none; what neither knows is its error."""
    assert encode_json([Plain()]) == b'[{"x":1}]'
    assert values_writer(None, "json")([Plain()]) == [{"x": 1}]
    text = "Unable to serialize unknown type: <class 'object'>"
    with pytest.raises(ValueError, match=f"^{text}"):
        encode_json([object()])
    monkeypatch.delitem(sys.modules, "msgspec")
    with pytest.raises(ValueError, match="Unable to serialize unknown type"):
        encode_json([Plain()])
