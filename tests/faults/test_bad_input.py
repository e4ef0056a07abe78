"""What an invalid message costs, and what its answer repeats of it: L12 to L16."""

import json
import re
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from tests.faults.message_endpoints import Chat, error_for
from tests.faults.playing import MARKER, Noting, play
from tests.messages.worst_messages import Item, Tight, Tree
from wsendpoints import ConfigurationWarning, WebSocket, WebSocketEndpoint, handles

anyio_test = pytest.mark.anyio

SIZE = 1024 * 1024


class Order(BaseModel):
    """A message that can have errors of each kind."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["order"]
    items: list[Item] = []
    shares: dict[str, Item] = {}
    tight: Tight = Tight()
    tree: Tree | None = None
    either: int | list[int] | list[str] | None = None
    name: str = ""

    @field_validator("name")
    @classmethod
    def check_name(cls, name: str, info: ValidationInfo) -> str:
        """Quote it, in another form."""
        if name:
            form = {"lower": str.lower, "repr": repr, "json": json.dumps, "part": part_of}
            raise ValueError(f"not known: {form[name.partition(' ')[0]](name)}")
        return name


def part_of(text: str) -> str:
    """Return the end of a text."""
    return text[-6:]


class TakesOrder(Chat):
    """Takes `Order` too."""

    @handles
    async def order(self, websocket: WebSocket, data: Order) -> None:
        """Ignore it."""


def fill(text: str, part: str) -> str:
    """Return a message of 1 MiB, with a part as often as it takes in a field."""
    begin, end = text.split("%s")
    number = (SIZE - len(text) - 20) // (len(part) + 1)
    return f'{{"type":"order",{begin}{",".join([part] * number)}{end}}}'


def members(number: int) -> str:
    """Return members of an object, each with another key."""
    return ",".join(f'"{MARKER}{index}":1' for index in range(number))


def tree(depth: int) -> str:
    """Return a tree without values."""
    return f'{{"left":{tree(depth - 1)},"right":{tree(depth - 1)}}}' if depth else "{}"


@anyio_test
@pytest.mark.parametrize(
    ("frame", "loc", "kind"),
    [
        pytest.param(fill('"items":[%s]', "1"), ["items", 0], "model_type", id="wrong items"),
        pytest.param(fill('"either":[%s,null]', '"x"'), ["either"], "invalid", id="a union"),
        pytest.param(
            f'{{"type":"order","tight":{{{members(40_000)}}}}}',
            ["tight"],
            "extra_forbidden",
            id="forbidden fields",
        ),
        pytest.param(
            f'{{"type":"order","shares":{{"{MARKER * 50_000}":{{}}}}}}',
            ["shares"],
            "invalid",
            id="a long key",
        ),
        pytest.param(f'{{"type":"order","tree":{tree(14)}}}', ["tree"], "invalid", id="a tree"),
    ],
)
async def test_l12_large_message_has_one_error(frame: str, loc: list[str | int], kind: str) -> None:
    """However many things are wrong with it."""
    assert SIZE / 4 < len(frame) <= SIZE
    error = await error_for(TakesOrder, frame)
    assert [(detail["loc"], detail["type"]) for detail in error["errors"]] == [(loc, kind)]
    assert "more" not in error


@anyio_test
@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        pytest.param(f'"{MARKER}":1', "", id="extra field"),
        pytest.param(f'"tight":{{"{MARKER}":1}}', "tight", id="extra field within"),
        pytest.param(
            f'"shares":{{"{MARKER}":{{"name":"","price":1,"number":[]}}}}',
            "shares.number",
            id="key",
        ),
    ],
)
async def test_l13_place_has_declared_names_alone(fields: str, loc: str) -> None:
    """A name that the client chose is left out of the path."""
    error = await error_for(TakesOrder, f'{{"type":"order",{fields}}}')
    assert [".".join(detail["loc"]) for detail in error["errors"]] == [loc]


@anyio_test
@pytest.mark.parametrize("form", ["lower", "repr", "json", "part"])
async def test_l14_text_of_a_validator_repeats_no_form_of_the_input(form: str) -> None:
    """Its type is told, without the text."""
    error = await error_for(
        TakesOrder, json.dumps({"type": "order", "name": f"{form} Zürich {MARKER}"})
    )
    (detail,) = error["errors"]
    assert detail == {"loc": ["name"], "type": "value_error", "msg": "Value error"}


@anyio_test
@pytest.mark.parametrize(
    ("tag", "answer"),
    [
        ("code", {"code": "error", "code_": "invalid_message"}),
        ("errors", {"errors": "error", "code": "invalid_message"}),
    ],
)
async def test_l15_tag_is_not_overwritten(tag: str, answer: dict[str, str]) -> None:
    """Of the answer's own fields, the one with the name of the tag gets an underscore."""
    hints: dict[str, Any] = {tag: Literal["one"]}
    message = type("Message", (BaseModel,), {"__annotations__": hints})

    class Tagged(Noting):
        encoding = "json"

        @handles
        async def one(self, websocket: WebSocket, data: message) -> None:  # type: ignore[valid-type]  # made here
            """Ignore it."""

    async with play(Tagged, debug="the message is not one") as client:
        await client.send_json({tag: "two"})
        error = await client.receive_json()
        await client.close(1000)
    details = error.pop("errors_" if tag == "errors" else "errors")
    assert error == answer
    assert [detail["loc"] for detail in details] == [[tag]]


class And(BaseModel):
    """A part of an expression."""

    operands: list["And | Or"]


class Or(BaseModel):
    """Another."""

    alternatives: list["And | Or"]


def test_l16_union_without_a_tag_that_is_a_part_of_itself_is_warned_of() -> None:
    """Each level of a message is tried against all members."""
    with pytest.warns(ConfigurationWarning, match=re.escape("And | Or is a part of itself")) as it:

        class Slow(WebSocketEndpoint):  # pyright: ignore[reportUnusedClass]  # made
            encoding = "json"

            async def on_receive(self, websocket: WebSocket, data: And) -> None:
                pass

    assert len(it) == 1
    assert it[0].filename == __file__
