"""Types of messages that a document has trouble with."""

import dataclasses
import datetime as dt
import enum
import ipaddress
import math
import uuid
import warnings
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from re import Pattern
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, NewType, TypeVar

import msgspec
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    InstanceOf,
    Json,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    PostgresDsn,
    RootModel,
    SecretStr,
    Tag,
    WithJsonSchema,
    computed_field,
    conint,
    create_model,
    model_serializer,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType, TypedDict

from tests.some_messages import Leave, Said, Say
from wsendpoints import (
    Credential,
    Dialect,
    ErrorReply,
    JsonRpc,
    Limits,
    MsgspecJSON,
    Rate,
    WebSocket,
    WebSocketEndpoint,
    dialects,
    handles,
)
from wsendpoints.groups import Group
from wsendpoints.messages.substitution import union_of
from wsendpoints.protocol.exceptions import ConfigurationWarning

__all__ = ["ROUTES"]

T = TypeVar("T")

MARKUP: Final = (
    "</script><img src=x onerror=alert(1)><!-- ]]> \u2028 {{7*7}} \x1b[31m # [a](javascript:b)"
)


class Tree(BaseModel):
    """A part of itself."""

    type: Literal["tree"] = "tree"
    children: "list[Tree]" = []
    parent: "Tree | None" = None
    forest: "dict[str, Forest]" = {}


class Forest(BaseModel):
    type: Literal["forest"] = "forest"
    trees: Annotated[
        "list[Annotated[Tree | Forest, Field(discriminator='type')]]", Field(min_length=1)
    ]
    again: "Forest"


class Words(RootModel["dict[str, Words] | list[Words] | str"]):
    """JSON, more or less."""


class Envelope(BaseModel, Generic[T]):
    model_config = ConfigDict(title=MARKUP)

    type: Literal["envelope"] = "envelope"
    within: T
    many: Sequence["Envelope[T]"] = ()


class Kind(enum.Enum):
    A = "a"
    MARKUP = MARKUP
    NONE = "\u00e9"


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


class Many(enum.StrEnum):
    _ignore_ = "number"
    V7 = "v7"
    for number in range(100, 600):
        vars()[f"V{number}"] = f"v{number}"


class Enums(BaseModel):
    type: Literal["enums"] = "enums"
    kind: Kind
    number: Number = Number.TWO
    many: Many = Many.V7
    literal: Literal["a", 1, True, Kind.A] | None = None
    by_kind: dict[Kind, set[Number]] = {}
    markup: Literal[MARKUP] = MARKUP  # type: ignore[valid-type]  # a text is a text


class Cat(BaseModel):
    kind: Literal["cat", "kitten"] = Field("cat", alias="kindOf")
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = Field("dog", alias="kindOf")
    barks: bool = True


class Pets(BaseModel):
    type: Literal["pets"] = "pets"
    one: Annotated[Cat | Dog, Field(discriminator="kind", description="A pet.")]
    by_function: Annotated[
        Annotated[Cat, Tag("c")] | Annotated[Dog, Tag("d")], Discriminator(lambda _: "c")
    ]
    all: tuple[Cat, Dog] | None = None


class Point(NamedTuple):
    x: int
    y: float = 0.5


@dataclasses.dataclass
class Data:
    point: Point
    tags: frozenset[str] = frozenset({"b", "a"})


class Total(TypedDict, total=False):
    """Some of it."""

    a: int
    b: Data


Alias = TypeAliasType("Alias", "dict[str, Alias] | int")
Meters = NewType("Meters", float)


class Formats(BaseModel):
    """All that has a format.

    And more.
    """

    model_config = ConfigDict(alias_generator=AliasGenerator(to_camel), extra="forbid")

    type: Literal["formats"] = "formats"
    some_uuid: uuid.UUID
    uuid_7: Annotated[uuid.UUID, Field()] = uuid.UUID(int=0)
    date: dt.date
    at: dt.datetime
    clock: dt.time
    delta: dt.timedelta = dt.timedelta(seconds=90)
    price: Decimal = Field(Decimal("1.50"), max_digits=6, decimal_places=2)
    url: HttpUrl
    database: PostgresDsn = PostgresDsn("postgres://user:hunter2@host/db")
    address: ipaddress.IPv4Address
    networks: list[ipaddress.IPv6Network]
    blob: bytes = b"bytes"
    path: Path = Path("some/path")
    pattern: Pattern[str]
    parsed: Json[list[int]]
    value: JsonValue = {"a": [1, None]}
    meters: Meters = Meters(1.0)
    data: Data
    total: Total
    alias: Alias = 1
    ordered: OrderedDict[str, int] = OrderedDict(b=1, a=2)
    recent: deque[int] = deque([1], maxlen=3)
    empty: tuple[()] = ()
    several: tuple[int, ...] = ()
    pair: tuple[int, str]


