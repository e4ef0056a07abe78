"""What an endpoint needs of the life of its connection: tasks, and that it is served once."""

import logging
from typing import Any, Final, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel

from tests.connection.connections import S, connection_in
from tests.fake_server import DISCONNECT, FakeServer, Script, make_scope, text
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    InvalidStateError,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
    handles,
)
from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.hooks import LATE, Lifecycle, lifecycle_of, name_of
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.messages.declaration import Declaration
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Idle(WebSocketEndpoint):
    """Declares nothing."""


DECLARATION: Declaration = vars(Idle)["_declaration"]

NOT_SERVED = "tasks can be started while the connection is served"


class Applying:
    """A conversation that notes the limits which it is to keep."""

    two_way = None

    def __init__(self, connection: Connection) -> None:
        self.tasks = Tasks(connection)
        self.applied: list[Limits] = []
        self.is_held = False
        self.left: list[Deadline] = []

    def leave(self, deadline: Deadline) -> None:
        """Note why."""
        self.left.append(deadline)

    def limit_by(self, limits: Limits) -> None:
        """Note them."""
        self.applied.append(limits)


async def test_life_has_not_begun() -> None:
    """Until its connection is served, an endpoint has no tasks and was not used."""
    connection = await connection_in(S.OPEN, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    assert lifecycle.connection is connection
    assert lifecycle.tasks is None
    assert not lifecycle.is_used


async def test_tasks_start_among_those_of_the_connection() -> None:
    """A task that is started belongs to the connection, whose end it would not outlive."""
    connection = await connection_in(S.OPEN, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    lifecycle.conversation = held = Applying(connection)
    tasks = held.tasks
    calls: list[str] = []

    async def note(text: str) -> None:
        await checkpoint()
        calls.append(text)

    async with tasks.group:
        lifecycle.start_soon(note, ("x",))
        assert tasks.were_started
    assert calls == ["x"]


async def test_tasks_start_only_while_the_connection_is_served() -> None:
    """Before and after that there is no connection for a task to live as long as."""

    class Quiet(Recording):
        pass

    server = Script(DISCONNECT)
    endpoint = Quiet(make_scope(), server.receive, server.send)
    with pytest.raises(InvalidStateError) as caught:
        endpoint.start_soon(checkpoint)
    assert str(caught.value) == NOT_SERVED
    await endpoint
    with pytest.raises(InvalidStateError) as caught:
        endpoint.start_soon(checkpoint)
    assert str(caught.value) == NOT_SERVED


async def test_instance_serves_one_connection() -> None:
    """F33: an instance is the state of one connection, and can't be used for another."""

    class Quiet(Recording):
        pass

    server = Script(DISCONNECT)
    endpoint = Quiet(make_scope(), server.receive, server.send)
    await endpoint
    with pytest.raises(InvalidStateError, match="an instance serves one connection, once"):
        await endpoint
    assert Quiet.log == ["connect", 4001]


async def test_endpoint_is_called_by_its_class_in_the_log() -> None:
    """With the names of what the class is defined in, so that it is found."""

    class Inner(Recording):
        pass

    endpoint = Inner(make_scope(), FakeServer().receive, FakeServer().send)
    assert name_of(endpoint) == ("test_endpoint_is_called_by_its_class_in_the_log.<locals>.Inner")


async def test_first_message_that_is_dropped_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """Once a connection."""

    class Deaf(Recording):
        pass

    for _ in range(2):
        server = Script(text("one"), text("two"), DISCONNECT)
        await Deaf(make_scope(), server.receive, server.send)
    line = (
        f"{Deaf.__qualname__} has no handler, so the client's messages are dropped: write `async "
        "def on_receive(self, websocket, data)`, with `pass` if that is meant"
    )
    assert [(it.levelname, it.getMessage()) for it in caplog.records] == 2 * [("WARNING", line)]


@pytest.mark.parametrize("how", ["handles", "on_receive", "None"])
async def test_class_with_a_handler_drops_what_it_wants(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so itself: `super` is called, or there is to be no handler."""

    class Handles(Recording):
        encoding = "text"

        @handles
        async def say(self, websocket: WebSocket, data: str) -> None:
            await super().on_receive(websocket, data)

    class Receives(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await super().on_receive(websocket, data)

    class Deaf(Recording):
        on_receive: Any = None

    endpoint = {"handles": Handles, "on_receive": Receives, "None": Deaf}[how]
    server = Script(text("one"), DISCONNECT)
    await endpoint(make_scope(), server.receive, server.send)
    assert endpoint.log == ["connect", 4001]
    assert caplog.messages == []


async def test_limits_are_applied_while_the_handshake_is_answered() -> None:
    """Before that they are not needed, and afterwards it is too late."""
    connection = await connection_in(S.OPEN, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    lifecycle.limit_by(Limits())
    held = Applying(connection)
    lifecycle.is_used, lifecycle.conversation = True, held
    lifecycle.limit_by(limits := Limits(grace=1))
    assert held.applied == [limits]
    lifecycle.conversation = None
    with pytest.raises(InvalidStateError) as caught:
        lifecycle.limit_by(Limits())
    assert str(caught.value) == LATE


class Answer(BaseModel):
    """Answers a question."""

    type: Literal["answer"] = "answer"
    id: str | None = None


async def test_client_is_asked_while_the_connection_is_served() -> None:
    """Before and after that nobody could answer."""

    class Asks(WebSocketEndpoint):
        encoding = "json"
        correlation_id = "id"
        answers = Answer

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            answers.append(await self.ask(Answer(), Answer, timeout=5))

        async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
            with pytest.raises(InvalidStateError) as caught:
                await self.ask(Answer(), Answer, timeout=5)
            answers.append(str(caught.value))

    answers: list[object] = []
    async with connect(Asks.as_asgi()) as client:
        question = await client.receive(Answer)
        await client.send(question)
    assert answers == [question, "a client can be asked while the connection is served"]


# What waits for the client.


def endpoint_of(lifecycle: Lifecycle) -> Any:
    """Return an endpoint with this life."""
    endpoint: Any = Idle(make_scope(), FakeServer().receive, FakeServer().send)
    endpoint._lifecycle = lifecycle
    return endpoint


async def test_outbox_is_that_of_the_connection() -> None:
    """One is made where it is first needed, and is there until the connection ends."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    lifecycle = Lifecycle(connection, DECLARATION)
    endpoint = endpoint_of(lifecycle)
    assert lifecycle_of(endpoint) is lifecycle
    assert lifecycle.open_outbox is None
    with pytest.raises(InvalidStateError, match="not served yet"):
        lifecycle.outbox(endpoint)
    lifecycle.conversation = held = Applying(connection)
    async with held.tasks:
        assert lifecycle.open_outbox is None
        box = lifecycle.outbox(endpoint)
        assert lifecycle.outbox(endpoint) is lifecycle.open_outbox is box
        lifecycle.post(endpoint, {"type": "websocket.send", "text": "x"})
        await all_tasks_blocked()
        assert server.sent == [{"type": "websocket.send", "text": "x"}]
        connection.ended()
        with pytest.raises(WebSocketDisconnect):
            lifecycle.outbox(endpoint)


@pytest.mark.parametrize("state", [S.HANDSHAKE, S.ACCEPTING])
async def test_outbox_is_there_once_it_is_accepted(state: S) -> None:
    """Nothing is sent before."""
    connection = await connection_in(state, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    endpoint = endpoint_of(lifecycle)
    lifecycle.conversation = Applying(connection)
    with pytest.raises(InvalidStateError):
        lifecycle.outbox(endpoint)
    with pytest.raises(InvalidStateError):
        lifecycle.post(endpoint, {"type": "websocket.send", "text": "x"})


@pytest.mark.parametrize("state", [S.CLOSED, S.DISCONNECTED, S.BROKEN])
async def test_nothing_is_posted_once_it_has_ended(state: S) -> None:
    """That is no mistake of whoever posts."""
    connection = await connection_in(state, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    endpoint = endpoint_of(lifecycle)
    lifecycle.conversation = Applying(connection)
    lifecycle.post(endpoint, {"type": "websocket.send", "text": "x"})
    assert lifecycle.open_outbox is None


async def test_nothing_is_posted_once_it_was_served() -> None:
    """Though the state is still that of an open connection."""
    lifecycle = Lifecycle(await connection_in(S.OPEN, FakeServer()), DECLARATION)
    lifecycle.is_used = True
    lifecycle.post(endpoint_of(lifecycle), {"type": "websocket.send", "text": "x"})


async def test_what_waits_is_counted_while_a_conversation_is_held() -> None:
    """Behind a handler; there is nothing before and after."""
    lifecycles: list[Lifecycle] = []

    class Slow(WebSocketEndpoint):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            lifecycles.append(self._lifecycle)
            await anyio.sleep(10)

    async with connect(Slow.as_asgi(), timeout=60) as client:
        for _ in range(3):
            await client.send_text("a")
        await anyio.sleep(1)
        assert lifecycles[0].waiting == 2
    assert lifecycles[0].waiting == 0


# When it is left.

DEADLINE: Final = Deadline("drain", 20, 1012, logging.DEBUG)


@pytest.mark.parametrize("state", [S.ACCEPTING, S.OPEN])
async def test_client_that_has_said_nothing_is_closed_at_once(state: S) -> None:
    """There is no conversation with it yet."""
    server = FakeServer()
    lifecycle = Lifecycle(await connection_in(state, server), DECLARATION)
    await lifecycle.leave(DEADLINE)
    assert server.sent == [{"type": "websocket.close", "code": 1012, "reason": "drain: 20 s"}]


@pytest.mark.parametrize("state", [S.CONNECTING, S.HANDSHAKE, S.CLOSED, S.DISCONNECTED])
async def test_client_that_is_not_there_is_not_closed(state: S) -> None:
    """It is refused by the checks of the handshake, or has left."""
    server = FakeServer()
    lifecycle = Lifecycle(await connection_in(state, server), DECLARATION)
    await lifecycle.leave(DEADLINE)
    assert server.sent == []


async def test_conversation_is_left_once_it_has_begun() -> None:
    """On trio it begins in a task of its own, which may not have run yet."""
    connection = await connection_in(S.OPEN, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    lifecycle.conversation = conversation = Applying(connection)
    async with conversation.tasks, anyio.create_task_group() as group:
        group.start_soon(lifecycle.leave, DEADLINE)
        for _ in range(3):
            await checkpoint()
        assert conversation.left == []
        conversation.is_held = True
    assert conversation.left == [DEADLINE]


async def test_conversation_that_ends_is_not_left() -> None:
    """Its tasks are over, or about to be."""
    connection = await connection_in(S.OPEN, FakeServer())
    lifecycle = Lifecycle(connection, DECLARATION)
    lifecycle.conversation = conversation = Applying(connection)
    conversation.is_held = True
    conversation.tasks.close()
    await lifecycle.leave(DEADLINE)
    assert conversation.left == []
