"""The answer to an invalid message is bounded, in what it costs and in what it tells.

What a message costs is counted in errors, and in what pydantic copies into them: time and memory
follow from these. `python -m benchmarks.bad_input` has them in milliseconds and MiB.
"""

import json
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, to_json

from tests.messages.odd_types import TYPES, nearly
from tests.messages.worst_messages import MESSAGES, MIB
from wsendpoints.messages import validators
from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.validators import Validator
from wsendpoints.protocol.exceptions import ClientMessageError


def refusal(annotation: Any, frame: str) -> tuple[list[Any], ClientMessageError]:
    """Return pydantic's errors in a frame, and what the client is told."""
    validator = Validator(TypeAdapter[Any](annotation))
    with pytest.raises(ValidationError) as caught:
        validator.validate_json(frame)
    errors = caught.value.errors(include_url=False)
    return errors, to_client_error(caught.value, validator.places, frame, json=True)


@pytest.mark.parametrize("name", MESSAGES)
def test_message_has_few_errors_and_few_copies(name: str) -> None:
    """One of 1 MiB that is made to have as many as it can."""
    message = MESSAGES[name]
    frame = message.make()
    assert MIB / 2 < len(frame) <= MIB
    errors, error = refusal(message.annotation, frame)
    assert len(errors) <= message.errors
    copied = sum(len(to_json(detail["input"])) for detail in errors if _is_copy(detail))
    assert copied <= message.copies * len(frame)
    assert sum(len(to_json(detail["loc"])) for detail in errors) <= message.copies * len(frame)
    assert len(to_json(ErrorWriter("type", None).invalid(error, None))) < 4096


def _is_copy(detail: Any) -> bool:
    return type(detail["input"]) is not object


SECRETS: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("ßıſΣ\\\"'<&%"),
    min_size=4,
    max_size=12,
)

FORMS: Final[list[Callable[[str], str]]] = [
    str,
    str.lower,
    str.upper,
    str.casefold,
    repr,
    ascii,
    json.dumps,
    quote,
    lambda text: unicodedata.normalize("NFKC", text),
    lambda text: text[:4],
    lambda text: text[-4:],
    lambda text: text[1:5].upper(),
    lambda text: f"{text[:4]}… ({len(text)} characters)",
]


def custom_error(text: Any) -> Exception:
    """Return an error with a value in its template."""
    return PydanticCustomError("custom", text.replace("{", "("))


def custom_error_about(text: str) -> Exception:
    """Return an error with a value beside its template."""
    return PydanticCustomError("custom", "no {value}", {"value": text})


EXCEPTIONS: Final[list[Callable[[str], Exception]]] = [
    ValueError,
    AssertionError,
    custom_error,
    custom_error_about,
]


@pytest.mark.parametrize("form", range(len(FORMS)))
@pytest.mark.parametrize("exception", range(len(EXCEPTIONS)))
@pytest.mark.parametrize("kind", ["after", "before", "plain", "wrap", "model", "other field"])
def test_m17_answer_repeats_no_part_of_what_was_sent(form: int, exception: int, kind: str) -> None:
    """Whatever a validator makes of it, and wherever it comes from."""

    def refuse(value: Any) -> Any:
        raise EXCEPTIONS[exception](f"{FORMS[form](value)} is wrong")

    annotation = make_type(kind, refuse)

    @settings(max_examples=15, deadline=None, database=None)
    @given(SECRETS)
    def check(secret: str) -> None:
        frame = json.dumps({"value": secret, "other": "x", "items": {secret: "x"}})
        _, error = refusal(annotation, frame)
        # What we say may be the same by chance.
        assume(not shares(secret, OURS))
        answer = ErrorWriter("type", None).invalid(error, None)
        told = [f"{it['loc']} {it['type']} {it['msg']}" for it in answer.pop("errors")]
        assert not shares(secret, " ".join([*told, str(answer)]))

    check()


SENTINEL: Final = 'Zwölf "Quux" & <Wibble>'

SENTINELS: Final = st.sampled_from(
    [SENTINEL, [SENTINEL], {SENTINEL: 1}, {SENTINEL: {"a": SENTINEL}}, {"a": SENTINEL}]
)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("size", [10**6, -1], ids=["small", "large"])
def test_m17_answer_repeats_nothing_whatever_the_type(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a value nor a key; and it has few errors."""
    monkeypatch.setattr(validators, "_SMALL", size)
    annotation, values = TYPES[name]
    validator = Validator(TypeAdapter[Any](annotation))

    @settings(max_examples=40, deadline=None, database=None)
    @given(nearly(values, SENTINELS, SENTINEL))
    def check(value: Any) -> None:
        frame = json.dumps(value)
        try:
            validator.validate_json(frame)
        except ValidationError as exc:
            number = exc.error_count()
            error = to_client_error(exc, validator.places, frame, json=True)
        else:
            return
        assert number <= 20
        answer = ErrorWriter("type", None).invalid(error, None)
        assert not shares(SENTINEL, to_json(answer).decode())
        assert not shares(SENTINEL, str(answer))

    check()


def shares(secret: str, answer: str) -> bool:
    """Whether four characters of a secret, in some form, stand in an answer."""
    parts = [secret[at : at + 4] for at in range(len(secret) - 3)]
    answer = answer.casefold()
    return any(form(part).strip("'\"").casefold() in answer for part in parts for form in SEEN_AS)


SEEN_AS: Final[list[Callable[[str], str]]] = [str, str.upper, repr, ascii, json.dumps, quote]


OURS: Final = (
    '{"type":"error","code":"invalid_message","errors":[{"loc":["value","items"],"type":"custom",'
    '"msg":"Value error"},"Assertion failed","Input is not valid","value_error","assertion_error",'
    '"int_parsing","Input should be a valid integer, unable to parse string as an integer","other"]'
    "}"
)


def make_type(kind: str, refuse: Callable[..., Any]) -> Any:
    """Return a model that refuses its value in one of pydantic's ways."""

    class Message(BaseModel):
        value: Any
        other: str = ""
        items: dict[str, int] = {}

    if kind == "model":

        class Whole(Message):
            items: Any = None

            @model_validator(mode="after")
            def check(self) -> "Whole":
                return refuse(self.value)  # type: ignore[no-any-return]

        return Whole
    if kind == "other field":

        class Other(Message):
            @field_validator("other")
            @classmethod
            def check(cls, other: str, info: ValidationInfo) -> str:
                return refuse(info.data["value"])  # type: ignore[no-any-return]

        return Other
    validators: dict[str, Any] = {
        "after": AfterValidator(refuse),
        "before": BeforeValidator(refuse),
        "plain": PlainValidator(refuse),
        "wrap": WrapValidator(lambda value, _: refuse(value)),
    }
    return create_model("Field", __base__=Message, value=(Annotated[str, validators[kind]], ...))
