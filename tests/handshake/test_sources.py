"""Marks of the parameters that are read from headers and cookies."""

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter

from wsendpoints import Cookie, Header
from wsendpoints.handshake.sources import Source, source_of
from wsendpoints.protocol.exceptions import ConfigurationError


@pytest.mark.parametrize("source", [Header("X-A"), Cookie("a"), Header(), Cookie()])
def test_mark_is_found(source: Source) -> None:
    """It is in the schema of what it marks, whatever is around that."""
    alone: Any = Annotated[list[int], source]
    around: list[Any] = [alone, alone | None, Annotated[alone, AfterValidator(list)]]
    for annotation in around:
        adapter = TypeAdapter[Any](annotation)
        assert source_of(adapter.core_schema) == source
    assert source_of(TypeAdapter(list[Annotated[str, source]]).core_schema) is None


def test_name_of_a_field() -> None:
    """Headers have dashes."""
    assert Header().of_field("User_agent") == Header("user-agent")
    assert Cookie().of_field("Some_id") == Cookie("Some_id")


@pytest.mark.parametrize("source", [Header, Cookie])
@pytest.mark.parametrize("name", ["a b", "ä", "a:b", "a=b", "a;b"])
def test_name_that_nothing_can_have(source: Any, name: str) -> None:
    """It is told at once, of a field too."""
    kind = source.__name__
    with pytest.raises(ConfigurationError, match=rf"^{kind}\('{name}'\): no {kind.lower()} can be"):
        source(name)
