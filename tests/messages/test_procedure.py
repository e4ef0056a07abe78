"""Params of calls: which method takes which, and that they are validated as messages are."""

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Generic, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter
from typing_extensions import TypedDict

from wsendpoints.messages.annotations import MISSING, UnboundTypeVariable
from wsendpoints.messages.procedure import Parameters, Results
from wsendpoints.messages.unawaited import UnawaitedError
from wsendpoints.protocol.exceptions import ConfigurationError, InvalidMessageError

T = TypeVar("T")


class Strict(BaseModel):
    """Takes other values from JSON than from Python's own objects."""

    model_config = ConfigDict(strict=True)

    day: date
    pair: tuple[int, int] = (1, 2)
    raw: bytes = b""


class Point(TypedDict):
    """A TypedDict."""

    x: int


@dataclass
class Place:
    """A dataclass."""

    name: str


def logged(method: Any) -> Any:
    """Return a method that hides its parameters."""

    @functools.wraps(method)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    return wrapper


class Methods:
    """Methods with parameters of each kind."""

    async def none(self, websocket: Any) -> None: ...
    async def two(self, websocket: Any, minuend: int, subtrahend: int = 5) -> None: ...
    async def rest(self, websocket: Any, first: int, *numbers: int) -> None: ...
    async def kinds(self, ws: Any, a: int, /, b: int = 2, *, c: float = 3, d: int) -> None: ...
    async def alias(self, ws: Any, line: Annotated[int, Field(alias="lineNumber")]) -> None: ...
    # The mark stands because nothing of it is annotated, which is what is tried.
    async def bare(self, websocket, first, second=None) -> None: ...  # type: ignore[no-untyped-def]
    async def scalar(self, websocket: Any, number: int) -> None: ...
    async def array(self, websocket: Any, numbers: list[int]) -> None: ...
    async def model(self, websocket: Any, data: Strict) -> None: ...
    async def typed_dict(self, websocket: Any, data: Point) -> None: ...
    async def place(self, websocket: Any, data: Place) -> None: ...
    async def mapping(self, websocket: Any, data: dict[str, int]) -> None: ...
    async def union(self, websocket: Any, data: Point | None) -> None: ...
    async def optional(self, websocket: Any, data: Point | None = None) -> None: ...
    async def anything(self, websocket: Any, data: Any) -> None: ...
    async def json(self, websocket: Any, data: JsonValue = 7) -> None: ...
    async def named(self, websocket: Any, *, data: Point) -> None: ...
    @logged
    async def wrapped(self, websocket: Any, data: Point) -> None: ...


def parameters(name: str, cls: type = Methods) -> Parameters:
    """Return the parameters of a method."""
    return Parameters(vars(cls)[name], cls, cls, f"{cls.__name__}.{name}")


POINT = Point(x=1)
DAY = date(2026, 1, 31)
NO_NAMES: list[dict[str, int]] = [{}]


