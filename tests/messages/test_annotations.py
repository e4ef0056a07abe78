"""The types of annotations written as objects; for strings see `test_annotations_as_strings`."""

import functools
import sys
import textwrap
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    NewType,
    Optional,
    TypeVar,
    Union,
)

import pytest
import typing_extensions
from pydantic import BaseModel
from typing_extensions import TypeAliasType, TypedDict

from tests.some_messages import Envelope, Leave, Said, Say
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.messages.annotations import (
    MISSING,
    attribute_type,
    base_argument,
    message_types,
    open_type,
    parameter_type,
)
from wsendpoints.testing import connect

if TYPE_CHECKING:
    from decimal import Decimal as Imaginary


T = TypeVar("T")
U = TypeVar("U")
D = typing_extensions.TypeVar("D", default=Say)
ToU = typing_extensions.TypeVar("ToU", default=list[int])


Text = NewType("Text", str)
Both = TypeAliasType("Both", Say | Leave)


def types_of(cls: type, name: str = "on_receive") -> tuple[Any, Any]:
    """Return the resolved types of a method's message and of its return value."""
    owner = next(klass for klass in cls.__mro__ if name in vars(klass))
    return message_types(vars(owner)[name], owner, cls)


async def answers_of(cls: type[WebSocketEndpoint], *messages: Any) -> list[Any]:
    """Return what an endpoint answers to messages."""
    async with connect(cls.as_asgi()) as client:
        answers: list[Any] = []
        for message in messages:
            await client.send_json(message)
            answers.append(await client.receive_json())
        return answers


def declared_with(annotation: Any) -> type:
    """Return a class with a method for such a message."""

    async def on_receive(self: Any, websocket: Any, data: Any) -> None: ...

    on_receive.__annotations__["data"] = annotation
    return type("Plain", (), {"on_receive": on_receive})


@pytest.mark.parametrize(
    ("annotation", "resolved"),
    [
        pytest.param(Say, Say, id="model"),
        pytest.param(Say | Leave, Say | Leave, id="union"),
        pytest.param(Optional[Say], Say | None, id="optional"),  # noqa: UP045 - as it may be written
        pytest.param(Union[Say, Union[Leave, int]], Say | Leave | int, id="nested union"),  # noqa: UP007 - as it may be written
        pytest.param(Annotated[int, "positive"], Annotated[int, "positive"], id="Annotated"),
        pytest.param(Text, Text, id="NewType"),
        pytest.param(Both, Both, id="alias"),
        pytest.param(None, type(None), id="None"),
        pytest.param(list["Say"], list[Say], id="string within"),
        pytest.param("Say | Leave", Say | Leave, id="string"),
        pytest.param(Any, Any, id="Any"),
        pytest.param(Envelope[int], Envelope[int], id="generic model"),
        pytest.param(Envelope, Envelope, id="generic model without brackets"),
    ],
)
def test_annotation_is_resolved(annotation: Any, resolved: Any) -> None:
    """Strings are evaluated; anything else is returned unchanged."""
    assert types_of(declared_with(annotation)) == (resolved, type(None))


def test_without_annotations_the_types_are_missing() -> None:
    """`MISSING` is neither `None` nor `Any`."""

    class Plain:
        async def on_receive(self, websocket, data):  # type: ignore[no-untyped-def]  # the case
            ...

    assert types_of(Plain) == (MISSING, MISSING)
    assert repr(MISSING) == "MISSING"


def test_websocket_may_be_of_a_type_that_only_type_checkers_see() -> None:
    """Only the annotations of the message and of the return value are resolved."""

    class Plain:
        async def on_receive(self, websocket: "Imaginary", data: "Say") -> "Said | None": ...

    assert types_of(Plain) == (Say, Said | None)


@pytest.mark.anyio
async def test_model_local_to_a_function() -> None:
    """An annotation may name what is defined in the function around the class."""

    class Local(BaseModel):
        number: int

    class Chat(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: "Local") -> "Local":
            return Local(number=data.number + 1)

    assert await answers_of(Chat, {"number": 1}) == [{"number": 2}]


