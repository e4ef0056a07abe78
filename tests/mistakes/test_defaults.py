"""Values in a class body that all connections would share."""

import pytest

from tests.mistakes.making import check, make, texts_of
from tests.mistakes.table import DEFAULTS, Row
from wsendpoints import ConfigurationError, ConfigurationWarning
from wsendpoints.testing import connect


@pytest.mark.parametrize("row", DEFAULTS, ids=str)
def test_default_gives_the_text_of_the_table(row: Row) -> None:
    """A value that one connection may change for all others is told."""
    check(row)


CONTAINERS = [
    "[]",
    "[1]",
    "{}",
    "{1}",
    "set()",
    "bytearray()",
    "collections.deque()",
    "collections.defaultdict(int)",
    "collections.Counter()",
    "collections.OrderedDict()",
    "collections.UserList()",
    "collections.UserDict()",
    "field(default=[])",
]


@pytest.mark.parametrize("value", CONTAINERS)
@pytest.mark.parametrize("name", ["seen", "seen: Any", "_seen", "seen: 'list[int]'", "params"])
def test_container_is_an_error(value: str, name: str) -> None:
    """It is shared, whatever its name and its annotation."""
    ((kind, text),) = texts_of(f"{name} = {value}")
    assert kind is ConfigurationError
    assert "for all connections: `field(default_factory=" in text


@pytest.mark.parametrize("value", ["Say()", "array.array('i')"])
def test_any_other_value_that_may_change_is_a_warning(value: str) -> None:
    """It may be there to be read, as settings are."""
    ((kind, text),) = texts_of(f"import array\nseen = {value}")
    assert kind is ConfigurationWarning
    assert "for all connections: `field(default_factory=" in text


MEANT = {
    "of the class": "seen: ClassVar[list[int]] = []",
    "of the class, bare": "seen: ClassVar = []",
    "of the class, as a string": "seen: 'ClassVar[list[Nowhere]]' = []",
    "of the class, by a module": "import typing\nseen: typing.ClassVar[list[int]] = []",
    "of the class, by a module, as a string": "seen: 'typing.ClassVar[list[int]]' = []",
    "of the class, with a comment": "seen: Annotated[ClassVar[list[int]], 'all'] = []",
    "of the class, with a comment, as a string": "seen: 'Annotated[ClassVar[list[int]], 1]' = []",
    "final": "seen: Final = []",
    "final, as a string": "seen: 'Final[list[int]]' = []",
    "of a class above": (
        "class Base(WebSocketEndpoint):\n    seen: ClassVar[list[int]]\n"
        "class Chat(Base):\n    seen = []"
    ),
    "a constant": "COLOURS = ['red', 'green']\n_NAMES = {}",
    "a factory": "seen: list[int] = field(default_factory=list)",
    "a factory, not annotated": "seen = field(default_factory=list)",
    "a default": "seen: int = field(default=5)",
    "what never changes": "a = ()\nb = frozenset()\nc = 'x'\nd = None\ne = object()",
    "what the library reads": "subprotocols = ['a']\nallowed_origins = ['https://a.example']",
    "messages to send": "sends = [Say, Leave]",
    "magic": "__slots__ = []\n__match_args__ = []",
}


@pytest.mark.parametrize("code", MEANT.values(), ids=[*MEANT])
def test_value_that_is_meant_gives_no_text(code: str) -> None:
    """What belongs to the class, or never changes, is shared on purpose."""
    assert texts_of(code) == []


@pytest.mark.anyio
async def test_each_connection_has_a_value_of_its_own() -> None:
    """The factory is called for each connection, when that is made."""
    made: list[list[int]] = []

    def factory() -> list[int]:
        made.append([])
        return made[-1]

    code = (
        "seen: list[int] = field(default_factory=factory)\n"
        "async def on_receive(self, websocket, data: int) -> list[int]:\n"
        "    self.seen.append(data)\n"
        "    return self.seen"
    )
    app = make(code, factory=factory).as_asgi()
    async with connect(app) as one, connect(app) as other:
        assert made == [[], []]
        for client, number, answer in ((one, 1, [1]), (one, 2, [1, 2]), (other, 3, [3])):
            await client.send(number)
            assert await client.receive(list[int]) == answer
    assert len(made) == 2
