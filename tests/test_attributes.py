"""Attributes of an endpoint: those that must be given, and those of each connection's own."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import field
from inspect import Parameter
from types import ModuleType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    NewType,
    Protocol,
    TypedDict,
    TypeVar,
    assert_type,
    runtime_checkable,
)
from unittest.mock import Mock, patch

import pytest
from fastapi import Depends, Query
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from tests.mistakes.making import DB, check
from tests.mistakes.table import GIVEN, Row
from wsendpoints import ConfigurationError, Given, Limits, WebSocket, WebSocketEndpoint
from wsendpoints.attributes import (
    Need,
    check_attributes,
    check_given,
    read_own,
    resolved_parameters,
)
from wsendpoints.markers import Host
from wsendpoints.testing import connect

if TYPE_CHECKING:
    from decimal import Decimal


class Base(WebSocketEndpoint):
    """Declares attributes in every way."""

    pool: "Decimal"
    inherited: int = 1


class Endpoint(Base):
    """Declares some more attributes."""

    annotated: str
    class_annotated: ClassVar[int]
    optional: int | None = None
    unannotated = 5
    factory: Callable[[], int] = dict  # type: ignore[assignment]  # never called
    bare_factory = dict
    _private: int = 3

    @property
    def computed(self) -> int:
        """Be an attribute that can't be set."""
        return 1

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        """Take a message."""


@pytest.mark.parametrize(
    "name",
    [
        "pool",
        "inherited",
        "annotated",
        "class_annotated",
        "optional",
        "unannotated",
        "factory",
        "limits",
        "cancel_on_disconnect",
    ],
)
def test_declared_attribute_may_be_set(name: str) -> None:
    """An attribute is declared by an annotation or by a value."""
    check_attributes(Endpoint, {name: 1}, {})


@pytest.mark.parametrize(
    "name",
    [
        "missing",
        "_private",
        "_declaration",
        "__class__",
        "bare_factory",
        "computed",
        "scope",
        "websocket",
        "on_receive",
        "as_asgi",
        "push",
    ],
)
def test_any_other_attribute_is_refused(name: str) -> None:
    """The error says how to declare the attribute."""
    with pytest.raises(ConfigurationError) as caught:
        check_attributes(Endpoint, {name: 1}, {})
    assert str(caught.value) == (
        f"Endpoint declares no attribute {name!r}: annotate it in the class, as `{name}: ...`"
    )


@pytest.mark.parametrize("name", ["encoding", "sends"])
def test_what_is_compiled_with_the_class_is_refused(name: str) -> None:
    """The error says that the attribute is to be set in a subclass."""
    with pytest.raises(ConfigurationError) as caught:
        check_attributes(Endpoint, {name: 1}, {})
    assert str(caught.value) == (
        f"Endpoint.{name} is compiled with the class: set it in a subclass"
    )


def test_as_asgi_checks_its_attributes() -> None:
    """`as_asgi` raises for an attribute that is not declared."""
    assert Endpoint.as_asgi(limits=Limits(), annotated="x")
    with pytest.raises(ConfigurationError, match="declares no attribute 'anotated'"):
        Endpoint.as_asgi(anotated="x")


@pytest.mark.parametrize("row", GIVEN, ids=str)
def test_attribute_gives_the_text_of_the_table(row: Row) -> None:
    """What is missing, or is of another class, is refused where the class is mounted."""
    check(row)


# What is required.

T = TypeVar("T")


class Store(WebSocketEndpoint):
    """Requires something, and takes something else."""

    encoding = "text"
    db: Given[DB]
    name: str

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        """Return the class of what is given."""
        assert_type(self.db, DB)
        return type(self.db).__name__


class Child(Store):
    """Requires more."""

    cache: Given["dict[str, int]"]


class Relaxed(Child):
    """Requires nothing."""

    db: DB
    cache = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Mixin:
    """Requires something, and is no endpoint."""

    db: Given[DB]


class Mixed(Mixin, WebSocketEndpoint):
    """Inherits it."""


class Open(WebSocketEndpoint, Generic[T]):
    """Requires what a subclass says."""

    db: Given[T]


class Bound(Open[DB]):
    """Says it."""


class Marked(WebSocketEndpoint):
    """Requires what a framework would resolve, if it is asked."""

    db: Annotated[DB, Depends(DB)]
    name: Annotated[str, Query()] = "a default"


@pytest.mark.parametrize(
    ("cls", "missing"),
    [
        (Store, "db"),
        (Child, "db and cache"),
        (Mixed, "db"),
        (Open, "db"),
        (Bound, "db"),
    ],
)
def test_missing_attribute_is_an_error(cls: type[WebSocketEndpoint], missing: str) -> None:
    """All that is missing is told at once."""
    values = ", ".join(f"{name}=..." for name in missing.split(" and "))
    with pytest.raises(ConfigurationError) as caught:
        cls.as_asgi()
    assert str(caught.value) == (
        f"{cls.__name__} is not given {missing}, which it requires: mount "
        f"`{cls.__name__}.as_asgi({values})`, or call `{cls.__name__}.serve(websocket, {values})`"
    )