@pytest.mark.parametrize(
    ("name", "params", "args", "kwargs"),
    [
        pytest.param("none", None, [], {}, id="none, absent"),
        pytest.param("none", [], [], {}, id="none by position"),
        pytest.param("none", {}, [], {}, id="none by name"),
        pytest.param("two", [42, 23], [42, 23], {}, id="by position"),
        pytest.param("two", [42], [42, 5], {}, id="by position, with a default"),
        pytest.param("two", {"subtrahend": 23, "minuend": 42}, [42, 23], {}, id="by name"),
        pytest.param("two", {"minuend": 42}, [42, 5], {}, id="by name, with a default"),
        pytest.param("two", {"minuend": "42"}, [42, 5], {}, id="converted as in JSON"),
        pytest.param("rest", [1, 2, 3], [1, 2, 3], {}, id="more by position"),
        pytest.param("rest", [1], [1], {}, id="no more by position"),
        pytest.param("rest", {"first": 1}, [1], {}, id="the first by name"),
        pytest.param("kinds", {"a": 1, "d": 4}, [1, 2], {"d": 4}, id="keywords"),
        pytest.param(
            "kinds", {"a": 1, "b": 5, "c": 6, "d": 4}, [1, 5], {"c": 6.0, "d": 4}, id="all of them"
        ),
        pytest.param("alias", {"lineNumber": 1}, [1], {}, id="by alias"),
        pytest.param("alias", {"line": 1}, [1], {}, id="by name in place of an alias"),
        pytest.param("alias", [1], [1], {}, id="by position in place of an alias"),
        pytest.param("bare", [{"x": [1]}], [{"x": [1]}, None], {}, id="without annotations"),
        pytest.param("scalar", [4], [4], {}, id="one by position"),
        pytest.param("scalar", {"number": 4}, [4], {}, id="one by name"),
        pytest.param("scalar", 4, [4], {}, id="one that is neither"),
        pytest.param("array", [[1, 2]], [[1, 2]], {}, id="an array by position"),
        pytest.param("array", {"numbers": [1, 2]}, [[1, 2]], {}, id="an array by name"),
        pytest.param("model", {"day": "2026-01-31"}, [Strict(day=DAY)], {}, id="model"),
        pytest.param(
            "model",
            {"day": "2026-01-31", "pair": [3, 4], "raw": "é"},
            [Strict(day=DAY, pair=(3, 4), raw="é".encode())],
            {},
            id="strict model, as JSON",
        ),
        pytest.param("model", [{"day": "2026-01-31"}], [Strict(day=DAY)], {}, id="model in array"),
        pytest.param("typed_dict", {"x": 1}, [POINT], {}, id="TypedDict"),
        pytest.param("place", {"name": "n"}, [Place("n")], {}, id="dataclass"),
        pytest.param("mapping", {"x": 1}, [{"x": 1}], {}, id="dict"),
        pytest.param("mapping", None, NO_NAMES, {}, id="dict, absent"),
        pytest.param("union", {"x": 1}, [POINT], {}, id="optional object"),
        pytest.param("union", None, [None], {}, id="optional object, absent"),
        pytest.param("union", [None], [None], {}, id="optional object, null by position"),
        pytest.param("optional", None, [], {}, id="default, absent"),
        pytest.param("optional", [], [], {}, id="default, none by position"),
        pytest.param("optional", {"x": 1}, [POINT], {}, id="default, given"),
        pytest.param("anything", None, [None], {}, id="anything, absent"),
        pytest.param("anything", [1, 2], [[1, 2]], {}, id="anything, an array"),
        pytest.param("anything", {"x": 1}, [{"x": 1}], {}, id="anything, an object"),
        pytest.param("anything", 4, [4], {}, id="anything, a number"),
        pytest.param("json", None, [], {}, id="JSON, absent"),
        pytest.param("json", [1], [[1]], {}, id="JSON, an array"),
        pytest.param("named", {"x": 1}, [], {"data": POINT}, id="keyword alone"),
        pytest.param("wrapped", {"x": 1}, [POINT], {}, id="decorated"),
    ],
)
def test_params_become_arguments(name: str, params: Any, args: Any, kwargs: Any) -> None:
    """Params are given by position or by name, or as a whole to a parameter for an object."""
    came, by_name, _ = parameters(name).arguments(params)
    assert ([*came], by_name) == (args, kwargs)
    assert [*map(type, came)] == [*map(type, args)]


@pytest.mark.parametrize(
    ("name", "params", "data"),
    [
        pytest.param("two", [42], {"minuend": 42}, id="by position"),
        pytest.param("rest", [1, 2, 3], {"first": 1, "numbers": [2, 3]}, id="the remaining ones"),
        pytest.param("typed_dict", [{"x": 1}], POINT, id="as a whole"),
        pytest.param("named", {"x": 1}, POINT, id="as a whole, by name"),
        pytest.param("optional", None, None, id="the default"),
    ],
)
def test_data_is_what_was_given(name: str, params: Any, data: Any) -> None:
    """Beside the arguments there is what a key, or an error, is read from."""
    assert parameters(name).arguments(params).data == data


@pytest.mark.parametrize(
    ("name", "params", "loc", "kind"),
    [
        pytest.param("none", [1], [0], "unexpected_positional_argument", id="one too many"),
        pytest.param("none", {"x": 1}, [], "extra_forbidden", id="an unknown name"),
        pytest.param("none", 4, [], "arguments_type", id="neither"),
        pytest.param("two", None, ["minuend"], "missing", id="absent"),
        pytest.param("two", [1, 2, 3], [2], "unexpected_positional_argument", id="three of two"),
        pytest.param("two", ["x"], ["minuend"], "int_parsing", id="no number, by position"),
        pytest.param("two", {"minuend": "x"}, ["minuend"], "int_parsing", id="no number, by name"),
        pytest.param("rest", [1, "x"], ["numbers", 0], "int_parsing", id="no number of many"),
        pytest.param("kinds", [1], ["d"], "missing", id="keyword by position"),
        pytest.param("kinds", [1, 2, 3], [2], "unexpected_positional_argument", id="a keyword"),
        pytest.param("scalar", None, ["number"], "missing", id="scalar, absent"),
        pytest.param("array", [1, 2], [1], "unexpected_positional_argument", id="array as params"),
        pytest.param("model", {}, ["day"], "missing", id="field of a model"),
        pytest.param("model", None, ["day"], "missing", id="model, absent"),
        pytest.param("model", {"day": 5}, ["day"], "date_type", id="strict"),
        pytest.param("model", [1, 2], [1], "unexpected_positional_argument", id="two of a model"),
        pytest.param("named", [{"x": 1}], [0], "unexpected_positional_argument", id="named alone"),
        pytest.param("anything", b"\xff", [], "json", id="bytes, of another encoding"),
    ],
)
def test_other_params_are_refused(name: str, params: Any, loc: Any, kind: str) -> None:
    """What is wrong is told as for a message, with its place within the params."""
    with pytest.raises(InvalidMessageError) as caught:
        parameters(name).arguments(params)
    (error,) = caught.value.errors
    assert (error["loc"], error["type"]) == (loc, kind)


