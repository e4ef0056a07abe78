"""What pydantic and msgspec make of types."""

import enum
import math
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, TypeVar
from unittest.mock import patch

import msgspec
import pytest
from pydantic import BaseModel, Discriminator, Field, PlainValidator, SecretStr, Tag, create_model

from wsendpoints import ConfigurationError
from wsendpoints.contract.generating import generate

T = TypeVar("T")


class Inner(BaseModel):
    """Something within."""

    number: int = Field(default=1, title="A number")


class Envelope(BaseModel, Generic[T]):
    within: T
    call: Callable[[], int] | None = None


class Unordered(BaseModel):
    kinds: frozenset[int | str] = frozenset({"b", "a", 1})
    ratio: float = math.nan
    odd: Any = object()
    secret: SecretStr = SecretStr("hunter2")
    inner: Inner = Inner()
    anything: Annotated[Any, PlainValidator(lambda value: value)] = None


class Ping(msgspec.Struct, tag="ping"):
    """A ping."""

    number: int
    others: list["Pong"] = []


class Pong(msgspec.Struct, tag="pong"):
    level: Literal["low"] = "low"
    custom: Any = None


class Odd(msgspec.Struct):
    custom: complex


def test_classes_have_definitions() -> None:
    """A class has a definition in each mode, by a key, with its name and its identity."""
    (received, sent, text), definitions = generate(
        [(Envelope[list[Inner]], "validation"), (Inner, "serialization"), (str, "validation")],
        "test",
    )
    assert text == {"type": "string"}
    assert received == {"$ref": "#/$defs/v1"}
    assert sent == {"$ref": "#/$defs/s0"}
    found = {key: (it.name, it.mode) for key, it in definitions.items()}
    assert found == {
        "v0": ("Inner", "validation"),
        "v1": ("Envelope[list[Inner]]", "validation"),
        "s0": ("Inner", "serialization"),
    }
    assert definitions["v0"].identity == definitions["s0"].identity
    assert definitions["v0"].schema == {
        "title": "Inner",
        "type": "object",
        "description": "Something within.",
        "properties": {"number": {"type": "integer", "default": 1, "title": "A number"}},
    }


def test_defaults_are_the_same_in_each_process() -> None:
    """What a set holds is in order; what JSON does not have is left out; a secret is not told."""
    _, definitions = generate([(Unordered, "validation")], "test")
    (properties,) = [
        it.schema["properties"] for it in definitions.values() if it.name == "Unordered"
    ]
    defaults = {name: it["default"] for name, it in properties.items() if "default" in it}
    assert defaults == {
        "kinds": ["a", "b", 1],
        "secret": "**********",
        "inner": {"number": 1},
        "anything": None,
    }


def test_what_has_no_schema_may_be_anything() -> None:
    """A type that pydantic has no schema for is one of any values, and nothing is told of it."""
    (schema,), _ = generate([(Callable[[], int], "validation")], "test")
    assert schema == {}


def test_union_with_a_function_that_tells_apart() -> None:
    """Pydantic would warn that it can't tell which field it is."""
    union = Annotated[
        Annotated[Inner, Tag("a")] | Annotated[Unordered, Tag("b")], Discriminator(lambda _: "a")
    ]
    (schema,), definitions = generate([(union, "serialization")], "test")
    assert [it["$ref"].removeprefix("#/$defs/") in definitions for it in schema["oneOf"]] == [
        True,
        True,
    ]


def test_classes_may_stand_in_each_other() -> None:
    """How deep they do is no matter of how deep Python may call."""
    model: Any = create_model("End")
    for number in range(75):
        model = create_model(f"Link{number}", within=(model, ...))
    (schema,), definitions = generate([(model, "serialization")], "test")
    assert len(definitions) == 76
    assert definitions[schema["$ref"].removeprefix("#/$defs/")].name == "Link74"


def test_structs_have_definitions() -> None:
    """Those of msgspec's Structs have a tag as those of models do."""
    (ping, text), definitions = generate([(Ping, "serialization"), (str, "validation")], "test")
    assert ping == {"$ref": "#/$defs/m-Ping"}
    assert text == {"type": "string"}
    assert {key: (it.name, it.mode) for key, it in definitions.items()} == {
        "m-Ping": ("Ping", None),
        "m-Pong": ("Pong", None),
    }
    properties = definitions["m-Ping"].schema["properties"]
    assert properties["type"] == {"const": "ping", "type": "string"}
    assert properties["others"] == {
        "type": "array",
        "items": {"$ref": "#/$defs/m-Pong"},
        "default": [],
    }


class Level(enum.Enum):
    LOW = 1


class Leveled(msgspec.Struct, array_like=True):
    level: Level = Level.LOW


def test_struct_without_properties_is_as_it_is() -> None:
    """An enum and an array have no field that could be a tag."""
    _, definitions = generate([(Leveled, "validation")], "test")
    assert definitions["m-Leveled"].schema["prefixItems"] == [
        {"$ref": "#/$defs/m-Level", "default": 1}
    ]


def test_type_of_the_application_in_a_struct_is_anything() -> None:
    """What msgspec has no schema for may be anything."""
    _, definitions = generate([(Odd, "validation")], "test")
    assert definitions["m-Odd"].schema["properties"] == {
        "custom": {"$comment": "a value of any kind"}
    }


def test_struct_without_a_schema_is_an_error() -> None:
    """What msgspec fails with names what has the type."""

    class Wrong(msgspec.Struct):
        odd: Any = msgspec.field(default=complex(1))

    with pytest.raises(ConfigurationError, match=r"^test: msgspec makes no schema of a message: "):
        generate([(Wrong, "validation")], "test")


def test_model_that_names_what_is_not_there_is_an_error() -> None:
    """A type that can't be compiled is told of."""
    model = create_model("Model", within="Missing")  # type: ignore[call-overload]  # not a type
    with pytest.raises(ConfigurationError, match=r"^test: Model can't be validated"):
        generate([(model, "validation")], "test")


def test_pydantic_is_not_asked_for_plain_defaults() -> None:
    """It would compile a serializer for each."""
    with patch("pydantic.json_schema.GenerateJsonSchema.encode_default") as encode:
        generate([(Inner, "validation")], "test")
    encode.assert_not_called()