class Constraints(BaseModel):
    model_config = ConfigDict(regex_engine="python-re")

    type: Literal["constraints"] = "constraints"
    whole: conint(gt=3, lt=100, multiple_of=7)  # type: ignore[valid-type]  # as pydantic has it
    ratio: Annotated[float, Field(ge=0.5, lt=0.75)]
    huge: Annotated[int, Field(ge=2**70)]
    code: Annotated[str, Field(pattern=r"\A[A-Z]{3}-\d{3}\Z", min_length=7)]
    slug: Annotated[str, Field(pattern=r"^[\w-]+$", max_length=30)]
    lookahead: Annotated[str, Field(pattern=r"(?i)^abc$")] = "ABC"
    named: Annotated[str, Field(pattern=r"(?P<year>\d{4})-\d\d")] = "2025-01"
    many: Annotated[list[int], Field(min_length=2, max_length=3)]
    unique: Annotated[set[Kind], Field(min_length=2)]
    keys: Annotated[dict[Annotated[str, Field(pattern="^k")], int], Field(min_length=1)]
    at_least_one: Annotated[frozenset[str], Field(min_length=3)]
    ends: dt.date = Field(dt.date(2025, 1, 31), ge=dt.date(2025, 1, 1))


class Secrets(BaseModel):
    """What must not be told."""

    type: Literal["secrets"] = "secrets"
    password: SecretStr = SecretStr("hunter2")
    plain: SecretStr = "hunter2"  # type: ignore[assignment]  # a mistake
    maybe: SecretStr | None = "hunter2"  # type: ignore[assignment]  # a mistake
    nested: "dict[str, Secrets]" = {}


class Login(BaseModel):
    type: Literal["login"] = "login"
    secrets: Secrets = Secrets()


