"""A type variable inside anything is filled in, or is an error: it is never taken for `Any`."""

# Types are written here as values, outside of a class that is generic in their variables.
# mypy: disable-error-code="valid-type"
# pyright: reportGeneralTypeIssues=false, reportInvalidTypeForm=false

import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypeVar,
    TypeVarTuple,
    Union,
    get_args,
)

import pytest
import typing_extensions
from pydantic import BaseModel, Field, Json, RootModel, SerializeAsAny
from typing_extensions import ParamSpec, TypeAliasType, TypedDict, Unpack

from tests.some_messages import Envelope, Leave, Say
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages import generics
from wsendpoints.messages.generics import UnboundTypeVariable, bind
from wsendpoints.testing import connect

T = TypeVar("T")
V = TypeVar("V")
U = TypeVar("U")
D = typing_extensions.TypeVar("D", default=int)
L = typing_extensions.TypeVar("L", default=list[D])
Ts = TypeVarTuple("Ts")
P = ParamSpec("P")


@dataclasses.dataclass
class Box(Generic[T]):
    """A generic dataclass."""

    inside: T


class Crate(TypedDict, Generic[T]):
    """A generic TypedDict."""

    inside: T


class Pair(NamedTuple, Generic[T]):
    """A generic named tuple."""

    one: T
    two: T


class Rows(RootModel[list[T]], Generic[T]):
    """A generic root model."""


class Two(BaseModel, Generic[T, U]):
    """A model of two type variables."""

    one: T
    two: U


Reply = TypeAliasType("Reply", Envelope[T] | Leave, type_params=(T,))
Tree = TypeAliasType("Tree", "int | list[Tree]")
Outside = TypeAliasType("Outside", list[T])
Unknown = TypeAliasType("Unknown", "Nowhere")  # type: ignore[name-defined]  # noqa: F821 - the case # pyright: ignore[reportUndefinedVariable, reportUnknownVariableType]
OfT = NewType("OfT", list[T])


GREAT: Any = Field(gt=1)
JSON: Any = get_args(Json[int])[1]


class Base(Generic[T, U]):
    """Declares what the tests hand in."""


class Bound(Base[Say, int]):
    """Says what both are."""


class Half(Base[Say, U], Generic[U]):
    """Says what one is."""


class HalfBound(Half[int]):
    """Says what the other is."""


class Silent(Base):  # type: ignore[type-arg]  # pyright: ignore[reportMissingTypeArgument]  # the case
    """Says nothing."""


INSIDE: list[Any] = [
    pytest.param(T, Say, id="itself"),
    pytest.param(Envelope[T] | Leave, Envelope[Say] | Leave, id="union"),
    pytest.param(Union[Envelope[T], Leave], Envelope[Say] | Leave, id="Union"),  # noqa: UP007 - as it may be written
    pytest.param(Optional[Envelope[T]], Envelope[Say] | None, id="Optional"),  # noqa: UP045 - as it may be written
    pytest.param(T | None, Say | None, id="or None"),
    pytest.param(list[Box[T]], list[Box[Say]], id="list of dataclasses"),
    pytest.param(list[Envelope[T] | None], list[Envelope[Say] | None], id="list of a union"),
    pytest.param(dict[str, T], dict[str, Say], id="dict"),
    pytest.param(dict[str, Crate[T]], dict[str, Crate[Say]], id="dict of TypedDicts"),
    pytest.param(tuple[T, ...], tuple[Say, ...], id="tuple"),
    pytest.param(tuple[Pair[T], U], tuple[Pair[Say], int], id="tuple of two"),
    pytest.param(AsyncIterator[Envelope[T]], AsyncIterator[Envelope[Say]], id="AsyncIterator"),
    pytest.param(Envelope[Envelope[T]], Envelope[Envelope[Say]], id="model in a model"),
    pytest.param(Envelope[list[T]], Envelope[list[Say]], id="list in a model"),
    pytest.param(Envelope[T | Leave], Envelope[Say | Leave], id="union in a model"),
    pytest.param(Two[U, T], Two[int, Say], id="two"),
    pytest.param(Two[str, U], Two[str, int], id="one of two"),
    pytest.param(Rows[T], Rows[Say], id="RootModel"),
    pytest.param(RootModel[list[T]], RootModel[list[Say]], id="RootModel itself"),
    pytest.param(Annotated[T, "x"], Annotated[Say, "x"], id="Annotated"),
    pytest.param(list[Annotated[U, GREAT]], list[Annotated[int, GREAT]], id="constrained"),
    pytest.param(Annotated[list[T], JSON], Annotated[list[Say], JSON], id="Json"),
    pytest.param(
        SerializeAsAny[Envelope[T]],
        SerializeAsAny[Envelope[Say]],
        id="SerializeAsAny",
    ),
    pytest.param(Optional["Rows[int]"], Optional["Rows[int]"], id="string"),
    pytest.param(Union[list[T], "Say"], Union[list[Say], "Say"], id="string beside"),
    pytest.param(Reply[T], Reply[Say], id="alias"),
    pytest.param(list[Reply[Box[T]]], list[Reply[Box[Say]]], id="alias in a list"),
    pytest.param(Literal["T"], Literal["T"], id="Literal"),
    pytest.param(Envelope, Envelope, id="generic model without brackets"),
    pytest.param(Tree, Tree, id="recursive alias"),
    pytest.param(Unknown, Unknown, id="alias of what is unknown"),
    pytest.param(Callable[[T], U], Callable[[Say], int], id="Callable"),
    pytest.param(list[D], list[int], id="default"),
    pytest.param(dict[str, L], dict[str, list[int]], id="default with a default"),
]