def test_subclass_may_require_less() -> None:
    """It annotates the attribute otherwise, or gives it a value for all."""
    assert Relaxed.as_asgi()


@pytest.mark.parametrize("cls", [Store, Child, Mixed, Bound])
def test_attribute_of_another_class_is_an_error(cls: Any) -> None:
    """Its class is what is in the brackets, also of a generic base."""
    with pytest.raises(ConfigurationError, match=rf"{cls.__name__}\.db is declared as Given\[DB\]"):
        cls.as_asgi(db=5, **({"cache": {}} if cls is Child else {}))


@pytest.mark.anyio
async def test_serve_requires_it_too() -> None:
    """It raises before the connection is answered."""
    websocket = WebSocket({"type": "websocket"})
    with pytest.raises(ConfigurationError, match="Store is not given db, which it requires"):
        await Store.serve(websocket)
    with pytest.raises(ConfigurationError, match="what is given is of the class int"):
        await Store.serve(websocket, db=5)


@pytest.mark.anyio
async def test_what_is_given_is_there() -> None:
    """It is the endpoint's."""
    async with connect(Store.as_asgi(db=DB())) as client:
        await client.send("x")
        assert await client.receive(str) == "DB"


@pytest.mark.anyio
async def test_class_that_is_mounted_itself_raises_at_the_first_connection() -> None:
    """Starlette calls the class, which nobody gave anything."""
    app = Starlette(routes=[WebSocketRoute("/", Store)])
    with pytest.raises(ConfigurationError, match="Store is not given db, which it requires"):
        async with connect(app):
            pass


@pytest.mark.anyio
async def test_class_that_is_mounted_itself_may_have_the_value() -> None:
    """A subclass gives it to all."""

    class Ready(Store):
        db = DB()

    async with connect(Starlette(routes=[WebSocketRoute("/", Ready)])) as client:
        await client.send("x")
        assert await client.receive(str) == "DB"


# Annotations that are strings.

FUTURE = "from __future__ import annotations\n"
CLASS = "class Chat(WebSocketEndpoint):\n    "


def endpoint_of(code: str) -> Any:
    """Return the class `Chat` of a module."""
    module = ModuleType("strings")
    vars(module).update(
        Annotated=Annotated,
        DB=DB,
        Depends=Depends,
        Given=Given,
        Query=Query,
        WebSocketEndpoint=WebSocketEndpoint,
    )
    with patch.dict(sys.modules, strings=module):
        exec(compile(code, "strings.py", "exec"), vars(module))  # noqa: S102 - our own
    return vars(module)["Chat"]


STRINGS = {
    "future": FUTURE + CLASS + "db: Given[DB]",
    "string": CLASS + "db: 'Given[DB]'",
    "string within": CLASS + "db: Given['DB']",
    "another name": FUTURE + "It = Given\n" + CLASS + "db: It[DB]",
    "an alias": FUTURE + "It = Given[DB]\n" + CLASS + "db: It",
    "annotated": FUTURE + CLASS + "db: Annotated[Given[DB], 'a comment']",
    "local": (
        FUTURE + "def make():\n    class DB: ...\n    class Base(WebSocketEndpoint):\n"
        "        db: Given[DB]\n    return Base\nclass Chat(make()): ..."
    ),
}


@pytest.mark.parametrize("code", STRINGS.values(), ids=[*STRINGS])
def test_annotation_may_be_a_string(code: str) -> None:
    """It means what it says."""
    cls = endpoint_of(code)
    with pytest.raises(ConfigurationError, match="Chat is not given db, which it requires"):
        cls.as_asgi()
    with pytest.raises(ConfigurationError, match=r"Chat\.db is declared as Given\[DB\]"):
        cls.as_asgi(db=5)


UNKNOWN = {
    "future": FUTURE + CLASS + "db: Given[Nowhere]",
    "string": CLASS + "db: 'Given[Nowhere]'",
    "string within": CLASS + "db: Given['Nowhere']",
    "by a module": FUTURE + "import wsendpoints\n" + CLASS + "db: wsendpoints.Given[Nowhere]",
    "no attribute": FUTURE + "import wsendpoints\n" + CLASS + "db: Given[wsendpoints.nowhere.X]",
}