@pytest.mark.anyio
async def test_model_local_to_the_class() -> None:
    """An annotation may name what is defined in the body of the class."""

    class Chat(WebSocketEndpoint):
        encoding = "json"

        class Local(BaseModel):
            number: int

        async def on_receive(self, websocket: WebSocket, data: "Local") -> "Local":
            return self.Local(number=data.number + 1)

    assert await answers_of(Chat, {"number": 1}) == [{"number": 2}]


def test_local_of_the_function_around_that_function() -> None:
    """An annotation may name the variables of any function around the class that is running."""

    class Outer(BaseModel): ...

    def make() -> type:
        class Plain:
            async def on_receive(self, websocket: WebSocket, data: "Outer") -> None: ...

            types = None

        return Plain

    cls = make()
    assert types_of(cls)[0] is Outer


def test_local_of_a_caller_hides_no_global() -> None:
    """A function that only calls the code is not around the class."""

    class Say(BaseModel): ...

    assert types_of(SaysByName)[0] is not Say


class SaysByName:
    """Names a global."""

    async def on_receive(self, websocket: WebSocket, data: "Say") -> None:
        """Take a message."""


def make_base() -> type[WebSocketEndpoint]:
    """Return an endpoint with a message that is known only here."""

    class Local(BaseModel):
        number: int

    class Base(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: "Local") -> int:
            return data.number

    return Base


@pytest.mark.anyio
async def test_inherited_local_is_known_after_its_function_has_ended() -> None:
    """Types that were resolved for the base are kept for its subclasses."""
    base = make_base()

    class Sub(base):  # type: ignore[misc, valid-type]  # a class that is made at run time
        pass

    assert await answers_of(Sub, {"number": 7}) == [7]


def test_closure_variable_is_found() -> None:
    """A variable that the method uses is found in its closure, without the stack."""
    cls = make_with_closure(Leave)
    assert types_of(cls)[0] is Leave


def make_with_closure(model: Any) -> type:
    """Return a class whose method uses an argument and a deleted variable of this function."""
    later = 1

    class Plain:
        async def on_receive(self, websocket: WebSocket, data: Any) -> object:
            return model, later  # noqa: F821 - deleted below, which is the case

    Plain.on_receive.__annotations__["data"] = "model"
    del later
    return Plain


def test_method_with_the_name_of_a_type_does_not_hide_it() -> None:
    """In a class with a method `list`, the string still names the builtin."""

    class Plain:
        async def on_receive(self, websocket: WebSocket, data: "list[int]") -> None: ...

        async def list(self) -> None: ...

    assert types_of(Plain)[0] == list[int]


def test_name_that_is_defined_later_is_an_error_that_says_what_to_do() -> None:
    """A message must be defined when the class is made."""
    with pytest.raises(ConfigurationError) as caught:

        class Chat(WebSocketEndpoint):  # pyright: ignore[reportUnusedClass]  # it can't be made
            encoding = "json"

            async def on_receive(self, websocket: WebSocket, data: "Later") -> None: ...

    class Later(BaseModel):  # pyright: ignore[reportUnusedClass]  # named above
        pass

    around = "test_name_that_is_defined_later_is_an_error_that_says_what_to_do.<locals>"
    assert str(caught.value) == (
        f"{around}.Chat.on_receive: the annotation 'Later' names 'Later', which is not known "
        "where the class is made: define or import it before the class, and outside of "
        "`if TYPE_CHECKING`"
    )


def test_return_type_that_only_type_checkers_see_is_an_error() -> None:
    """The return type is part of what the class declares."""
    with pytest.raises(ConfigurationError, match=r"'Imaginary \| None' names 'Imaginary'"):

        class Chat(WebSocketEndpoint):  # pyright: ignore[reportUnusedClass]  # it can't be made
            async def on_receive(self, websocket: WebSocket, data: str) -> "Imaginary | None": ...


# The parameters of a handler.


def test_message_is_the_parameter_after_the_websocket() -> None:
    """Neither its name nor further parameters with defaults matter."""

    class Plain:
        async def on_receive(
            self, ws: WebSocket, it: Say, more: int = 1, *, key: str = ""
        ) -> None: ...

    assert types_of(Plain)[0] is Say