class Odd(BaseModel):
    """What JSON Schema has no words for."""

    type: Literal["odd"] = "odd"
    anything: Any = None
    function: Callable[[int], str] | None = None
    instance: InstanceOf[Path] | None = None
    checked: Annotated[int, PlainValidator(lambda value: value)] = 5
    written: Annotated[complex, PlainSerializer(lambda value: f"{value}")] = 1j
    ratio: float = math.nan
    infinite: float = Field(math.inf, le=math.inf)
    default: Any = object()
    own: Annotated[int, WithJsonSchema({"$ref": "https://example.com/schema.json"})] = 1
    within: Annotated[
        Any, WithJsonSchema({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"})
    ] = None
    many: Annotated[int, BeforeValidator(lambda value: 1 / 0)] = 1


class Names(BaseModel):
    type: Literal["names"] = "names"
    ref: str = Field(alias="$ref")
    all_of: list[int] = Field(alias="allOf")
    ways: str = Field("a", alias="a/b~c")
    extension: int = Field(1, alias="x-own")
    properties: dict[str, str] = Field({}, alias="properties")
    required: bool = False
    spaced: int = Field(1, alias="with space \u00e9 \u2603")
    default: int = Field(0, validation_alias=AliasChoices("d", AliasPath("e", 0)))
    constructor: int = 1


class Ärger(BaseModel):
    """Not ASCII: \u2603 \U0001f600."""

    type: Literal["ärger"] = "ärger"


class _Private(BaseModel):
    """Nobody else is to read this."""

    type: Literal["private"] = "private"


class Described(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": MARKUP}, {"text": 5}], "x-own": {"a": 1}}
    )

    type: Literal["described"] = "described"
    text: str = Field(MARKUP, title=MARKUP, description=MARKUP, examples=[MARKUP], deprecated=True)


Described.__doc__ = MARKUP


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["computed"] = "computed"
    width: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic has it
    @property
    def area(self) -> int:
        """The area."""
        return self.width**2


class Serialized(BaseModel):
    type: Literal["serialized"] = "serialized"

    @model_serializer
    def write(self) -> Mapping[str, int]:
        return {"type": 1}


class Frame(BaseModel):
    """A dataclass within a model within a dict, and so on."""

    type: Literal["frame"] = "frame"
    deep: list[list[list[list[list[list[list[list[list[dict[str, tuple[Data, ...]]]]]]]]]]] = []


def tagged(name: str, **fields: Any) -> Any:
    """Return a model with a tag."""
    tag: Any = Literal[name.lower()]
    return create_model(name, type=(tag, name.lower()), **fields)


def chain(length: int) -> Any:
    """Return a model with one within, and so on."""
    model = tagged("Link")
    for number in range(length):
        model = tagged(f"Link{number}", next=(model, ...))
    return model


Wide: Final = tagged("Wide", **{f"field{number}": (int | None, None) for number in range(500)})


class Twin(BaseModel):
    __qualname__ = "Say"
    type: Literal["twin"] = "twin"


Twin.__name__ = "Say"


SENT: Final[Sequence[Any]] = (
    Tree,
    Forest,
    Words,
    Envelope[int],
    Envelope[list[Cat]],
    Enums,
    Pets,
    Formats,
    Constraints,
    Secrets,
    Login,
    Odd,
    Names,
    Ärger,
    _Private,
    Described,
    Computed,
    Serialized,
    Frame,
    chain(40),
    Wide,
    Twin,
    Say,
)

TAKEN: Final = [Envelope[Data], *(it for it in SENT if it not in {Words, *SENT[3:5]})]


async def on_receive(self: Any, websocket: WebSocket, data: Any) -> None:
    """Take anything."""


on_receive.__annotations__["data"] = union_of(TAKEN)

with warnings.catch_warnings():
    # Some of them are slow to validate.
    warnings.simplefilter("ignore", ConfigurationWarning)
    Hostile: Final[Any] = type(
        "Hostile",
        (WebSocketEndpoint,),
        {
            "__module__": __name__,
            "__doc__": f"{MARKUP}\n\n{MARKUP}",
            "encoding": "json",
            "sends": SENT,
            "on_receive": on_receive,
        },
    )


class Level(enum.Enum):
    LOW = "low"


class Sized(msgspec.Struct, tag="sized", rename="camel"):
    """A struct.

    With constraints.
    """

    some_size: Annotated[int, msgspec.Meta(ge=3, description="The size.", examples=[7])]
    level: Level = Level.LOW
    code: Annotated[str, msgspec.Meta(pattern="^[a-z]{3}$")] = "abc"
    raw: bytes = b""
    others: "list[Sized | Rest]" = []


class Rest(msgspec.Struct, tag="rest", forbid_unknown_fields=True):
    pair: tuple[int, str]
    at: dt.datetime
    total: dict[str, float] = {}


class Flat(msgspec.Struct, Generic[T], array_like=True, tag="flat"):
    value: T
    at: dt.date | None = None


class Structs(WebSocketEndpoint):
    encoding = MsgspecJSON()

    @handles
    async def sized(self, websocket: WebSocket, data: Sized) -> Sized | Rest:
        return data

    @handles
    async def rest(self, websocket: WebSocket, data: Rest) -> AsyncIterator[Flat[int]]:
        yield Flat(1)


class Identified(msgspec.Struct, tag="identified"):
    id: str | None = None


class StructsWithIds(WebSocketEndpoint):
    encoding = "msgpack"
    correlation_id = "id"

    async def on_receive(self, websocket: WebSocket, data: Identified) -> Identified:
        return data


class Broken(Dialect):
    """It expects real values."""

    def read(self, record: Any) -> dialects.Record:
        raise TypeError

    def write_reply(self, id: dialects.Id, result: Any) -> Any:
        return {"result": result.value}

    def write_error(self, id: dialects.Id, error: ErrorReply) -> Any:
        return dialects.Close(4000)


class Unreadable(WebSocketEndpoint):
    encoding = "json"
    dialect = Broken()

    @handles(MARKUP)
    async def markup(self, websocket: WebSocket, data: Tree) -> Tree:
        return data


class Rpc(WebSocketEndpoint):
    encoding = "json"
    dialect = JsonRpc(codes={"room_full": -32001})
    error_codes: ClassVar[Any] = {"room_full": MARKUP, -32002: "Nothing."}

    @handles("tree/get")
    async def tree(self, websocket: WebSocket, *names: str, depth: int = 1) -> Tree | None: ...

    @handles("words")
    async def words(self, websocket: WebSocket, word: JsonValue) -> Words:
        return Words(f"{word}")

    @handles("nothing", concurrent=True)
    async def nothing(self, websocket: WebSocket) -> None: ...


class News(Group[Say | Said]):
    """What is new."""

    name = "news:{}:{}"


class Options(BaseModel):
    room: Annotated[Literal["a", "b"], Field(description=MARKUP)]
    page: int = Field(1, ge=1)
    tags: list[Kind] = Field([], alias="tag")
    token: str


class Guarded(WebSocketEndpoint):
    encoding = "json"
    params: Options
    groups = (News,)
    sends = Leave
    subprotocols: ClassVar[Any] = {"v2": "msgpack", "v1": "json", "raw": "bytes"}
    security = (
        Credential("bearer"),
        Credential("cookie", "session", MARKUP),
        Credential("query", "token"),
        Credential("header", "X-Key"),
    )
    limits = Limits(rate=Rate(10, per=2.5, burst=20), idle_timeout=60, close_codes={"rate": 4429})
    error_codes: ClassVar[Any] = {MARKUP: MARKUP, 7: ""}


class Texts(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(
        self, websocket: WebSocket, data: Literal["ping", "stop"]
    ) -> Literal["pong"] | Say:
        return "pong"


class Frames(WebSocketEndpoint):
    async def on_receive(self, websocket: WebSocket, data: str | bytes) -> AsyncIterator[Any]:
        yield data


class Emails(WebSocketEndpoint):
    """It says nothing of what it takes."""

    encoding = "json"

    async def on_receive(self, websocket: WebSocket, data): ...  # type: ignore[no-untyped-def]  # as some do


ROUTES: Final[Mapping[str, type[WebSocketEndpoint[Any]]]] = {
    "/hostile": Hostile,
    "/hostile/{again}": Hostile,
    "/structs": Structs,
    "/structs/ids": StructsWithIds,
    "/unreadable": Unreadable,
    "/rpc": Rpc,
    "/rooms/{room}/{other:int}": Guarded,
    "/texts": Texts,
    "/frames": Frames,
    "/emails": Emails,
}