@pytest.mark.parametrize("code", UNKNOWN.values(), ids=[*UNKNOWN])
def test_type_may_be_known_to_type_checkers_alone(code: str) -> None:
    """Then it is required, and may be anything."""
    cls = endpoint_of(code)
    with pytest.raises(ConfigurationError, match="Chat is not given db, which it requires"):
        cls.as_asgi()
    assert cls.as_asgi(db=5)


MARKED = {
    "future": FUTURE + CLASS + "db: Annotated[DB, Depends(DB)]",
    "within": CLASS + "db: Annotated['DB', Depends(DB)]",
    "an alias": FUTURE + "It = Annotated[DB, Depends(DB)]\n" + CLASS + "db: It",
    "unknown within": CLASS + "db: Annotated['Nowhere', Depends(DB)]",
    "local": (
        FUTURE + "def make():\n    class Own: ...\n    class Base(WebSocketEndpoint):\n"
        "        db: Annotated[Own, Depends(DB)]\n    return Base\nclass Chat(make()): ..."
    ),
}


@pytest.mark.parametrize("code", MARKED.values(), ids=[*MARKED])
def test_what_is_marked_for_a_framework_is_required_elsewhere(code: str) -> None:
    """It may be anything, as what the framework resolves may be."""
    cls = endpoint_of(code)
    with pytest.raises(ConfigurationError, match=r"Chat is not given db, .* or have FastAPI"):
        cls.as_asgi()
    assert cls.as_asgi(db=5)


@pytest.mark.parametrize("mark", ["Depends(DB)", "Given, Query()", "Nowhere, fastapi.Path(gt=1)"])
def test_mark_that_nobody_can_read_is_an_error(mark: str) -> None:
    """The name is not known where the framework would look for it."""
    with pytest.raises(ConfigurationError, match=r"Chat\.db: the annotation .* names 'Nowhere'"):
        endpoint_of(f"{FUTURE}{CLASS}db: Annotated[Nowhere, {mark}]")


def parameter_of(code: str, host: Host = "FastAPI", **given: Any) -> Parameter:
    """Return what a framework resolves for the class `Chat` of a module."""
    cls = endpoint_of(code)
    (parameter,) = resolved_parameters(cls, given, cls._required_attributes, host)
    return parameter


def test_framework_gets_a_parameter_for_what_is_marked() -> None:
    """With its annotation, and the default that the class has; what is given is none."""
    query, depends = Query(), Depends(DB)
    code = CLASS + "n: Annotated[int, query] = 5\n    db: Annotated[DB, depends]"
    code = f"from __main__ import it\nquery, depends = it\n{code}"
    with patch.object(sys.modules["__main__"], "it", (query, depends), create=True):
        number = parameter_of(code, db=DB())
        db = parameter_of(code, n=5)
    assert number == Parameter(
        "n", Parameter.KEYWORD_ONLY, default=5, annotation=Annotated[int, query]
    )
    assert db == Parameter("db", Parameter.KEYWORD_ONLY, annotation=Annotated[DB, depends])


def test_default_may_be_made() -> None:
    """By `field` of dataclasses."""
    code = CLASS + "n: Annotated[list[int], Query()] = field(default_factory=list)"
    assert parameter_of(f"from dataclasses import field\n{code}").default == []


def test_litestar_resolves_by_name() -> None:
    """Also what is marked for nobody, and has no value; for FastAPI it has to be marked."""
    code = CLASS + "db: Given[DB]\n    cache: Given[DB] = DB()"
    assert parameter_of(code, "Litestar").name == "db"
    with pytest.raises(ConfigurationError, match=r"Chat\.db is required, and FastAPI can't"):
        parameter_of(code)
    with pytest.raises(ConfigurationError, match=r"Chat\.db is required, and Litestar can't"):
        parameter_of(CLASS + "db: Annotated[DB, Depends(DB)]", "Litestar")


NOT_GIVEN = {
    "unknown": FUTURE + CLASS + "db: Nowhere",
    "nonsense": CLASS + "db: 'not a type'",
    "a name like it": FUTURE + CLASS + "db: GivenBy[DB]",
    "annotated": CLASS + "db: Annotated[DB, 'a comment']",
    "annotated, as a string": FUTURE + CLASS + "db: Annotated[Nowhere, 'a comment']",
    "annotated, of nothing": CLASS + "db: Annotated['Nowhere', 'a comment']",
    "plain": CLASS + "db: DB",
}


@pytest.mark.parametrize("code", NOT_GIVEN.values(), ids=[*NOT_GIVEN])
def test_any_other_annotation_requires_nothing(code: str) -> None:
    """It need not even mean anything."""
    cls = endpoint_of(code)
    assert cls.as_asgi()
    assert cls.as_asgi(db=5)


