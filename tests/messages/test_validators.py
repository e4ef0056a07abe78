"""A validator takes what pydantic takes, and no more; only its errors are fewer."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import BaseModel, TypeAdapter, ValidationError

from tests.messages.odd_types import TYPES, Before, Closed, Strict, nearly
from wsendpoints.messages import validators
from wsendpoints.messages.bounded_schemas import ABSENT, FLOODED, INVALID
from wsendpoints.messages.validators import Validator, compile_serializer


def outcome(validate: Any, frame: Any) -> tuple[Any, list[Any]]:
    """Return what a frame becomes, and the errors in it."""
    try:
        return validate(frame), []
    except ValidationError as exc:
        return None, exc.errors()


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("size", [10**6, -1], ids=["small", "large"])
def test_the_same_is_valid_and_becomes_the_same(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the type, in JSON and outside of it; and it is refused for the same reason."""
    monkeypatch.setattr(validators, "_SMALL", size)
    annotation, values = TYPES[name]
    adapter = TypeAdapter[Any](annotation)
    ours = Validator(adapter)

    @settings(max_examples=25, deadline=None, database=None)
    @given(nearly(values))
    def compare(value: Any) -> None:
        frame = json.dumps(value)
        cases: list[Any] = [(ours.validate_json, adapter.validator.validate_json, frame)]
        if isinstance(value, dict):
            cases.append((ours.validate_python, adapter.validator.validate_python, value))
        for validate, validate_as_pydantic, sent in cases:
            found, errors = outcome(validate, sent)
            expected, all_errors = outcome(validate_as_pydantic, sent)
            assert found == expected
            assert type(found) is type(expected)
            assert len(errors) <= len(all_errors)
            kinds = [error["type"] for error in all_errors]
            # A large object with a forbidden field is refused for that alone.
            large_kinds = {*kinds, *(AS_A_MODEL.get(kind, INVALID) for kind in kinds)}
            expected_kinds = large_kinds if size < 0 else {*kinds[:1]}
            assert {kind_of(error) for error in errors[:1]} <= expected_kinds
            assert bool(errors) is bool(all_errors)

    compare()


AS_A_MODEL = {
    "dataclass_type": "model_type",
    "unexpected_keyword_argument": "extra_forbidden",
}
"""What becomes of the errors of a large dataclass that forbids fields."""


def kind_of(error: Any) -> str:
    """Return what pydantic calls an error."""
    names = {id(ABSENT): "missing", id(FLOODED): "extra_forbidden"}
    return names.get(id(error["input"])) or str(error["type"])


@pytest.mark.parametrize("sent_as", ["python", "json"])
@pytest.mark.parametrize("annotation", [Strict, Before, Closed])
def test_object_ends_at_its_first_forbidden_field_if_it_is_large(
    annotation: Any, sent_as: str
) -> None:
    """A small one has an error for each, and for whatever else is wrong."""
    validator = Validator(TypeAdapter(annotation))
    few: Any = {"a": "x", "c": 1, "d": 1, "e": 1}
    many: Any = few | dict.fromkeys(map(str, range(10_000)), 1)
    if sent_as == "python":
        errors = [outcome(validator.validate_python, value)[1] for value in (few, many)]
    else:
        errors = [outcome(validator.validate_json, json.dumps(value))[1] for value in (few, many)]
    assert {error["loc"] for error in errors[0]} == {("a",), ("c",), ("d",), ("e",)}
    assert [(error["loc"], error["input"]) for error in errors[1]] == [((), FLOODED)]


class Inner(BaseModel):
    """A model in another."""

    a: list[int]


class Outer(BaseModel):
    """The other."""

    inner: Inner


TWO_WRONG = '{"inner": {"a": ["x", "y"]}}'


def test_bounds_hold_in_a_model_within() -> None:
    """Pydantic would take the validator that it has made with its class."""
    _, errors = outcome(Validator(TypeAdapter(Outer)).validate_json, TWO_WRONG)
    assert [error["loc"] for error in errors] == [("inner", "a", 0)]


def test_class_of_a_model_is_not_changed() -> None:
    """Nor is what pydantic has made for it: it is shared."""
    before = repr(Outer.__pydantic_core_schema__)
    Validator(TypeAdapter(Outer))
    assert repr(Outer.__pydantic_core_schema__) == before
    assert len(outcome(Outer.model_validate_json, TWO_WRONG)[1]) == 2


def test_pydantic_may_lack_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds are fewer then; the same is valid."""
    monkeypatch.setattr(validators, "_OPTIONS", {})
    validator = Validator(TypeAdapter(Outer))
    found, errors = outcome(validator.validate_json, TWO_WRONG)
    assert (found, len(errors)) == (None, 2)
    assert validator.validate_json('{"inner": {"a": [1]}}') == Outer(inner=Inner(a=[1]))


class Observed:
    """A validator as a plugin of pydantic's makes it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def validate_json(self, frame: Any) -> Any:
        """See a frame."""
        self.seen.append(frame)

    def validate_python(self, value: Any) -> Any:
        """See a value."""
        self.seen.append(value)


@pytest.mark.parametrize("size", [10**6, -1], ids=["small", "large"])
def test_value_of_a_frame_is_validated_as_its_length_says(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a codec reads may have no length; that of the frame counts."""
    monkeypatch.setattr(validators, "_SMALL", size)
    bounds = {list[int]: 1, Closed: 3 if size > 0 else 1, int: 1}
    for annotation, number in bounds.items():
        validator = Validator(TypeAdapter[Any](annotation), is_json=False)
        read = validator.reading(lambda frame: json.loads(frame))
        found, errors = outcome(read, b'{"x": 1, "y": 2}')
        assert (found, len(errors)) == (None, number)
    assert Validator(TypeAdapter(int)).reading(int)("5") == 5


def test_changed_serializer_is_not_that_of_the_class() -> None:
    """It writes what its schema says."""
    schema: Any = TypeAdapter(Outer).core_schema
    assert compile_serializer(schema).to_python(Outer(inner=Inner(a=[1]))) == {"inner": {"a": [1]}}


def test_plugin_of_pydantic_sees_what_is_validated() -> None:
    """Its validator is taken as it is."""
    adapter = TypeAdapter(Strict)
    plugin = Observed()
    adapter.validator = plugin  # type: ignore[assignment]  # what a plugin makes
    validator = Validator(adapter)
    validator.validate_json("{}")
    validator.validate_python({})
    assert plugin.seen == ["{}", {}]