def test_params_are_those_of_pydantic() -> None:
    """The type of the params is that of a single parameter, or has a field for each."""
    assert parameters("model").takes is Strict
    assert parameters("scalar").takes.__annotations__.keys() == {"number"}
    takes = parameters("two").takes
    schema = TypeAdapter(takes).json_schema()
    assert schema["required"] == ["minuend"]
    assert schema["additionalProperties"] is False


class Generic_(Generic[T]):  # noqa: N801 - `Generic` is taken
    """A generic base."""

    async def put(self, websocket: Any, item: T) -> None: ...


class Bound(Generic_[Point]):
    """A class that says what it takes."""


def test_type_variables_are_those_of_the_class() -> None:
    """A generic method takes what the subclass says."""
    put = Parameters(vars(Generic_)["put"], Generic_, Bound, "Bound.put")
    assert put.takes is Point
    with pytest.raises(UnboundTypeVariable):
        parameters("put", Generic_)


class Wrong:
    """Methods that can't be called."""

    async def alone(self) -> None: ...
    async def keywords(self, *, websocket: Any) -> None: ...
    async def names(self, websocket: Any, **names: int) -> None: ...
    async def lock(self, websocket: Any, lock: asyncio.Lock) -> None: ...


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(
            "alone",
            "Wrong.alone(self) -> None can't be called with a websocket: declare it as (self, "
            "websocket), and its params after these",
            id="no websocket",
        ),
        pytest.param(
            "keywords",
            "Wrong.keywords(self, *, websocket: Any) -> None can't be called with a websocket: "
            "declare it as (self, websocket), and its params after these",
            id="websocket by name",
        ),
        pytest.param(
            "names",
            "Wrong.names takes **names: take the params as one dict, such as "
            "`names: dict[str, int]`",
            id="all names",
        ),
        pytest.param("lock", "Wrong.lock: Lock can't be validated: ", id="no type of pydantic's"),
    ],
)
def test_methods_that_can_not_be_called(name: str, text: str) -> None:
    """A method without a place for its arguments is refused with its class."""
    with pytest.raises(ConfigurationError) as caught:
        parameters(name, Wrong)
    assert str(caught.value).startswith(text)


# Results.


class Wide(Strict):
    """Has more than what is declared."""

    secret: int = 7


STRICT = Strict(day=DAY)
AS_JSON = {"day": "2026-01-31", "pair": [1, 2], "raw": ""}


@pytest.mark.parametrize(
    ("returns", "result", "value"),
    [
        pytest.param(MISSING, None, None, id="nothing declared"),
        pytest.param(MISSING, {"x": 1}, {"x": 1}, id="a dict, nothing declared"),
        pytest.param(MISSING, [STRICT], [AS_JSON], id="models, nothing declared"),
        pytest.param(None, None, None, id="None"),
        pytest.param(Strict | None, None, None, id="None of two"),
        pytest.param(Any, None, None, id="None of any"),
        pytest.param(int, 5, 5, id="int"),
        pytest.param(str, "x", "x", id="str"),
        pytest.param(list[Strict], [STRICT], [AS_JSON], id="list of models"),
        pytest.param(Point, POINT, {"x": 1}, id="TypedDict"),
        pytest.param(Place, Place("n"), {"name": "n"}, id="dataclass"),
        pytest.param(Strict, Wide(day=DAY), AS_JSON, id="subclass, as declared"),
    ],
)
def test_results_become_values(returns: object, result: Any, value: Any) -> None:
    """A result is written as its method declares it."""
    assert Results(returns, "Methods.method").value(result) == value


@pytest.mark.parametrize("returns", [MISSING, Strict, Strict | Place], ids=str)
def test_models_stay_what_they_are(returns: Any) -> None:
    """A model is written with the frame, unless that would write something else."""
    value = Results(returns, "Methods.method").value(STRICT)
    assert value is STRICT or value == AS_JSON


def test_declared_model_is_not_written_twice() -> None:
    """The model itself is a part of the frame's value."""
    assert Results(Strict, "Methods.method").value(STRICT) is STRICT


@pytest.mark.parametrize(
    ("returns", "result", "text"),
    [
        pytest.param(
            Strict,
            None,
            "Methods.method returns None, but declares Strict: add `| None` to its return "
            "annotation",
            id="None",
        ),
        pytest.param(
            Strict,
            5,
            "Methods.method sends a message of type int, but declares Strict: add its type to the "
            "return annotation of the handler, or to `sends`",
            id="another type",
        ),
    ],
)
def test_results_are_those_that_are_declared(returns: Any, result: Any, text: str) -> None:
    """What a method does not declare is a mistake of the application's."""
    with pytest.raises(ConfigurationError) as caught:
        Results(returns, "Methods.method").value(result)
    assert str(caught.value) == text


async def stream() -> AsyncIterator[int]:
    """Is not iterated."""
    yield 1


def test_results_that_were_not_awaited_are_told() -> None:
    """A result that is a coroutine, or a stream, is told as it is of a reply."""
    with pytest.raises(UnawaitedError):
        Results(MISSING, "Methods.method").value(stream())