def test_message_in_a_star_parameter_has_its_annotation() -> None:
    """The annotation of `*args` is that of the message."""

    class Plain:
        async def on_receive(self, *args: Any) -> None: ...

        async def other(self, websocket: WebSocket, *rest: Say) -> None: ...

    assert types_of(Plain)[0] is Any
    assert types_of(Plain, "other")[0] is Say


WEBSOCKET = "wsendpoints.connection.websocket.WebSocket"


class WrongParameters:
    """Methods that can't be called with a websocket and a message."""

    async def none() -> None:  # type: ignore[misc]  # pyright: ignore[reportSelfClsParameterName, reportUnusedParameter]  # the case
        ...

    async def two(self, data: Say) -> None: ...

    async def four(self, websocket: WebSocket, data: Say, more: int) -> None: ...

    async def keyword(self, websocket: WebSocket, *, data: Say) -> None: ...


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("none", "() -> None"),
        ("two", "(self, data: tests.some_messages.Say) -> None"),
        (
            "keyword",
            f"(self, websocket: {WEBSOCKET}, *, data: tests.some_messages.Say) -> None",
        ),
    ],
)
def test_wrong_parameters_are_an_error(name: str, signature: str) -> None:
    """The error shows the method, and how to declare it."""
    with pytest.raises(ConfigurationError) as caught:
        types_of(WrongParameters, name)
    assert str(caught.value) == (
        f"WrongParameters.{name}{signature} can't be called with a websocket and a message: "
        "declare it as (self, websocket, data)"
    )


def test_parameter_that_nothing_is_passed_for_is_an_error() -> None:
    """The error says how it would be."""
    with pytest.raises(ConfigurationError) as caught:
        types_of(WrongParameters, "four")
    assert str(caught.value) == (
        f"WrongParameters.four(self, websocket: {WEBSOCKET}, data: tests.some_messages.Say, "
        "more: int) -> None takes more, which nothing provides: mark a method of that name with "
        "@provides, or give the parameter a default"
    )


Method = Callable[..., Coroutine[Any, Any, Any]]


def logged(method: Method) -> Method:
    """Decorate as most decorators do."""

    @functools.wraps(method)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    return wrapper


@pytest.mark.anyio
async def test_decorated_handler_has_the_annotations_of_what_it_wraps() -> None:
    """A decorator that uses `functools.wraps` works on either side of `handles`."""

    class Chat(WebSocketEndpoint):
        encoding = "json"

        @handles
        @logged
        async def say(self, websocket: WebSocket, data: Say) -> Said:
            return Said()

        @logged
        @handles
        async def leave(self, websocket: WebSocket, data: "Leave") -> str:
            return "bye"

    said = {"type": "said", "text": ""}
    assert await answers_of(Chat, {"type": "say"}, {"type": "leave"}) == [said, "bye"]


def converting(method: Any) -> Any:
    """Decorate with a function that takes another message, and gives another reply."""

    @functools.wraps(method, assigned=("__name__", "__qualname__"))
    async def wrapper(self: Any, websocket: Any, data: "int") -> "list[str]":
        return [await method(self, websocket, Say(text=str(data)))]

    return wrapper


def undeclared(method: Any) -> Any:
    """Decorate with a function whose own annotations say nothing."""

    @functools.wraps(method, assigned=())
    async def wrapper(self: Any, websocket: Any, data: Any) -> Any:
        return await method(self, websocket, data)

    return wrapper


def untouched(method: Any) -> Any:
    """Decorate with nothing."""
    return method


@pytest.mark.parametrize("on_top", [untouched, logged, undeclared, functools.partialmethod])
def test_annotations_of_a_decorator_count(on_top: Any) -> None:
    """What the message is, the function says that is called first, if it says anything."""

    class Plain:
        @on_top  # type: ignore[untyped-decorator]  # one of several
        @converting
        async def on_receive(self, websocket: WebSocket, data: Say) -> str:
            return data.text

        @undeclared
        async def other(self, websocket: WebSocket, data: Say) -> str:
            return data.text

    assert types_of(Plain) == (int, list[str])
    assert types_of(Plain, "other") == (Say, str)
    # A copy of what is resolved already is not that of the copy.
    assert types_of(type("Sub", (Plain,), {"on_receive": logged(vars(Plain)["other"])})) == (
        Say,
        str,
    )


