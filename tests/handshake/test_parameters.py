"""Parameters from path and query: the path wins, and invalid ones are refused with a 422."""

import dataclasses
import enum
import json
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Json,
    RootModel,
    SecretStr,
    Tag,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType, TypedDict

from wsendpoints.connection.denial import DenialResponse
from wsendpoints.handshake.parameters import Parameters
from wsendpoints.handshake.request import Request
from wsendpoints.messages.client_errors import MAX_ERRORS
from wsendpoints.protocol.exceptions import ConfigurationError, Denied

SENT = "Sesame!Open"
NOT_INT = "Input should be a valid integer, unable to parse string as an integer"


def request_with(query: Any = b"", **path: Any) -> Request:
    """Return a request with this query and these path parameters."""
    return Request({"type": "websocket", "query_string": query, "path_params": path})


def read(annotation: Any, query: Any = b"", **path: Any) -> Any:
    """Return what a class with these parameters reads."""
    return Parameters(annotation, "Chat.params").read(request_with(query, **path))


def denied(annotation: Any, query: Any = b"", **path: Any) -> Denied:
    """Return the refusal of a class with these parameters."""
    with pytest.raises(Denied) as caught:
        read(annotation, query, **path)
    assert caught.value.status == 422
    assert caught.value.headers == [(b"content-type", b"application/json")]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return caught.value


def errors(annotation: Any, query: Any = b"", **path: Any) -> list[dict[str, Any]]:
    """Return the errors in the refusal."""
    body = json.loads(denied(annotation, query, **path).body)
    assert set(body) <= {"errors", "more"}
    found: list[dict[str, Any]] = body["errors"]
    return found


def model_of(annotation: Any, default: Any = ..., *, strict: bool = False) -> Any:
    """Return a model with one field, `it`."""
    fields: dict[str, Any] = {"it": (annotation, default)}
    return create_model("Params", __config__=ConfigDict(strict=strict), **fields)


class Colour(enum.StrEnum):
    """An enum of strings."""

    RED = "red"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1


class Model(BaseModel):
    """A model: two parameters, the second with a default."""

    room: str
    page: int = 1


@dataclasses.dataclass
class Dataclass:
    """The same as a dataclass."""

    room: str
    page: int = 1


@pydantic_dataclass(frozen=True)
class PydanticDataclass:
    """The same as a dataclass of pydantic's."""

    room: str
    page: int = 1


class Dict(TypedDict):
    """The same without the default."""

    room: str
    page: NotRequired[int]


@pytest.mark.parametrize("kind", [Model, Dataclass, PydanticDataclass], ids=lambda it: it.__name__)
def test_parameters_are_an_instance(kind: Any) -> None:
    """Parameters come from the path and the query, with defaults."""
    assert read(kind, b"page=5", room="lobby") == kind(room="lobby", page=5)
    assert read(kind, b"room=lobby") == kind(room="lobby", page=1)


def test_parameters_of_a_typed_dict_are_a_dict() -> None:
    """Its keys are those that were sent."""
    assert read(Dict, b"page=5", room="lobby") == {"room": "lobby", "page": 5}
    assert read(Dict, b"room=lobby") == {"room": "lobby"}


@pytest.mark.parametrize("kind", [Model, Dataclass, PydanticDataclass, Dict])
def test_h11_h12_invalid_parameters_are_refused(kind: Any) -> None:
    """Every parameter that is wrong has an error with its place, a type and a text."""
    assert errors(kind, b"page=x") == [
        {"loc": ["query", "room"], "type": "missing", "msg": "Field required"},
        {"loc": ["query", "page"], "type": "int_parsing", "msg": NOT_INT},
    ]
    assert errors(kind, b"room=lobby", page="x") == [
        {"loc": ["path", "page"], "type": "int_parsing", "msg": NOT_INT},
    ]


