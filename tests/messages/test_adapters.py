"""What pydantic makes of a type, or says about it."""

import re
from typing import Annotated, Any

import pytest
from pydantic import Field

from tests.some_messages import Unknown
from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.protocol.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        pytest.param(Unknown, "Chat: Unknown can't be validated: Unable to generate", id="class"),
        pytest.param(list["Nowhere"], "Chat: list['Nowhere'] can't be validated: name", id="name"),  # type: ignore[name-defined]  # noqa: F821 - the case # pyright: ignore[reportUndefinedVariable]
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
    """It is seen when the class is made; the text says which type, and why."""
    with pytest.raises(ConfigurationError, match=re.escape(text)) as caught:
        compile_adapter(annotation, "Chat")
    assert caught.value.__cause__ is not None