class Slotted:
    """A function that takes no attributes."""

    __slots__ = ("__signature__",)

    async def __call__(self, websocket: Any, data: "Say") -> "Said":
        """Take a message."""
        raise NotImplementedError


def test_callable_without_attributes() -> None:
    """Its types are resolved each time."""

    class Plain:
        on_receive = print
        other = Slotted()

    assert types_of(Plain) == (MISSING, MISSING)
    assert types_of(Plain, "other") == (Say, Said)


# Generic bases.


class Base(WebSocketEndpoint, Generic[T]):
    """Takes the messages that a subclass names."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: T) -> list[T]:
        """Give it back in a list."""
        return [data]


class Chat(Base[Say]):
    """Takes one message."""


class Middle(Base[list[U]], Generic[U]):
    """Passes on its own type variable."""


class Bottom(Middle[int]):
    """Binds it."""


class SubChat(Chat):
    """Adds nothing."""


class Mixin(Generic[U]):
    """A plain generic class."""

    async def leave(self, websocket: WebSocket, data: Annotated[U, "described"]) -> None:
        """Take a message of the type that is bound."""


class Mixed(SubChat, Mixin[int]):
    """Has two generic bases, one of them through a class that is not generic."""


class Defaults(WebSocketEndpoint, Generic[D]):
    """Takes `Say` unless a subclass names another message."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data: D) -> None:
        """Take a message."""


class Explicit(Defaults[Leave]):
    """Names another message."""


class Wrapped(WebSocketEndpoint, Generic[T, U]):
    """Uses its type variables within other types."""

    encoding = "json"

    @handles
    async def one(self, websocket: WebSocket, data: Envelope[U]) -> Envelope[T]:
        """Take a generic model."""
        raise NotImplementedError

    @handles
    async def two(self, websocket: WebSocket, data: "T | list[U]") -> dict[str, T]:
        """Take a union."""
        raise NotImplementedError


class Unwrapped(Wrapped[str, int]):
    """Binds both."""


@pytest.mark.parametrize(
    ("cls", "name", "resolved"),
    [
        pytest.param(Chat, "on_receive", (Say, list[Say]), id="bound"),
        pytest.param(SubChat, "on_receive", (Say, list[Say]), id="inherited"),
        pytest.param(Bottom, "on_receive", (list[int], list[list[int]]), id="two levels"),
        pytest.param(Mixed, "on_receive", (Say, list[Say]), id="first of two bases"),
        pytest.param(
            Mixed, "leave", (Annotated[int, "described"], type(None)), id="second of two bases"
        ),
        pytest.param(Defaults, "on_receive", (Say, type(None)), id="default"),
        pytest.param(Explicit, "on_receive", (Leave, type(None)), id="not the default"),
        pytest.param(Unwrapped, "one", (Envelope[int], Envelope[str]), id="generic model"),
        pytest.param(Unwrapped, "two", (str | list[int], dict[str, str]), id="union"),
    ],
)
def test_type_variables_are_filled_in(cls: type, name: str, resolved: Any) -> None:
    """The type variables of a generic base get the types that the subclass names."""
    assert types_of(cls, name) == resolved


@pytest.mark.anyio
async def test_generic_base_serves_once_it_is_bound() -> None:
    """The subclass validates the types that it names."""
    assert await answers_of(Bottom, [1, 2]) == [[[1, 2]]]
    (error,) = await answers_of(Bottom, ["x"])
    assert error["errors"][0]["loc"] == [0]
    assert await answers_of(SubChat, {"type": "say", "text": "hi"}) == [
        [{"type": "say", "text": "hi"}]
    ]


@pytest.mark.parametrize(("cls", "variable"), [(Base, "T"), (Middle, "U"), (Wrapped, "U")])
def test_generic_base_that_is_not_bound_cannot_be_served(
    cls: type[WebSocketEndpoint], variable: str
) -> None:
    """The error names the type variable without a type."""
    with pytest.raises(ConfigurationError) as caught:
        cls.as_asgi()
    assert str(caught.value) == (
        f"{cls.__name__} leaves the type variable {variable} open: serve a subclass of "
        f"{cls.__name__}[...]"
    )


