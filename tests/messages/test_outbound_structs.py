"""Structs that a class sends."""

from typing import Any, Generic, TypeVar

import msgspec
import pytest

from wsendpoints.messages.codecs import CODECS
from wsendpoints.messages.outbound import Outbound
from wsendpoints.protocol.exceptions import ConfigurationError

T = TypeVar("T")


class Said(msgspec.Struct, tag="said", tag_field="kind"):
    """A message."""

    text: str = "x"


class Page(msgspec.Struct, Generic[T]):
    """A generic one."""

    item: T


class More(Said, tag="more"):
    """A message of another class."""

    other: int = 1


JSON = '{"kind":"said","text":"x"}'


@pytest.mark.parametrize("declared", [[], [Said], [Said | int | None]], ids=repr)
def test_struct_is_sent_by_msgspec(declared: Any) -> None:
    """Declared or not; the second time it is known by its class."""
    outbound = Outbound(declared, CODECS["json"], "Chat")
    for _ in range(2):
        assert outbound.encode(Said()) == {"type": "websocket.send", "text": JSON}
        assert Said in outbound.encoders
    assert outbound.tag == ("kind" if declared else None)


def test_generic_struct_is_known_by_its_class() -> None:
    """Whatever is in its brackets."""
    outbound = Outbound([Page[int]], CODECS["json"], "Chat")
    assert outbound.encode(Page(5))["text"] == '{"item":5}'
    assert [*outbound.encoders] == [Page]


def test_structs_within_are_sent() -> None:
    """In a list that is declared, and in anything where nothing is."""
    declared = Outbound([list[Said]], CODECS["json"], "Chat")
    assert declared.encode([Said()])["text"] == f"[{JSON}]"
    anything = Outbound([], CODECS["json"], "Chat")
    assert anything.encode({"x": [Said()]})["text"] == f'{{"x":[{JSON}]}}'


def test_struct_that_is_not_declared_is_an_error() -> None:
    """As for models."""
    outbound = Outbound([Page[int]], CODECS["json"], "Chat")
    with pytest.raises(ConfigurationError) as caught:
        outbound.encode(Said())
    assert str(caught.value) == (
        "Chat sends a message of type Said, but declares "
        "tests.messages.test_outbound_structs.Page[int]: add its type to the return annotation of "
        "the handler, or to `sends`"
    )
