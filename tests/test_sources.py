"""Marks of the parameters that are read from headers and cookies."""

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter

from wsendpoints import Cookie, Header
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.sources import Source, is_source, mark_of, marked


@pytest.mark.parametrize("source", [Header("X-A"), Cookie("a"), Header(), Cookie()])
def test_mark_is_found(source: Source) -> None:
    """It is in the schema of what it marks, whatever is around that."""
    alone: Any = Annotated[list[int], source]
    around: list[Any] = [alone, alone | None, Annotated[alone, AfterValidator(list)]]
    for annotation in around:
        adapter = TypeAdapter[Any](annotation)
        assert mark_of(marked(adapter.core_schema, {})) == source
    assert marked(TypeAdapter(list[Annotated[str, source]]).core_schema, {}) is None


def test_mark_may_be_that_of_a_definition() -> None:
    """As an alias is that is used twice; one that leads to itself has none."""
    has_one = TypeAdapter[Any](Annotated[str, Header("X-A")]).core_schema
    to = {"type": "definition-ref", "schema_ref": "it"}
    assert marked({"type": "nullable", "schema": to}, {"it": has_one}) is has_one
    assert marked(to, {"it": {"type": "nullable", "schema": to}}) is None
    assert marked(to, {}) is None


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


def test_mark_of_a_schema_itself() -> None:
    """What is within has a mark of its own."""
    marked = TypeAdapter[Any](Annotated[list[int], Header("X-A")]).core_schema
    assert mark_of(marked) == Header("X-A")
    assert mark_of({"type": "nullable", "schema": marked}) is None
    assert [is_source(it) for it in (Header(), Cookie("a"), Header, "a")] == [
        True,
        True,
        False,
        False,
    ]


def test_written_as_in_code() -> None:
    """Errors have it so."""
    assert [repr(it) for it in (Header(), Cookie("a"))] == ["Header()", "Cookie('a')"]
