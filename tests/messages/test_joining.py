"""How a union is arranged, so that pydantic tries few of its members."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
)
from pydantic import ValidationError as Invalid

from tests.messages.test_tags_of_unions import TAGS
from tests.some_messages import Leave, Plain, Say
from wsendpoints.messages.joining import join, takes_anything

tried: Final[list[str]] = []
"""The members of a union that were tried for a message."""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    tried.clear()
    yield
    tried.clear()


def spy(name: str) -> Any:
    """Return a type of any text that records that it is tried."""

    def record(value: Any) -> Any:
        tried.append(name)
        return value

    return Annotated[str, BeforeValidator(record)]


def joined(*union: Any) -> TypeAdapter[Any]:
    """Return the adapter of a union."""
    return TypeAdapter(join(union))


@pytest.mark.parametrize(("objects", "tag"), TAGS[1:])
def test_union_of_any_objects_compiles(objects: list[Any], tag: str | None) -> None:
    """Pydantic can discriminate the union by the tag."""
    with pytest.raises(Invalid) as caught:
        joined(*objects).validate_json('{"text": 1}')
    is_tagged = tag is not None and len(objects) > 1
    assert (caught.value.errors()[0]["type"] == "union_tag_not_found") is is_tagged


def test_union_of_objects_and_others() -> None:
    """The tag tells objects apart; the other types are tried one by one."""
    adapter = joined(Say, int, Leave, None)
    assert adapter.validate_json('{"type": "leave"}') == Leave(type="leave")
    assert adapter.validate_json("5") == 5
    assert adapter.validate_json("null") is None
    with pytest.raises(Invalid) as caught:
        adapter.validate_json('{"type": "?"}')
    assert caught.value.errors()[0]["type"] == "union_tag_invalid"


class ByName(BaseModel):
    """Has a tag that may be written by name, and by alias."""

    model_config = ConfigDict(validate_by_name=True)
    kind: Literal["by name"] = Field(alias="@kind")


class Named(BaseModel):
    """Has another one."""

    model_config = ConfigDict(validate_by_name=True)
    kind: Literal["named"] = Field(alias="@kind")


@pytest.mark.parametrize(
    "message",
    [
        '{"@kind":"named"}',
        '{"kind":"named"}',
        '{"@kind":"named","kind":"by name"}',
        '{"kind":5,"@kind":"named"}',
    ],
)
def test_tag_is_read_as_its_field_is(message: str) -> None:
    """By its alias first, and else by its name."""
    made = joined(ByName, Named).validate_json(message)
    assert made == Named.model_validate_json(message)


# What is tried.


class Hear(BaseModel):
    """Has a tag, and a field that records that it is tried."""

    type: Literal["hear"]
    text: spy("hear")  # type: ignore[valid-type]


class See(BaseModel):
    """So has it."""

    type: Literal["see"]
    text: spy("see")  # type: ignore[valid-type]


class Untagged(BaseModel):
    """Has no tag."""

    text: spy("untagged")  # type: ignore[valid-type]


class Other(BaseModel):
    """Has neither."""

    other: int


class Shut(BaseModel):
    """Takes nothing that has a tag."""

    model_config = ConfigDict(extra="forbid")
    text: spy("shut")  # type: ignore[valid-type]


class AnyTag(BaseModel):
    """Takes any tag."""

    type: str
    text: spy("any tag")  # type: ignore[valid-type]


class Turn(NamedTuple):
    """An array, or an object."""

    op: Literal["turn"]
    by: spy("turn")  # type: ignore[valid-type]


class Stop(NamedTuple):
    """Another one."""

    op: Literal["stop"]
    why: spy("stop")  # type: ignore[valid-type]


def array(*literals: Any) -> Any:
    """Return the type of an array that begins with literals, and then has a text."""
    name = f"array {' '.join(map(str, literals))}"
    return tuple[*(Literal[it] for it in literals), spy(name)]  # type: ignore[misc]


ONE, TWO, THREE = array(1), array(2), array(3)
TWO_A, TWO_B = array(2, "a"), array(2, "b")
TEXT: Any = spy("text")
TEXTS: Any = list[spy("texts")]  # type: ignore[misc]
NAMES: Any = dict[str, spy("names")]  # type: ignore[misc]

_HEAR: Final = '{"type":"hear","text":"x"}'


@pytest.mark.parametrize(
    ("union", "message", "expected"),
    [
        pytest.param([Hear, See], _HEAR, ["hear"], id="tags"),
        pytest.param([Hear, See, TEXTS], _HEAR, ["hear"], id="a list beside tags"),
        pytest.param(
            [Hear, TEXT, See], _HEAR, ["hear", "see", "text"], id="anything, by a function, between"
        ),
        pytest.param([Hear, See, Untagged], _HEAR, ["hear"], id="fewer fields beside tags"),
        pytest.param([Untagged, Hear, See], _HEAR, ["hear"], id="fewer fields before tags"),
        pytest.param([Hear, Other, See, Untagged], _HEAR, ["hear"], id="two beside tags"),
        pytest.param([Hear, See, AnyTag], _HEAR, ["hear"], id="as many fields beside tags"),
        pytest.param([AnyTag, Hear, See], _HEAR, ["hear", "any tag"], id="as many before tags"),
        pytest.param(
            [AnyTag, Hear, Shut, See],
            '{"type":"see","text":"x"}',
            ["see", "any tag", "shut"],
            id="as many before tags, with another between",
        ),
        pytest.param([Hear, See, JsonValue], _HEAR, ["hear"], id="anything beside tags"),
        pytest.param([dict[str, Any], Hear, See], _HEAR, ["hear"], id="a dict before tags"),
        pytest.param([ONE, TWO, THREE], '[3,"x"]', ["array 3"], id="arrays"),
        pytest.param([ONE, Hear, TWO, See], '[2,"x"]', ["array 2"], id="arrays beside tags"),
        pytest.param([ONE, Hear, TWO, See], _HEAR, ["hear"], id="tags beside arrays"),
        pytest.param([ONE, TWO_A, TWO_B], '[2,"b","x"]', ["array 2 b"], id="by two items"),
        pytest.param([TWO_A, TWO_B], '[2,"a","x"]', ["array 2 a"], id="by the second item"),
        pytest.param([TWO, TWO_A, ONE], '[1,"x"]', ["array 1"], id="of several lengths"),
        pytest.param(
            [ONE, TWO, TEXTS], '["1","x"]', ["texts", "texts"], id="no such item beside a list"
        ),
        pytest.param([Turn, Stop], '["stop","x"]', ["stop"], id="named tuples"),
        pytest.param([Turn, Stop], '{"op":"stop","why":"x"}', ["stop"], id="as an object"),
        pytest.param([Turn, Stop, TWO], '[2,"x"]', ["array 2"], id="named tuples beside a tuple"),
        pytest.param([Turn, Hear, Stop, See], _HEAR, ["hear"], id="tags beside named tuples"),
    ],
)
def test_few_types_are_tried(union: list[Any], message: str, expected: list[str]) -> None:
    """Those that are not told apart from the one that takes the message."""
    joined(*union).validate_json(message)
    assert sorted(tried) == sorted(expected)


def test_hundred_arrays_cost_what_one_costs() -> None:
    """However many there are, one is tried."""
    adapter = joined(*(array(number) for number in range(100)))
    assert adapter.validate_json('[99,"x"]') == (99, "x")
    assert tried == ["array 99"]


@pytest.mark.parametrize(
    ("message", "loc", "kind"),
    [
        pytest.param('[4,"x"]', (), "union_tag_invalid", id="another item"),
        pytest.param('[[],"x"]', (), "union_tag_not_found", id="an item that can be no tag"),
        pytest.param("[]", (), "union_tag_not_found", id="no item"),
        pytest.param("5", (), "union_tag_not_found", id="no array"),
        pytest.param("{}", (), "union_tag_not_found", id="an object"),
        pytest.param("[2,5]", (2, 1), "string_type", id="within"),
    ],
)
def test_invalid_array_has_one_error(message: str, loc: Any, kind: str) -> None:
    """Not one for each type."""
    with pytest.raises(Invalid) as caught:
        joined(ONE, TWO, THREE).validate_json(message)
    assert [(it["loc"], it["type"]) for it in caught.value.errors()] == [(loc, kind)]


def test_expected_items_are_told() -> None:
    """So is that a named tuple may be an object."""
    with pytest.raises(Invalid) as caught:
        joined(Turn, Stop).validate_json('["?","x"]')
    assert caught.value.errors()[0]["msg"] == (
        "Input tag '?' found using item_0() does not match any of the expected tags: 'turn', "
        "'stop', 'an object'"
    )


# What is chosen.


@pytest.mark.parametrize(
    ("union", "message", "value"),
    [
        pytest.param([list[Any], tuple[int, int]], "[1,2]", (1, 2), id="list"),
        pytest.param([list, list[int]], '["1"]', [1], id="list of anything"),
        pytest.param([dict[str, Any], Plain], '{"text":"x"}', Plain(text="x"), id="dict"),
        pytest.param([dict[str, Any], dict[str, int]], '{"a":"1"}', {"a": 1}, id="dict of text"),
        pytest.param([dict[str, Any], list[Any]], "[1]", [1], id="of another kind"),
        pytest.param([JsonValue, list[Any], Say], "[1]", [1], id="the wider the later"),
        pytest.param([Any, Say], '{"type":"say"}', Say(), id="Any"),
        pytest.param([object, Say], '{"type":"?"}', {"type": "?"}, id="what nothing else takes"),
        pytest.param([Any, int], '"1"', 1, id="what is converted"),
    ],
)
def test_what_takes_anything_gets_what_nothing_else_takes(
    union: list[Any], message: str, value: Any
) -> None:
    """Wherever it stands in the union, and however exactly it takes a message."""
    for members in (union, [*reversed(union)]):
        made = joined(*members).validate_json(message)
        assert (type(made), made) == (type(value), value)


@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        (Any, "any JSON value"),
        (list, "any JSON array"),
        (dict[str, Any], "any JSON object"),
        (list[Any] | dict[str, Any], "any JSON array or object"),
        (str, None),
        (list[int], None),
        (Say, None),
    ],
    ids=str,
)
def test_what_a_type_takes_all_of(annotation: Any, what: str | None) -> None:
    """The words are for the text of an error."""
    assert takes_anything(annotation) == what


def marked(annotation: Any, mark: str) -> Any:
    """Return a type whose messages are marked, as those of a handler are."""
    return Annotated[annotation, AfterValidator(lambda value: (mark, value))]


@pytest.mark.parametrize(
    ("union", "message", "chosen"),
    [
        pytest.param([marked(str, "text"), marked(Literal["x"], "x")], '"x"', "x", id="literal"),
        pytest.param([marked(str, "text"), marked(Literal["x"], "x")], '"y"', "text", id="text"),
        pytest.param([marked(Literal["x"], "x"), marked(str, "text")], '"x"', "x", id="in order"),
        pytest.param(
            [marked(AnyTag, "any"), marked(Hear, "hear"), marked(See, "see")],
            _HEAR,
            "any",
            id="as many fields, the first",
        ),
        pytest.param(
            [marked(Hear, "hear"), marked(AnyTag, "any"), marked(See, "see")],
            '{"type":"see","text":"x"}',
            "any",
            id="as many fields, between",
        ),
        pytest.param(
            [marked(Hear, "hear"), marked(See, "see"), marked(AnyTag, "any")],
            '{"type":"see","text":"x"}',
            "see",
            id="as many fields, the last",
        ),
        pytest.param(
            [marked(Hear, "hear"), marked(NAMES, "names"), marked(See, "see")],
            '{"type":"see","text":"x"}',
            "names",
            id="a dict, which is exact",
        ),
        pytest.param(
            [marked(TEXTS, "texts"), marked(array("a"), "a"), marked(array("b"), "b")],
            '["b","x"]',
            "texts",
            id="as exact, the first",
        ),
        pytest.param(
            [marked(array("a"), "a"), marked(TEXTS, "texts"), marked(array("b"), "b")],
            '["b","x"]',
            "texts",
            id="as exact, between",
        ),
    ],
)
def test_the_one_that_pydantic_would_choose(union: list[Any], message: str, chosen: str) -> None:
    """Of two that take a message equally well it is the first; a literal is before a text."""
    assert joined(*union).validate_json(message)[0] == chosen


class Said(msgspec.Struct):
    """A message of msgspec's, which tells its types apart itself."""


def test_struct_does_not_take_anything() -> None:
    """Pydantic knows nothing of it."""
    assert takes_anything(Said) is None
    assert takes_anything(list[Said]) is None


def test_null_is_none_whatever_a_validator_makes_of_it() -> None:
    """Pydantic looks for it first, where `None` is a member of the union."""
    before = Annotated[int, BeforeValidator(lambda value: value or 1)]
    for union in ([before, Say, Leave, None], [None, before], [list[int], before, None]):
        adapter: TypeAdapter[Any] = TypeAdapter(join(union))
        assert adapter.validate_json("null") is None
        assert adapter.validate_json("0") == 1
    # Where it is none, a validator may take it.
    assert TypeAdapter[Any](join([before, Say, Leave])).validate_json("null") == 1