def test_refusal_can_be_sent_as_a_response() -> None:
    """Status, headers and body are those of an HTTP response."""
    refusal = denied(Model)
    response = DenialResponse(refusal.body, refusal.status, headers=refusal.headers)
    assert dict(response.headers)[b"content-type"] == b"application/json"
    assert response.body == (
        b'{"errors":[{"loc":["query","room"],"type":"missing","msg":"Field required"}]}'
    )


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        pytest.param(int, "5", 5, id="int"),
        pytest.param(float, "1.5", 1.5, id="float"),
        pytest.param(bool, "true", True, id="bool"),
        pytest.param(bool, "0", False, id="bool by number"),
        pytest.param(str, "5", "5", id="str"),
        pytest.param(bytes, "5", b"5", id="bytes"),
        pytest.param(date, "2026-01-31", date(2026, 1, 31), id="date"),
        pytest.param(uuid.UUID, str(uuid.UUID(int=1)), uuid.UUID(int=1), id="UUID"),
        pytest.param(Colour, "red", Colour.RED, id="enum"),
        pytest.param(Level, "1", Level.LOW, id="int enum"),
        pytest.param(Literal["a", "b"], "b", "b", id="Literal"),
        pytest.param(int | None, "5", 5, id="optional"),
        pytest.param(SecretStr, "5", SecretStr("5"), id="SecretStr"),
        pytest.param(Json[list[int]], "[1,2]", [1, 2], id="Json"),
    ],
)
@pytest.mark.parametrize("strict", [False, True], ids=["", "strict"])
def test_text_is_converted(annotation: Any, text: str, value: Any, strict: bool) -> None:
    """Text is converted even if the model is strict: a URL holds nothing else."""
    model = model_of(annotation, strict=strict)
    assert read(model, f"it={text}").it == value
    assert read(model, it=text).it == value


class Numbers(RootModel[list[int]]):
    """A list as a model."""


class Itself(RootModel["Itself | int"]):
    """A model that contains itself, but no list."""


class Pair(NamedTuple):
    """Two values."""

    one: int
    two: int


NamedList = TypeAliasType("NamedList", list[int])


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        pytest.param(list[int], [1, 2], id="list"),
        pytest.param(set[int], {1, 2}, id="set"),
        pytest.param(frozenset[int], frozenset({1, 2}), id="frozenset"),
        pytest.param(tuple[int, ...], (1, 2), id="tuple"),
        pytest.param(tuple[int, str], (1, "2"), id="tuple of two"),
        pytest.param(Pair, Pair(1, 2), id="named tuple"),
        pytest.param(deque[int], deque([1, 2]), id="deque"),
        pytest.param(Sequence[int], [1, 2], id="Sequence"),
        pytest.param(AbstractSet[int], {1, 2}, id="Set"),
        pytest.param(list[int] | None, [1, 2], id="optional list"),
        pytest.param(int | list[int], [1, 2], id="int or list"),
        pytest.param(NamedList, [1, 2], id="named alias"),
        pytest.param(Numbers, Numbers([1, 2]), id="root model"),
        pytest.param(Annotated[list[int], Field(max_length=2)], [1, 2], id="Annotated"),
        pytest.param(
            Annotated[list[int], BeforeValidator(lambda value: value)], [1, 2], id="validator"
        ),
        pytest.param(
            Annotated[
                Annotated[int, Tag("int")] | Annotated[list[int], Tag("type")],
                Discriminator(lambda value: "type"),
            ],
            [1, 2],
            id="tagged union",
        ),
        pytest.param(int, 2, id="int"),
        pytest.param(str, "2", id="str"),
        pytest.param(Any, "2", id="Any"),
        pytest.param(Itself, Itself(2), id="root model of itself"),
        pytest.param(Json[list[int]] | int, 2, id="Json of a list"),
    ],
)
@pytest.mark.parametrize("default", [..., None], ids=["required", "default"])
def test_h11_parameter_that_was_sent_twice(annotation: Any, value: Any, default: Any) -> None:
    """A list gets all values, anything else the last one."""
    assert read(model_of(annotation, default), b"it=1&other=3&it=2").it == value