def test_attribute_of_a_generic_base_may_be_open() -> None:
    """It is `Any` then, or the type variable; a subclass says what it is."""

    class Room(WebSocketEndpoint, Generic[T]):
        params: T

    class Bound(Room[Say]):
        pass

    assert attribute_type(Room, "params") is Any
    assert attribute_type(Bound, "params") is Say
    assert open_type(Room, "params") is T
    assert open_type(Bound, "params") is Say


@pytest.mark.anyio
async def test_generic_stream() -> None:
    """The type of an async generator may hold a type variable."""

    class Stream(WebSocketEndpoint, Generic[T]):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: T) -> AsyncGenerator[T]:
            yield data

    class Numbers(Stream[int]):
        pass

    assert types_of(Numbers) == (int, AsyncGenerator[int])
    assert await answers_of(Numbers, 5) == [5]


def test_typeddict_of_a_generic_base() -> None:
    """A type variable may stand for any type."""

    class Move(TypedDict):
        x: int

    class Moves(Base[Move]):
        pass

    assert types_of(Moves) == (Move, list[Move])


PEP_695 = """
    class Base[T, U = int](WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: WebSocket, data: {quote}T | list[U]{quote}) -> T:
            return data

    class Chat(Base[Say]): ...

    type Either[X] = X | Leave

    class Aliased(Base[Either[Say]]): ...
"""


def run(source: str, quote: str) -> dict[str, Any]:
    """Run the source of a module; before Python 3.13 type variables have no defaults."""
    if sys.version_info < (3, 13):
        source = source.replace("U = int", "U").replace("Base[Say]", "Base[Say, int]")
        source = source.replace("Either[Say]]", "Either[Say], int]")
    names: dict[str, Any] = {"__name__": __name__, **globals()}
    exec(textwrap.dedent(source.format(quote=quote)), names)  # noqa: S102 - written above
    return names


if sys.version_info >= (3, 12):

    @pytest.mark.parametrize("quote", ["", '"'], ids=["objects", "strings"])
    def test_pep_695_class_is_generic(quote: str) -> None:
        """Type variables in brackets after the name of a class work, for strings too."""
        names = run(PEP_695, quote)
        assert types_of(names["Chat"]) == (Say | list[int], Say)
        with pytest.raises(ConfigurationError, match="leaves the type variable T open"):
            names["Base"].as_asgi()

    @pytest.mark.anyio
    async def test_pep_695_alias_stands_for_its_type() -> None:
        """A generic `type` alias of a union is a union like any other."""
        names = run(PEP_695, "")
        answers = await answers_of(
            names["Aliased"], {"type": "leave"}, {"type": "say"}, {"type": "?"}
        )
        assert answers[:2] == [{"type": "leave"}, {"type": "say", "text": ""}]
        assert answers[2]["errors"][0]["type"] == "union_tag_invalid"


def test_async_iterator_of_a_string() -> None:
    """A string within a type is evaluated too."""

    class Plain:
        async def on_receive(self, websocket: WebSocket, data: int) -> AsyncIterator["Said"]:
            yield Said()

    assert types_of(Plain) == (int, AsyncIterator[Said])


def test_string_in_the_brackets_of_a_base_is_evaluated() -> None:
    """It may name what is local to where the class is made."""

    class Local: ...

    class Plain: ...

    assert base_argument(list["Local"], Plain, "Plain, Base[...]") == list[Local]
    with pytest.raises(ConfigurationError, match=r"\APlain, Base\[...\]: the annotation 'Missing'"):
        base_argument("Missing", Plain, "Plain, Base[...]")


class Calls(Generic[T]):
    """Methods with several parameters."""

    # The mark stands because a parameter without annotation is what is tried.
    async def put(self, websocket: Any, item: "T", bare) -> None: ...  # type: ignore[no-untyped-def]


class NumberCalls(Calls[int]):
    """Says what the type variable is."""


@pytest.mark.parametrize(("name", "expected"), [("item", int), ("bare", MISSING)])
def test_type_of_a_parameter(name: str, expected: object) -> None:
    """A parameter has the type that its class gives it."""
    put = vars(Calls)["put"]
    assert parameter_type(put, name, Calls, NumberCalls, "NumberCalls.put") is expected
