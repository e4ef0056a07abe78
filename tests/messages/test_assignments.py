"""What an instance is assigned holds, or the assignment fails and says what to do instead."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from tests.fake_server import FakeServer, make_scope
from tests.some_messages import Said, Say
from wsendpoints import ConfigurationError, Limits, WebSocket, WebSocketEndpoint, handles
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio

METHOD = (
    "is compiled with the class, and can't be assigned to an instance: have it await what changes, "
    "as in `return await self.state(websocket, data)`, and assign `self.state`"
)
VALUE = "is compiled with the class: set it in a subclass"

NAMES = ("on_receive", "say", "encoding", "sends", "correlation_id", "answers", "error_codes")

Assign = Callable[[Any, str, Any], None]


def by_name(self: Any, name: str, value: Any) -> None:
    """Assign as a method does that has the name in its code."""
    match name:
        case "on_receive":
            self.on_receive = value
        case "say":
            self.say = value
        case "encoding":
            self.encoding = value
        case "correlation_id":
            self.correlation_id = value
        case "answers":
            self.answers = value
        case "error_codes":
            self.error_codes = value
        case _:
            self.sends = value


def by_text(self: Any, name: str, value: Any) -> None:
    """Assign as with a text."""
    for known in NAMES:
        if known == name:
            setattr(self, known, value)


def within(self: Any, name: str, value: Any) -> None:
    """Assign in a function within."""

    def inner() -> None:
        self.on_receive = value

    inner()


def wrapped(self: Any, name: str, value: Any) -> None:
    """Assign in a function that another one wraps."""
    by_name(self, name, value)


@functools.wraps(by_name)
def decorated(*args: Any) -> None:
    """Assign behind a decorator."""
    by_name(*args)


def hidden(method: Any) -> Any:
    """Decorate without `functools.wraps`."""

    def wrapper(*args: Any) -> None:
        method(*args)

    return wrapper


def refused(cls: Any, name: str, value: Any = None) -> str:
    """Return the error of an assignment by the method `assign` of a new instance."""
    endpoint = cls(make_scope(), FakeServer().receive, FakeServer().send)
    with pytest.raises(ConfigurationError) as caught:
        endpoint.assign(name, value)
    return str(caught.value)


@pytest.mark.parametrize(
    "assign",
    [
        pytest.param(by_name, id="by its name"),
        pytest.param(by_text, id="setattr"),
        pytest.param(decorated, id="decorated"),
        pytest.param(hidden(by_name), id="decorated without wraps"),
        pytest.param(staticmethod(by_name).__func__, id="function"),
        pytest.param(functools.partialmethod(by_name), id="partialmethod"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["class", "base", "plain base", "subclass"])
async def test_what_is_compiled_is_not_assigned(assign: Any, name: str, where: str) -> None:
    """Wherever the code is that assigns it."""
    assigning = {"assign": assign}
    base: Any = WebSocketEndpoint
    if where == "base":
        base = type("Base", (WebSocketEndpoint,), assigning)
    elif where == "plain base":
        base = type("Base", (type("Plain", (), assigning), WebSocketEndpoint), {})

    class Chat(base):  # type: ignore[misc]  # made at run time
        encoding = "json"
        if where == "class":
            locals().update(assigning)

        @handles
        async def say(self, websocket: WebSocket, data: Say) -> None: ...

    cls: Any = Chat
    if where == "subclass":
        cls = type("Chat", (Chat,), assigning)
    text = METHOD if name in {"on_receive", "say"} else VALUE
    assert refused(cls, name) == f"{cls.__qualname__}.{name} {text}"


async def test_function_within_a_method_is_looked_into() -> None:
    """It may assign as well."""
    cls = type("Chat", (WebSocketEndpoint,), {"assign": within})
    assert refused(cls, "on_receive") == f"Chat.on_receive {METHOD}"


async def test_variable_that_is_assigned_later_is_no_function() -> None:
    """A method may name one."""

    def other(self: Any) -> Any:
        return later

    cls: Any = type("Chat", (WebSocketEndpoint,), {"other": other})
    later = 5
    assert other(None) == later
    assert cls.__setattr__ is object.__setattr__


async def test_property_is_looked_into() -> None:
    """Its setter may assign as well."""

    class Chat(WebSocketEndpoint):
        @property
        def state(self) -> Any:
            return None

        @state.setter
        def state(self, value: Any) -> None:
            self.on_receive = value  # type: ignore[method-assign]  # the case

        def assign(self, name: str, value: Any) -> None:
            self.state = value

    assert refused(Chat, "on_receive") == f"{Chat.__qualname__}.on_receive {METHOD}"


async def test_other_attributes_are_assigned() -> None:
    """Also where some are looked at, and by a `__setattr__` of the class's own."""

    class Chat(WebSocketEndpoint):
        assigned: ClassVar[list[str]] = []

        def __setattr__(self, name: str, value: Any) -> None:
            self.assigned.append(name)
            super().__setattr__(name, value)

        async def on_connect(self, websocket: WebSocket) -> None:
            self.name = "ann"
            await super().on_connect(websocket)

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            if data == "change":
                # A method is assigned, and one with other parameters: that is the case.
                self.on_receive = self.on_invalid  # type: ignore[assignment, method-assign]
            return self.name

    class Sub(Chat):
        def change(self) -> None:
            # As above.
            self.on_receive = self.on_invalid  # type: ignore[assignment, method-assign]

    for cls in (Chat, Sub):
        cls.assigned.clear()
        async with connect(cls.as_asgi()) as client:
            await client.send_text("")
            assert await client.receive_text() == "ann"
        assert cls.assigned == ["websocket", "_lifecycle", "name"]


async def test_assignments_of_most_classes_are_not_looked_at() -> None:
    """It would take longer than all else that an assignment does."""

    class Chat(WebSocketEndpoint):
        name = ""

        async def on_receive(self, websocket: WebSocket, data: str) -> str:
            self.name = data
            return self.name

    assert Chat.__setattr__ is object.__setattr__


async def test_hooks_of_an_instance_are_called() -> None:
    """They are looked up when they are called."""
    called: list[str] = []

    class Chat(WebSocketEndpoint):
        encoding = "json"

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.on_connect = self.accept  # type: ignore[method-assign]  # the case
            self.on_invalid: Any = self.note

        async def accept(self, websocket: WebSocket) -> None:
            called.append("accept")
            await websocket.accept()
            self.on_disconnect: Any = self.note

        async def on_receive(self, websocket: WebSocket, data: Say) -> Said:
            raise NotImplementedError

        async def note(self, websocket: WebSocket, what: Any) -> None:
            called.append(type(what).__name__)

    async with connect(Chat.as_asgi()) as client:
        await client.send_json({"type": "no"})
        await client.receive_nothing()
    assert called == ["accept", "InvalidMessageError", "int"]


async def test_limits_are_checked() -> None:
    """Limits of another type are refused where they are assigned."""

    class Chat(WebSocketEndpoint):
        def assign(self, name: str, value: Any) -> None:
            self.limits = value

    assert refused(Chat, "limits", 5) == f"{Chat.__qualname__}.limits is 5: use Limits(...)"
    endpoint = Chat(make_scope(), FakeServer().receive, FakeServer().send)
    endpoint.assign("limits", Limits(grace=1))
    assert endpoint.limits.grace == 1