def test_list_gets_a_parameter_that_was_sent_once() -> None:
    """It has one item; without the parameter it is missing."""

    class Params(BaseModel):
        tags: list[str]
        items: Iterable[int] = ()

    assert read(Params, b"tags=a").tags == ["a"]
    assert list(read(Params, b"tags=a&items=1").items) == [1]
    assert read(Params, b"tags=").tags == [""]
    assert errors(Params) == [
        {"loc": ["query", "tags"], "type": "missing", "msg": "Field required"}
    ]
    assert errors(Params, tags="a") == [
        {"loc": ["path", "tags"], "type": "list_type", "msg": "Input should be a valid list"}
    ]


def test_text_is_converted_for_a_strict_field() -> None:
    """A strict field refuses other types, but a URL holds nothing but text."""

    class Params(BaseModel):
        it: Annotated[int, Field(strict=True)]

    assert read(Params, b"it=5").it == 5


@pytest.mark.parametrize(
    ("query", "room"),
    [
        pytest.param(b"", "lobby", id="path alone"),
        pytest.param(b"room=admin", "lobby", id="clash"),
        pytest.param(b"room=admin&room=root", "lobby", id="clash, twice"),
        pytest.param(b"r%6f%6fm=admin", "lobby", id="clash, percent-encoded"),
    ],
)
def test_h12_path_wins_over_query(query: bytes, room: str) -> None:
    """The query can't change a parameter that the route was found by."""
    assert read(Model, query, room="lobby").room == room


class Aliased(BaseModel):
    """A model whose parameter has three names, and whose list has two."""

    model_config = ConfigDict(validate_by_name=True)
    room: str = Field(validation_alias=AliasChoices("r", "salon"))
    tags: list[str] = Field(default=[], alias="tag")


class OldStyle(BaseModel):
    """The same, with the old name of the setting."""

    model_config = ConfigDict(populate_by_name=True)
    room: str = Field(validation_alias=AliasChoices("r", "salon"))


@pytest.mark.parametrize("model", [Aliased, OldStyle])
@pytest.mark.parametrize("name", ["room", "r", "salon"])
@pytest.mark.parametrize("other", ["room", "r", "salon"])
def test_h12_path_wins_over_query_by_any_name(model: Any, name: str, other: str) -> None:
    """Pydantic takes the first alias that is present, which must not be the client's choice."""
    assert read(model, f"{other}=admin", **{name: "lobby"}).room == "lobby"
    assert read(model, f"{other}=admin").room == "admin"


@pytest.mark.parametrize("key", ["tag", "tags"])
def test_list_is_read_by_alias_and_by_name(key: str) -> None:
    """The model accepts both."""
    assert read(Aliased, f"r=1&{key}=a&{key}=b").tags == ["a", "b"]


def test_field_is_not_read_by_its_name_if_only_its_alias_counts() -> None:
    """A parameter of that name matches no field."""

    class Params(BaseModel):
        model_config = ConfigDict(extra="allow")
        tags: list[str] = Field(alias="tag")

    assert read(Params, b"tag=a&tags=b&tags=c").model_dump() == {"tags": "c"}
    assert read(Params, b"tag=a").tags == ["a"]
    assert errors(Params, b"tags=a")[0]["loc"] == ["query", "tag"]


def test_alias_may_be_generated() -> None:
    """Generated aliases, such as camel case for JavaScript, are names of the parameter."""

    class Params(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)
        room_names: list[str]

    assert read(Params, b"roomNames=a&roomNames=b").room_names == ["a", "b"]