def test_module_that_cannot_be_imported_is_none_to_look_into() -> None:
    """A class of code that was executed by hand has none."""
    names: dict[str, Any] = {"WebSocketEndpoint": WebSocketEndpoint, "Given": Given, "DB": DB}
    exec(CLASS + "db: Given[DB]", {**names, "__name__": "nowhere"}, names)  # noqa: S102
    with pytest.raises(ConfigurationError, match="Chat is not given db"):
        names["Chat"].as_asgi()
    assert names["Chat"].as_asgi(db=5)


# The class of what is given.


class Sized(Protocol):
    """Is for type checkers alone."""

    def size(self) -> int:
        """Return its size."""
        ...


@runtime_checkable
class Closable(Protocol):
    """Can be asked for at run time."""

    def close(self) -> None:
        """Close it."""


class Subclass(DB):
    """Is one, too."""


class File:
    """Can be closed."""

    def close(self) -> None:
        """Close it."""


class Options(TypedDict):
    """A dict."""

    depth: int


Named = NewType("Named", int)

INSTANCES: list[tuple[Any, Sequence[Any], Sequence[Any]]] = [
    (DB, [DB(), Subclass(), Mock(spec=DB)], [5, None, DB, Mock()]),
    (DB | None, [DB(), None], [5]),
    (None, [None], [5]),
    (int | str, [5, "x"], [b"x"]),
    (list[int], [[], ["x"]], [()]),
    (dict[str, list[int]], [{}], [[]]),
    (Callable[[], int], [int, DB], [5]),
    (type[DB], [DB, int], [DB()]),
    (float, [5, 0.5], ["x"]),
    (complex, [5, 0.5, 5j], ["x"]),
    (Named, [5], ["x"]),
    (Annotated[int, "a comment"], [5], ["x"]),
    (Closable, [File()], [5]),
    (Sequence[int], [[], ()], [5]),
    # What can't be told by a class.
    (Sized, [5], []),
    (Options, [{}, 5], []),
    (Literal["a"], ["a", 5], []),
    (Any, [5, None], []),
    (object, [5, None], []),
]


@pytest.mark.parametrize(
    ("type_", "right", "wrong"), INSTANCES, ids=[str(it) for it, *_ in INSTANCES]
)
def test_class_of_what_is_given_is_checked(
    type_: Any, right: Sequence[Any], wrong: Sequence[Any]
) -> None:
    """As far as its class tells."""
    required = {"db": Need(type_)}
    for value in right:
        check_attributes(Store, {"db": value}, required)
    for value in wrong:
        with pytest.raises(ConfigurationError, match="but what is given is of the class"):
            check_attributes(Store, {"db": value}, required)


def test_instance_is_checked_for_what_nobody_resolved() -> None:
    """A default does not count: nobody looked for another value."""
    cls: Any = Marked
    endpoint = cls({"type": "websocket"}, Mock(), Mock())
    endpoint.db = DB()
    with pytest.raises(ConfigurationError, match="Marked is not given name"):
        check_given(endpoint, cls._required_attributes)
    endpoint.name = "a default"
    check_given(endpoint, cls._required_attributes)


def test_instance_is_checked_for_what_is_missing() -> None:
    """Whoever set it."""
    endpoint = File()
    with pytest.raises(ConfigurationError, match="File is not given db, which it requires"):
        check_given(endpoint, {"db": Need(DB)})
    vars(endpoint)["db"] = 5
    check_given(endpoint, {"db": Need(DB)})


# What each connection has alone.


class Parent:
    """Has fields, and is no endpoint."""

    seen: list[int] = field(default_factory=list[int])
    inherited: set[int] = field(default_factory=set[int])


class Fields(Parent):
    """Has fields too, and none by a name of its parent's."""

    seen = ()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    number: int = field(default=5)
    last: list[int] = field(default_factory=lambda: [1])


def test_fields_are_read() -> None:
    """The nearest value of a name counts."""
    own = dict(read_own(Fields))
    assert {name: make() for name, make in own.items()} == {
        "inherited": set(),
        "number": 5,
        "last": [1],
    }
    assert own["last"]() is not own["last"]()


def test_class_without_fields_has_none() -> None:
    """Its instances are made as before."""
    assert read_own(Endpoint) == []


@pytest.mark.anyio
async def test_field_is_there_before_what_is_given_and_before_init() -> None:
    """`__init__` of the class may use it, and `as_asgi` may replace it."""

    class Chat(WebSocketEndpoint):
        encoding = "json"
        seen: list[int] = field(default_factory=list[int])

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.seen.append(1)

        async def on_receive(self, websocket: WebSocket, data: int) -> list[int]:
            return self.seen

    for app, answer in ((Chat.as_asgi(), [1]), (Chat.as_asgi(seen=[5]), [5])):
        async with connect(app) as client:
            await client.send(0)
            assert await client.receive(list[int]) == answer
