"""Whether a schema takes all that another one takes, and what it does not take."""

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from wsendpoints.contract.narrowing import Difference, Narrowing
from wsendpoints.contract.schemas import COMPONENTS
from wsendpoints.contract.validity import is_valid

STRING: Final[Any] = {"type": "string"}
INTEGER: Final[Any] = {"type": "integer"}
NULL: Final[Any] = {"type": "null"}


def thing(required: Any = (), **properties: Any) -> Any:
    """Return the schema of objects."""
    return {"type": "object", "properties": properties, "required": [*required]}


def tagged(tag: str, **properties: Any) -> Any:
    """Return the schema of a message."""
    return thing(["type", *properties], type={"const": tag}, **properties)


def told(one: Any, other: Any, *, is_sent: bool = False, components: Any = None) -> list[str]:
    """Return the differences in words, with a question mark behind those that are not certain."""
    narrowing = Narrowing(components or {}, components or {}, ignores_undeclared=is_sent)
    return [
        f"{it.where}: {it.what}".removeprefix(": ") + ("" if it.is_certain else "?")
        for it in narrowing.differences(one, other)
    ]


REF: Final = {name: {"$ref": f"{COMPONENTS}{name}"} for name in ("A", "B", "Loop", "Missing")}

SAME: Final[list[Any]] = [
    True,
    False,
    {},
    STRING,
    {"type": ["string", "null"]},
    {"anyOf": [STRING, NULL]},
    {"enum": ["a", 1, None, True]},
    {"type": "boolean"},
    tagged("a", text=STRING),
    {"oneOf": [tagged("a"), tagged("b")]},
    {"type": "array", "items": [STRING, INTEGER], "minItems": 2, "maxItems": 2},
    {"type": "array", "uniqueItems": True, "items": INTEGER},
    {"type": "object", "additionalProperties": INTEGER, "propertyNames": {"maxLength": 3}},
    {"type": "object", "patternProperties": {"^a": INTEGER}},
    {"type": "string", "format": "date"},
    {"type": "number", "minimum": 0, "exclusiveMaximum": 5.5, "multipleOf": 0.5},
    {"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}},
]


@pytest.mark.parametrize("schema", SAME, ids=str)
def test_schema_takes_what_it_takes(schema: Any) -> None:
    """Nothing is different of the same."""
    assert told(schema, schema) == []


@pytest.mark.parametrize(
    ("one", "other", "texts"),
    [
        ({"type": ["string", "integer"]}, {"anyOf": [INTEGER, STRING]}, []),
        ({"anyOf": [INTEGER, {"type": "number"}]}, {"type": "number"}, []),
        ({"type": ["integer", "number"]}, {"type": "number"}, []),
        ({"type": "number"}, INTEGER, ["numbers that are not whole"]),
        (True, STRING, ["values of other types"]),
        ({"enum": [1, 2]}, {"enum": [2]}, ["1"]),
        ({"type": "boolean"}, {"const": True}, ["false"]),
        (STRING, {"enum": ["a", "b"]}, ['anything but "a", "b"']),
        (INTEGER, STRING, ["integers"]),
        ({"type": "number"}, STRING, ["numbers"]),
        ({"type": "array"}, STRING, ["lists"]),
        ({"type": "object"}, STRING, ["objects"]),
        (STRING, INTEGER, ["texts"]),
        ({"const": "a"}, {"type": "string", "format": "date"}, ['"a"?']),
        ({"const": "a"}, {"anyOf": [{"type": "string", "format": "date"}, {"const": "a"}]}, []),
        # Conditions that are not understood.
        ({"const": "a"}, {"type": "string", "if": True, "then": False}, ['"a"?']),
        ({"const": 1}, {"anyOf": [{"enum": [1], "if": True}, {"type": "number"}]}, []),
        (STRING, {"type": "string", "not": {"const": "a"}}, ["what is restricted by not?"]),
        ({"type": "string", "not": {}}, INTEGER, ["texts?"]),
        (
            {"type": "string", "not": {}},
            {"type": "string", "maxLength": 1},
            ["texts longer than 1?"],
        ),
        ({"enum": ["a"], "not": {}}, INTEGER, ['"a"?']),
        # What is to be all of several.
        ({"allOf": [STRING, {"maxLength": 3}]}, {"type": "string", "maxLength": 3}, []),
        ({"allOf": [{"minLength": 1}, {"minLength": 2}], "type": "string"}, {"minLength": 2}, []),
        (
            {"allOf": [{"type": ["string", "null"]}, {"type": ["string", "integer"]}]},
            STRING,
            [],
        ),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, {"const": 2}, []),
        ({"allOf": [{"enum": [1]}, {"enum": [2]}]}, STRING, []),
        ({"allOf": [thing(["a"], a=STRING), thing(["b"], b=STRING)]}, thing(["a", "b"]), []),
        (
            {"allOf": [thing(a=STRING), thing(a={"maxLength": 3})]},
            thing(a={"type": "string", "maxLength": 3}),
            [],
        ),
        (
            {
                "type": "object",
                "allOf": [
                    {"additionalProperties": INTEGER},
                    {"additionalProperties": {"maximum": 3}},
                ],
            },
            {"additionalProperties": {"type": "integer", "maximum": 3}},
            [],
        ),
        (
            {"type": "string", "allOf": [{"pattern": "a"}, {"pattern": "b"}]},
            {"type": "string", "pattern": "b"},
            ["texts that do not match b?"],
        ),
        # Objects.
        (thing(a=STRING), thing(["a"]), ["a: messages without it"]),
        (thing(a=STRING), thing(a=INTEGER), ["a: texts"]),
        (thing(a=thing(b=STRING)), thing(a=thing(b=INTEGER)), ["a.b: texts"]),
        (
            thing(a=False),
            {"type": "object", "additionalProperties": False},
            ["fields that are not declared"],
        ),
        (
            {**thing(a=STRING), "additionalProperties": False},
            {"type": "object", "additionalProperties": False},
            ["a: this field"],
        ),
        (
            {"additionalProperties": True, "type": "object"},
            thing(a=INTEGER),
            ["a: values of other types"],
        ),
        (
            {"type": "object", "additionalProperties": True},
            {"additionalProperties": False},
            ["fields of any name"],
        ),
        (
            {"type": "object", "additionalProperties": STRING},
            {"additionalProperties": INTEGER},
            ["{}: texts"],
        ),
        (
            {"type": "object", "additionalProperties": thing(a=STRING)},
            {"additionalProperties": thing(a=INTEGER)},
            ["{}.a: texts"],
        ),
        (
            {"type": "object", "additionalProperties": STRING},
            {"propertyNames": {"maxLength": 3}},
            ["texts longer than 3, as the name of a field"],
        ),
        (
            {"type": "object", "patternProperties": {"^a": STRING}},
            {"patternProperties": {"^a": INTEGER}},
            ["{}: texts, in fields like ^a"],
        ),
        (
            {"type": "object", "patternProperties": {"^a": STRING}},
            {
                "type": "object",
                "patternProperties": {"^b": STRING},
                "additionalProperties": INTEGER,
            },
            ["{}: texts, in fields like ^a?", "fields like ^b?"],
        ),
        ({"type": "object"}, {"minProperties": 1}, ["fewer than 1 fields"]),
        (thing(["a"]), {"minProperties": 1}, []),
        (thing(a=STRING, b=STRING), {"maxProperties": 1}, ["more than 1 fields"]),
        (thing(a=STRING), {"maxProperties": 1}, []),
        (
            {"type": "object", "additionalProperties": True},
            {"maxProperties": 1},
            ["more than 1 fields"],
        ),
        (
            {"type": "object", "patternProperties": {"^a": STRING}},
            thing(ab=INTEGER, b=INTEGER),
            ["ab: texts"],
        ),
        # Arrays.
        ({"type": "array"}, {"minItems": 1}, ["fewer than 1 items"]),
        ({"type": "array"}, {"maxItems": 1}, ["more than 1 items"]),
        ({"type": "array"}, {"uniqueItems": True}, ["items that are there twice"]),
        ({"type": "array", "maxItems": 1}, {"uniqueItems": True}, []),
        ({"type": "array", "items": STRING}, {"items": INTEGER}, ["[]: texts"]),
        ({"type": "array", "items": STRING, "maxItems": 0}, {"items": INTEGER}, []),
        (
            {"type": "array", "items": STRING},
            {"items": [INTEGER], "additionalItems": False},
            ["more than 1 items", "[0]: texts"],
        ),
        (
            {"type": "array", "items": [STRING, INTEGER], "additionalItems": False},
            {"items": [STRING]},
            [],
        ),
        (
            {"type": "array", "items": {"type": "array", "items": STRING}},
            {"items": {"type": "array", "items": INTEGER}},
            ["[][]: texts"],
        ),
        # Several that may be meant.
        ({"anyOf": [tagged("a"), tagged("b")]}, {"anyOf": [tagged("b"), tagged("a")]}, []),
        (tagged("c"), {"anyOf": [tagged("b"), tagged("a")]}, ['messages with type = "c"']),
        (tagged("a", x=STRING), {"anyOf": [tagged("b"), tagged("a", x=INTEGER)]}, ["x: texts"]),
        (
            thing(["a"], a=STRING),
            {"anyOf": [thing(["a", "b"]), thing(["a", "c"])]},
            ["b: messages without it"],
        ),
        (
            thing(["a"], a=STRING),
            {"anyOf": [thing(a=INTEGER), thing(a=NULL)]},
            ["a: texts?"],
        ),
        (
            {"type": "integer", "minimum": 0, "maximum": 9},
            {"anyOf": [{"type": "integer", "maximum": 5}, {"type": "integer", "minimum": 4}]},
            ["numbers above 5?"],
        ),
        ({"enum": ["x"]}, {"anyOf": [STRING, INTEGER]}, []),
    ],
    ids=str,
)
def test_differences(one: Any, other: Any, texts: list[str]) -> None:
    """What is not taken is told, and whether that is certain."""
    assert told(one, other) == texts