@pytest.mark.parametrize("cls", [Bound, HalfBound])
@pytest.mark.parametrize(("annotation", "filled"), INSIDE)
def test_type_variable_inside_anything_is_filled_in(
    annotation: Any, filled: Any, cls: type
) -> None:
    """A subclass binds it, at any depth."""
    assert bind(annotation, Base, cls, "Bound.on_receive") == filled


def test_type_variable_for_several_types_is_filled_in() -> None:
    """It takes what the others leave."""

    class Several(Generic[T, *Ts, U]): ...

    class Four(Several[int, str, bool, bytes]): ...

    annotation = tuple[T, *Ts, list[U]]
    assert bind(annotation, Several, Four, "") == tuple[int, str, bool, list[bytes]]
    older = tuple[T, Unpack[Ts]]  # noqa: UP044 - as it may be written
    assert bind(older, Several, Four, "") == tuple[int, str, bool]


OPEN: list[Any] = [
    pytest.param(annotation, id=name)
    for name, annotation in {
        "itself": T,
        "union": Envelope[T] | Leave,
        "Optional": Optional[Envelope[T]],  # noqa: UP045 - as it may be written
        "dict": dict[str, Box[T]],
        "Annotated": Annotated[list[T], "x"],
        "model": Envelope[list[T]],
        "model of the same variable": Rows[T],
        "alias": Reply[T],
        "alias without brackets": Reply,
        "alias of an outer variable": Outside,
        "NewType": OfT,
        "Callable": Callable[[T], int],
    }.items()
]


@pytest.mark.parametrize("annotation", OPEN)
def test_open_type_variable_waits_for_a_subclass(annotation: Any) -> None:
    """The class is generic in it."""
    with pytest.raises(UnboundTypeVariable, match=r"\AT\Z"):
        bind(annotation, Base, Base, "Base.on_receive")


@pytest.mark.parametrize("annotation", OPEN)
def test_open_type_variable_that_no_subclass_can_bind_is_an_error(annotation: Any) -> None:
    """It is not taken for `Any`, in which nothing is validated."""
    with pytest.raises(ConfigurationError) as caught:
        bind(annotation, Base, Silent, "Silent.on_receive")
    assert str(caught.value) == (
        "Silent.on_receive: Silent does not say what the type variable T of Base is: subclass "
        "Base[...], with a type in the brackets"
    )


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        pytest.param(list[V], "V", id="TypeVar"),
        pytest.param(tuple[*Ts], "Ts", id="TypeVarTuple"),
        pytest.param(Callable[P, int], "P", id="ParamSpec"),
    ],
)
def test_type_variable_of_no_class_is_an_error(annotation: Any, name: str) -> None:
    """A function of its own type variable can't be a handler."""
    with pytest.raises(ConfigurationError) as caught:
        bind(annotation, Base, Bound, "Bound.on_receive")
    assert str(caught.value) == (
        f"Bound.on_receive: nothing says what the type variable {name} is: name a type instead, "
        f"or make Bound generic in {name}"
    )