def test_alias_may_be_a_path() -> None:
    """It is a path into the values of a parameter that was sent several times."""

    class Params(BaseModel):
        first: int = Field(validation_alias=AliasPath("n", 0))
        second: int = Field(validation_alias=AliasChoices("second", AliasPath("n", 1)))

    params = read(Params, b"n=1&n=2")
    assert (params.first, params.second) == (1, 2)
    assert read(Params, b"n=1&second=3").second == 3
    assert errors(Params, b"n=1&n=x") == [
        {"loc": ["query", "n", 1], "type": "int_parsing", "msg": NOT_INT}
    ]


def test_aliases_of_a_dataclass_and_of_a_typed_dict() -> None:
    """They are read as those of a model."""

    @dataclasses.dataclass
    class One:
        names: Annotated[list[str], Field(alias="name")]

    class Other(TypedDict):
        names: Annotated[list[str], Field(alias="name")]

    assert read(One, b"name=a&name=b") == One(["a", "b"])
    assert read(Other, b"name=a&name=b") == {"names": ["a", "b"]}


@pytest.mark.parametrize(
    ("extra", "query", "expected"),
    [
        pytest.param("ignore", b"x=1&x=2", {"room": "lobby"}, id="ignored"),
        pytest.param("allow", b"x=1&x=2", {"room": "lobby", "x": "2"}, id="kept"),
        pytest.param("forbid", b"", {"room": "lobby"}, id="forbidden, none there"),
    ],
)
def test_extra_parameters(extra: Any, query: bytes, expected: dict[str, Any]) -> None:
    """The model decides what becomes of parameters that match no field."""

    class Params(BaseModel):
        model_config = ConfigDict(extra=extra)
        room: str

    assert read(Params, query, room="lobby").model_dump() == expected