def test_server_writes_no_undeclared_fields() -> None:
    """A class that does not refuse them has none either."""
    assert told(thing(a=STRING), {**thing(a=STRING), "additionalProperties": False}) == [
        "fields that are not declared"
    ]
    assert (
        told(thing(a=STRING), {**thing(a=STRING), "additionalProperties": False}, is_sent=True)
        == []
    )


def test_recursive_schemas_are_compared() -> None:
    """They are held to be taken until something contradicts that."""
    tree = {"A": thing(next=REF["A"], text=STRING), "B": thing(next=REF["B"], text=INTEGER)}
    assert told(REF["A"], REF["A"], components=tree) == []
    assert told(REF["A"], REF["B"], components=tree) == ["text: texts"]
    # What was held for a part is not held any more once the whole is contradicted.
    one, other = (thing(first=thing(next=it), second=thing(next=it)) for it in (REF["A"], REF["B"]))
    assert told(one, other, components=tree) == [
        "first.next.text: texts",
        "second.next.text: texts",
    ]


def test_references_that_lead_nowhere() -> None:
    """What they refer to is not understood."""
    loop = {"Loop": {"anyOf": [REF["Loop"], STRING]}}
    assert told(REF["Loop"], STRING, components=loop)[0].endswith("?")
    assert told(REF["Missing"], STRING) != []
    assert all(it.endswith("?") for it in told(REF["Missing"], STRING))
    assert told(STRING, REF["Missing"]) == ["what is restricted by not?"]