# Endpoints.


class Query(BaseModel):
    """Parameters."""

    page: int


class Packet(BaseModel, Generic[T]):
    """A generic message with a tag."""

    type: Literal["packet"] = "packet"
    content: T


class Talk(WebSocketEndpoint, Generic[T, U]):
    """Uses its variables in all places."""

    encoding = "json"
    sends = Rows[T] | None
    params: U

    async def on_receive(
        self, websocket: WebSocket, data: Packet[T] | Leave
    ) -> AsyncIterator[Packet[T] | U]:
        """Give it back."""
        if isinstance(data, Packet):
            yield data
        yield self.params


class IntTalk(Talk[int, Query]):
    """Says what they are."""


@pytest.mark.anyio
async def test_endpoint_validates_what_a_subclass_binds() -> None:
    """A message, a reply and the parameters."""
    async with connect(IntTalk.as_asgi(), "/?page=2") as client:
        await client.send_json({"type": "packet", "content": "5"})
        assert await client.receive_json() == {"type": "packet", "content": 5}
        assert await client.receive_json() == {"page": 2}
        await client.send_json({"type": "packet", "content": "x"})
        error = await client.receive_json()
    assert error["errors"][0]["loc"] == ["content"]


@pytest.mark.anyio
async def test_handler_validates_what_a_subclass_binds() -> None:
    """So do several handlers, each of its own type."""

    class Several(WebSocketEndpoint, Generic[T]):
        encoding = "json"

        @handles
        async def one(self, websocket: WebSocket, data: list[Rows[T]]) -> str:
            return repr(data)

        @handles
        async def other(self, websocket: WebSocket, data: "dict[str, T]") -> str:
            return repr(data)

    class Ints(Several[int]): ...

    async with connect(Ints.as_asgi()) as client:
        await client.send_json([["1"]])
        assert await client.receive_json() == "[Rows[int](root=[1])]"
        await client.send_json({"a": "1"})
        assert await client.receive_json() == "{'a': 1}"


class OpenParameters(WebSocketEndpoint, Generic[T]):
    """Leaves its parameters open."""

    params: T


class OpenSends(WebSocketEndpoint, Generic[T]):
    """Leaves open what it sends."""

    sends = Envelope[T]


@pytest.mark.parametrize("cls", [OpenParameters, OpenSends, Talk])
def test_endpoint_that_leaves_anything_open_is_not_served(cls: type[WebSocketEndpoint]) -> None:
    """The messages alone need not be open."""
    with pytest.raises(ConfigurationError, match=r"leaves the type variable [TU] open"):
        cls.as_asgi()


@pytest.mark.parametrize("base", [OpenParameters, OpenSends, Talk])
def test_subclass_that_binds_nothing_is_an_error(base: Any) -> None:
    """It is one when the class is made."""
    with pytest.raises(ConfigurationError, match=r"does not say what the type variable [TU] of"):
        type("Sub", (base,), {})


def test_base_of_all_models_is_a_type_like_any_other() -> None:
    """It has no type variables, and says nothing of them."""
    assert bind(list[BaseModel], Base, Bound, "") == list[BaseModel]


class Later:
    """An alias that names something which is not there yet, as `type Later = Missing` may."""

    @property
    def __value__(self) -> Any:
        raise NameError("Missing")


def test_alias_of_what_is_not_there_has_no_variables() -> None:
    """That the name is missing is told when the type is compiled."""
    assert vars(generics)["_value_of"](Later()) is Any


def test_alias_that_is_a_part_of_itself_ends() -> None:
    """Within itself it is not looked into once more."""
    variable: Any = T
    boxed: Any = TypeAliasType("boxed", list[T], type_params=(variable,))
    variables = vars(generics)["_variables"]
    assert [*variables(boxed, frozenset(), [])] == [T]
    assert [*variables(list[boxed], frozenset(), [boxed])] == []