def test_extra_parameters_that_are_forbidden() -> None:
    """They are not named, except those of the path: the client did not choose those."""

    class Params(BaseModel):
        model_config = ConfigDict(extra="forbid")

    found = errors(Params, b"x=" + SENT.encode() + b"&" + b"y" * 1000 + b"=1", page="1")
    assert found == [
        {"loc": [*loc], "type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
        for loc in (("query",), ("path", "page"))
    ]


def test_errors_are_bounded() -> None:
    """There are ten errors at most, and the number of further ones."""
    fields: Any = {f"{'k' * 500}{number}": (int, ...) for number in range(900)}
    refusal = denied(create_model("Params", **fields), b"")
    body = json.loads(refusal.body)
    assert 0 < len(body["errors"]) <= MAX_ERRORS
    assert body["more"] == 900 - len(body["errors"])
    assert len(refusal.body) < 4500


class Checked(BaseModel):
    """A model with its own validators."""

    one: int = 1
    word: str = ""

    @field_validator("word")
    @classmethod
    def check_word(cls, word: str) -> str:
        """Refuse a word, and quote it."""
        if word:
            raise ValueError(f"no {word} here")
        return word

    @model_validator(mode="before")
    @classmethod
    def take_anything(cls, value: Any) -> Any:
        """Run before the fields are validated."""
        return value

    @model_validator(mode="after")
    def check(self) -> "Checked":
        """Refuse a number."""
        if self.one == 2:
            raise ValueError("one is two")
        return self


def test_error_of_the_model_as_a_whole() -> None:
    """It has no parameter, and counts as the query's."""
    assert errors(Checked, b"one=2") == [
        {"loc": ["query"], "type": "value_error", "msg": "Value error, one is two"}
    ]


def test_refusal_does_not_quote_what_was_sent() -> None:
    """It omits a validator's text, which may quote it, and names no class."""
    assert errors(Checked, f"word={SENT}") == [
        {"loc": ["query", "word"], "type": "value_error", "msg": "Value error"}
    ]


@pytest.mark.parametrize(
    "annotation",
    [int, Level, Colour, uuid.UUID, date, Json[int], Annotated[str, Field(max_length=1)]],
    ids=str,
)
def test_error_of_a_type_does_not_quote_what_was_sent(annotation: Any) -> None:
    """Even if pydantic's text would quote it."""
    for refusal in (
        denied(model_of(annotation), f"it={SENT}"),
        denied(model_of(annotation), it=SENT),
    ):
        assert SENT not in str(refusal.body)
        assert "Params" not in str(refusal.body)


QUERIES = [
    pytest.param(b"%ff", id="not UTF-8"),
    pytest.param(b"%zz=%zz", id="no hexadecimal digits"),
    pytest.param(b"page=%00", id="NUL"),
    pytest.param(b"room=%ff%zz%00+;a", id="all of them"),
    pytest.param(b"page=1&" * 100_000, id="10^5 pairs"),
    pytest.param(b"room=" + b"%00" * 100_000, id="long"),
    pytest.param(b"page=" + b"9" * 100_000, id="number that int refuses"),
    pytest.param(b"page=nan&page=inf", id="not a number"),
    pytest.param("room=é".encode(), id="raw UTF-8"),
    pytest.param(b"room=\xe9", id="raw latin-1"),
    pytest.param("room=\ud800", id="lone surrogate in a str"),
    pytest.param(b"room=%ed%a0%80", id="lone surrogate, percent-encoded"),
    pytest.param(b"=&==&&;", id="no names"),
    pytest.param(b"tagged-union[=1", id="a name of pydantic's"),
    pytest.param(b"__class__=1&self=1&room.x=1&page[0]=1", id="names of other languages"),
    pytest.param(None, id="None"),
    pytest.param(5, id="int"),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("extra", ["ignore", "allow", "forbid"])
@pytest.mark.parametrize("path", ["lobby", "\ufffd%zz\x00", "\ud800", "x" * 100_000, ""], ids=ascii)
def test_h11_h12_any_path_and_query_is_read_or_refused(query: Any, extra: Any, path: str) -> None:
    """Nothing else is raised, and the refusal is short JSON."""

    class Params(BaseModel):
        model_config = ConfigDict(extra=extra)
        page: int = 1
        room: Annotated[str, Field(max_length=99)] = ""
        tags: list[int] = []

    parameters = Parameters(Params, "Chat.params")
    for place in ("room", "page", "tags", "other"):
        refusal: Denied | None = None
        try:
            parameters.read(request_with(query, **{place: path}))
        except Denied as exc:
            refusal = exc
        if refusal is not None:
            assert json.loads(refusal.body)["errors"]
            assert len(refusal.body) < 5000


def test_h14_scope_without_query_and_path_has_no_parameters() -> None:
    """Neither key has to be in the scope."""
    parameters = Parameters(Checked, "Chat.params")
    assert parameters.read(Request({"type": "websocket"})) == Checked()


def test_parameters_of_channels() -> None:
    """Channels has path parameters under another key."""
    scope = {"type": "websocket", "url_route": {"args": (), "kwargs": {"room": "lobby"}}}
    assert Parameters(Model, "Chat.params").read(Request(scope)) == Model(room="lobby")


def test_path_parameter_that_the_host_converted() -> None:
    """A value that is no text is validated as it is."""

    class Params(BaseModel):
        number: int
        id: uuid.UUID

    params = read(Params, number=5, id=uuid.UUID(int=1))
    assert (params.number, params.id) == (5, uuid.UUID(int=1))


class Recursive(BaseModel):
    """A model that contains itself."""

    tags: list[str] = []
    inner: "Recursive | None" = None
    links: list["Recursive"] = []


class Unmodelled(BaseModel):
    """A model with its own core schema."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema without fields."""
        return core_schema.no_info_plain_validator_function(lambda value: value)


def test_model_that_contains_itself() -> None:
    """The inner models can't be read from a URL, the texts can."""
    assert read(Recursive, b"tags=a&tags=b").tags == ["a", "b"]
    assert errors(Recursive, b"inner=x&links=x") == [
        {"loc": ["query", "inner"], "type": "model_type", "msg": "Input should be an object"},
        {"loc": ["query", "links", 0], "type": "model_type", "msg": "Input should be an object"},
    ]


def test_model_with_its_own_schema() -> None:
    """It gets the parameters unchanged."""
    assert read(Unmodelled, b"a=1&a=2", b="3") == {"a": "2", "b": "3"}


def test_adapter_has_the_schema_of_the_parameters() -> None:
    """Documents can be generated from it."""
    schema = Parameters(Model, "Chat.params").adapter.json_schema()
    assert list(schema["properties"]) == ["room", "page"]


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        pytest.param(int, "int", id="int"),
        pytest.param(dict[str, str], "dict[str, str]", id="dict"),
        pytest.param(Any, "Any", id="Any"),
        pytest.param(None, "None", id="None"),
        pytest.param(Numbers, "Numbers", id="root model"),
        pytest.param(Model | None, f"{Model | None!r}", id="optional"),
        pytest.param({"room": str}, "{'room': <class 'str'>}", id="no type"),
    ],
)
def test_annotation_without_fields_is_refused(annotation: Any, name: str) -> None:
    """The error says what to use."""
    with pytest.raises(ConfigurationError) as caught:
        Parameters(annotation, "Chat.params")
    assert str(caught.value) == (
        f"Chat.params: {name} has no named fields: use a pydantic model, a dataclass or a TypedDict"
    )