def test_too_much_is_not_compared() -> None:
    """It can't be told of what is too deep, or has too many alternatives."""
    one, other = STRING, INTEGER
    for _ in range(200):
        one, other = ({"type": "array", "items": it} for it in (one, other))
    assert told(one, other)[0].endswith("[]: what is nested too deep to be compared?")
    many = {"allOf": [{"anyOf": [{"minLength": it} for it in range(30)]}] * 3}
    assert told(many, STRING)[0].endswith("?")
    more = {"allOf": [*many["allOf"], {"minLength": 31}]}
    assert told(many, more)[0].endswith("?")
    assert told(many, many) == []


def test_conditions_that_refer_to_something() -> None:
    """They are the same where the documents are."""
    schema = {"type": "string", "not": REF["A"]}
    assert told(schema, schema, components={"A": {"const": "a"}}) == []
    one, other = ({"A": {"const": it}} for it in "ab")
    narrowing = Narrowing(one, other, ignores_undeclared=False)
    (difference,) = narrowing.differences(schema, schema)
    assert (difference.what, difference.is_certain) == ("what is restricted by not", False)


def test_schemas_may_overlap() -> None:
    """Whether a message may be either of two."""
    narrowing = Narrowing({}, {}, ignores_undeclared=False)
    assert narrowing.overlaps(tagged("a", x=STRING), tagged("a", x=INTEGER))
    assert not narrowing.overlaps(tagged("a"), tagged("b"))
    assert not narrowing.overlaps(STRING, INTEGER)
    assert narrowing.overlaps(INTEGER, {"type": "number"})
    assert narrowing.overlaps({"enum": [1, "a"]}, {"enum": ["a"]})
    assert narrowing.overlaps({"const": "a"}, STRING)
    assert narrowing.overlaps(STRING, {"const": "a"})
    assert not narrowing.overlaps({"const": 1}, STRING)


