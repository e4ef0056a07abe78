"""Adapters: pydantic compiles a type at once, or the error says which type, and why."""

import re
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from tests.some_messages import Move, Point, Say, Unknown
from wsendpoints.messages.adapters import compile_adapter, schema_of
from wsendpoints.protocol.exceptions import ConfigurationError


class Early(BaseModel):
    """A model with a forward reference."""

    late: "Late"


class Late(BaseModel):
    """A model that is defined later."""

    text: str


class Incomplete(BaseModel):
    """A model with a forward reference that nothing resolves."""

    never: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - the case # pyright: ignore[reportUndefinedVariable]


@pytest.mark.parametrize(
    ("annotation", "json", "value"),
    [
        pytest.param(Say, '{"text": "hi"}', Say(text="hi"), id="model"),
        pytest.param(Point, '{"x": 1}', Point(x=1), id="dataclass"),
        pytest.param(Move, '{"x": 1, "@": 2}', {"x": 1, "at": 2}, id="TypedDict"),
        pytest.param(int | None, "null", None, id="union"),
        pytest.param(
            Early, '{"late": {"text": "hi"}}', Early(late=Late(text="hi")), id="forward reference"
        ),
    ],
)
def test_type_is_compiled(annotation: Any, json: str, value: Any) -> None:
    """Any type that pydantic knows can be a message."""
    assert compile_adapter(annotation, "Chat").validate_json(json) == value


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        pytest.param(Unknown, "Chat: Unknown can't be validated: Unable to generate", id="class"),
        pytest.param(list["Nowhere"], "Chat: list['Nowhere'] can't be validated: name", id="name"),  # type: ignore[name-defined]  # noqa: F821 - the case # pyright: ignore[reportUndefinedVariable]
        pytest.param(Incomplete, "Chat: Incomplete can't be validated: name", id="name in a model"),
        pytest.param(
            Annotated[str, Field(pattern="(")],
            "Chat: str can't be validated: Error building",
            id="pattern",
        ),
        pytest.param(
            list[Annotated[int, Field(discriminator="type")]],
            "Chat: list[typing.Annotated[int, ",
            id="discriminator",
        ),
    ],
)
def test_type_that_pydantic_cannot_validate_is_an_error(annotation: Any, text: str) -> None:
    """It is an error when the class is made, not when the first message arrives."""
    with pytest.raises(ConfigurationError, match=re.escape(text)) as caught:
        compile_adapter(annotation, "Chat")
    assert caught.value.__cause__ is not None


def test_schema_is_known_of_what_pydantic_can_validate() -> None:
    """Of anything else it is not: `compile_adapter` says why."""
    assert schema_of(int)["type"] == "int"
    assert schema_of("Nowhere") is None