def test_annotation_that_cannot_be_validated_is_refused() -> None:
    """The error says why not."""

    @dataclasses.dataclass
    class Params:
        it: object()  # type: ignore[valid-type]  # no type is the point

    with pytest.raises(ConfigurationError, match=r"^Chat\.params: Params can't be validated: "):
        Parameters(Params, "Chat.params")


# The path of a route.


class Strict(BaseModel):
    """Takes nothing else."""

    model_config = ConfigDict(extra="forbid")

    room: str
    after: int | None = Field(default=None, alias="since")


@pydantic_dataclass(config=ConfigDict(extra="forbid"))
class StrictData:
    """Takes nothing else."""

    room: str


class StrictDict(TypedDict):
    """Takes nothing else."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # as pydantic documents

    room: str


class StrictTree(BaseModel):
    """Takes nothing else, and contains itself."""

    model_config = ConfigDict(extra="forbid")

    room: str
    inner: "StrictTree | None" = None


class Popping(Strict):
    """Takes one thing more, and drops it."""

    @model_validator(mode="before")
    @classmethod
    def pop(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Drop it."""
        return {name: value for name, value in values.items() if name != "team"}


@pytest.mark.parametrize(
    "model", [Strict, StrictData, StrictDict, StrictTree], ids=lambda it: it.__name__
)
def test_path_with_a_parameter_that_is_forbidden(model: Any) -> None:
    """Nobody could connect."""
    params = Parameters(model, "")
    params.check_path("/{room}", {"room": "str"}, "Chat.params")
    with pytest.raises(ConfigurationError) as caught:
        params.check_path("/{team}/{room}", {"team": "str", "room": "str"}, "Chat.params")
    assert str(caught.value) == (
        "the path '/{team}/{room}' has a parameter 'team', which Chat.params forbids: add a field "
        "for it, or rename it to one"
    )


def test_name_in_a_path_is_that_of_the_alias() -> None:
    """As everywhere else."""
    params = Parameters(Strict, "")
    params.check_path("/{since:int}", {"since": "str"}, "Chat.params")
    with pytest.raises(ConfigurationError, match="'after'"):
        params.check_path("/{after:int}", {"after": "str"}, "Chat.params")


@pytest.mark.parametrize("model", [Model, Unmodelled, Popping], ids=lambda it: it.__name__)
def test_path_with_a_parameter_more(model: Any) -> None:
    """It is read from `path_params`, or by a validator."""
    Parameters(model, "").check_path("/{team}", {"team": "str"}, "Chat.params")