def test_difference_is_seen_from_what_holds_it() -> None:
    """A place has the names of all that leads there."""
    difference = Difference("texts")
    for step in ("name", "[]", "members", "{}", "rooms"):
        difference = difference.within(step)
    assert difference.where == "rooms{}.members[].name"


SCALARS: Final = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 8), st.sampled_from(["", "a", "ab", "abc"])
)
VALUES: Final[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "ab"]), inner, max_size=2),
    ),
    max_leaves=4,
)
BOUND: Final = st.integers(0, 3)


def optional(kind: str, **entries: Any) -> SearchStrategy[Any]:
    """Return schemas of a type with some of these entries."""
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=entries)


def objects(properties: Any, patterns: Any, required: Any, further: Any) -> Any:
    """Return the schema of objects that says of each field what it may be."""
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": patterns,
        "required": [*required],
        "additionalProperties": further,
    }


def schemas(inner: Any) -> SearchStrategy[Any]:
    """Return schemas in which others stand."""
    names = st.sampled_from(["a", "b"])
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            objects,
            st.dictionaries(names, inner, max_size=2),
            st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=1),
            st.sets(names),
            st.one_of(st.booleans(), inner),
        ),
        optional("array", items=inner, minItems=BOUND, maxItems=BOUND, uniqueItems=st.booleans()),
        st.fixed_dictionaries({"anyOf": some}),
        st.fixed_dictionaries({"allOf": some}),
    )


PLAIN: Final[Any] = [{"type": it} for it in ("null", "boolean", "string", "number")]

SCHEMAS: Final[Any] = st.recursive(
    st.one_of(
        st.sampled_from([True, *PLAIN]),
        optional("string", minLength=BOUND, maxLength=BOUND),
        optional("integer", minimum=BOUND, exclusiveMaximum=BOUND, multipleOf=st.integers(1, 3)),
        st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1, max_size=3)}),
    ),
    schemas,
    max_leaves=4,
)


@given(SCHEMAS, SCHEMAS, st.lists(VALUES, min_size=20, max_size=20))
@settings(max_examples=150, deadline=None)
def test_what_has_no_difference_is_taken(one: Any, other: Any, values: list[Any]) -> None:
    """There is no value that one schema takes and the other one does not."""
    if not told(one, other):
        for value in values:
            assert not is_valid(value, one, {}) or is_valid(value, other, {})
