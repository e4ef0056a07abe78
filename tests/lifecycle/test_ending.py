"""The end of a connection: what the client is told, the clean-up, and what is raised."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint
from starlette.exceptions import WebSocketException

from tests.clocks import VIRTUAL_ASYNCIO
from tests.connection.connections import ACCEPT, SEND, START, S
from tests.connection.websocket_calls import cancelled
from tests.fake_server import CONNECT, DISCONNECT, FakeServer, make_scope
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConnectionState,
    Denied,
    Limits,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)
from wsendpoints.connection.websocket import connection_of
from wsendpoints.handshake.admission import Restarting
from wsendpoints.lifecycle import ending
from wsendpoints.lifecycle.ending import Ending
from wsendpoints.lifecycle.failures import AwaitedCancelledError
from wsendpoints.lifecycle.hooks import Farewell
from wsendpoints.protocol.asgi import Event
from wsendpoints.protocol.deadline import Deadline

pytestmark = pytest.mark.anyio

PASSED: Final = Deadline("idle_timeout", 5, 1001, logging.INFO)
FAILURE: Final = ValueError("failed")
OTHER: Final = KeyError("failed as well")
RESPONSE: Final[dict[str, Any]] = {"extensions": {"websocket.http.response": {}}}


class Chat(WebSocketEndpoint):
    """Notes the code of its clean-up, and fails or waits in it as it is told."""

    codes: ClassVar[list[int]] = []
    fails: BaseException | None = None
    waits_for: anyio.Event | None = None
    awaits: Awaitable[None] | None = None

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.codes.append(close_code)
        if self.waits_for is not None:
            await self.waits_for.wait()
            self.codes.append(0)
        if self.awaits is not None:
            await self.awaits
        if self.fails is not None:
            raise self.fails


class Life:
    """A connection that is about to end.

    Attributes:
        server: What it was sent since.
        endpoint: Its endpoint.
        raised: What came out of its end.
    """

    def __init__(self, endpoint: Chat, server: FakeServer) -> None:
        self.endpoint = endpoint
        self.server = server
        self.raised: BaseException | None = None

    async def end(
        self,
        failure: BaseException | None = None,
        *,
        passed: Deadline | None = None,
        farewells: Sequence[Farewell] = (),
        cleans_up: bool = True,
    ) -> None:
        """End it, and keep what is raised."""
        connection = connection_of(self.endpoint.websocket)
        end = Ending(self.endpoint, connection, passed, farewells, cleans_up=cleans_up)
        try:
            await end.conclude(failure)
        except BaseException as exc:  # noqa: BLE001 - looked at by the test
            self.raised = exc

    async def end_early(
        self, failure: BaseException | None = None, *, passed: Deadline | None = None
    ) -> Ending:
        """Close it and clean up, while something goes on; return what ends it then."""
        connection = connection_of(self.endpoint.websocket)
        end = Ending(self.endpoint, connection, passed, cleans_up=True)
        await end.close_early(failure)
        await end.clean_up_early()
        return end

    @property
    def closes(self) -> list[tuple[int, str]]:
        """The codes and reasons that it was closed with."""
        return [
            (event["code"], event["reason"])
            for event in self.server.sent
            if event["type"] == "websocket.close"
        ]


async def life_in(state: ConnectionState, **more: Any) -> Life:
    """Return a connection in a state.

    Args:
        state: The state.
        more: Attributes of the endpoint, and `scope`: more keys of the scope.
    """
    Chat.codes.clear()
    server = FakeServer(CONNECT)
    endpoint = Chat(make_scope(**more.pop("scope", {})), server.receive, server.send)
    for name, value in more.items():
        setattr(endpoint, name, value)
    connection = connection_of(endpoint.websocket)
    await connection.next_event()
    match state:
        case S.HANDSHAKE:
            pass
        case S.DENYING:
            await connection.transmit(START)
        case _:
            await connection.transmit(ACCEPT)
    match state:
        case S.CLOSED:
            await connection.close(4000, "done")
        case S.DISCONNECTED:
            connection.received(DISCONNECT)
        case S.BROKEN:
            server.gate = anyio.Event()
            await cancelled(lambda: connection.transmit(SEND))
            server.gate = None
        case _:
            pass
    server.sent.clear()
    return Life(endpoint, server)


async def cancellation() -> BaseException:
    """Return the exception by which the event loop cancels."""
    caught: list[BaseException] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            caught.append(exc)
            raise
    return caught[0]


# What the client is told.


@pytest.mark.parametrize("state", [S.OPEN, S.BROKEN])
@pytest.mark.parametrize(
    ("failure", "passed", "close"),
    [
        pytest.param(FAILURE, None, (1011, ""), id="a failure"),
        pytest.param(FAILURE, PASSED, (1011, ""), id="a failure beside a limit"),
        pytest.param(None, PASSED, (1001, "idle_timeout: 5 s"), id="a limit"),
        pytest.param(None, None, (1011, ""), id="nothing"),
        pytest.param(WebSocketDisconnect(1000), None, (1011, ""), id="another's disconnect"),
        pytest.param(Denied(401), None, (1011, ""), id="a denial after the accept"),
        pytest.param(WebSocketException(1008, "no"), None, (1008, "no"), id="a framework's"),
        pytest.param(WebSocketException(1005), None, (1011, ""), id="a framework's, not legal"),
    ],
)
async def test_open_connection_is_closed(
    state: ConnectionState,
    failure: BaseException | None,
    passed: Deadline | None,
    close: tuple[int, str],
) -> None:
    """The code tells whose fault it was, and `on_disconnect` gets it."""
    life = await life_in(state)
    await life.end(failure, passed=passed)
    assert life.closes == [close]
    assert Chat.codes == [close[0]]


@pytest.mark.parametrize("state", [S.OPEN, S.BROKEN])
async def test_f22_cancelled_connection_says_that_it_restarts(state: ConnectionState) -> None:
    """A client that is told 1012 connects again, and the cancellation goes on."""
    failure = await cancellation()
    life = await life_in(state)
    await life.end(failure)
    assert life.closes == [(1012, "")]
    assert Chat.codes == [1012]
    assert life.raised is failure


@pytest.mark.parametrize(("state", "code"), [(S.CLOSED, 4000), (S.DISCONNECTED, 4001)])
@pytest.mark.parametrize("failure", [None, FAILURE, WebSocketException(1008)], ids=repr)
@pytest.mark.parametrize("passed", [None, PASSED], ids=["no limit", "a limit"])
async def test_connection_that_has_ended_is_not_closed_again(
    state: ConnectionState, code: int, failure: BaseException | None, passed: Deadline | None
) -> None:
    """How it ended first is what `on_disconnect` gets."""
    life = await life_in(state)
    await life.end(failure, passed=passed)
    assert life.server.sent == []
    assert Chat.codes == [code]


@pytest.mark.parametrize("failure", [None, WebSocketDisconnect(1006)], ids=repr)
@pytest.mark.parametrize(
    ("passed", "cause"),
    [(None, "on_connect did not accept"), (PASSED, "idle_timeout: 5 s")],
    ids=["no limit", "a limit"],
)
async def test_handshake_without_an_answer_is_refused(
    failure: BaseException | None,
    passed: Deadline | None,
    cause: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The warning says why: while this peer waits, a disconnect is that of another one."""
    life = await life_in(S.HANDSHAKE)
    await life.end(failure, passed=passed)
    if failure is not None:
        cause = "the WebSocketDisconnect of another connection"
    assert life.closes == [(1000, "")]
    assert Chat.codes == []
    assert life.raised is None
    assert caplog.messages == [f"Chat: {cause}: the client is refused"]


async def test_cancelled_handshake_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """That is no fault of the endpoint's, so nothing is logged."""
    failure = await cancellation()
    life = await life_in(S.HANDSHAKE)
    await life.end(failure)
    assert life.closes == [(1000, "")]
    assert life.raised is failure
    assert caplog.messages == []


async def test_failed_handshake_is_left_to_the_server() -> None:
    """Servers answer an exception with 500, as they do for any other request."""
    life = await life_in(S.HANDSHAKE)
    await life.end(FAILURE)
    assert life.server.sent == []
    assert life.raised is FAILURE
    assert Chat.codes == []


@pytest.mark.parametrize("failure", [None, WebSocketDisconnect(1006)], ids=repr)
async def test_handshake_that_was_answered_is_not_refused(
    failure: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that was refused, or has disconnected, is told nothing more."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    life = await life_in(S.DENYING)
    await life.end(failure)
    assert life.server.sent == []
    assert life.raised is None
    assert caplog.messages == ["Chat: the client was refused, or disconnected before"]


# A denial.


async def test_denial_is_sent_as_a_response() -> None:
    """Where the server has the extension, the client gets the status, headers and body."""
    life = await life_in(S.HANDSHAKE, scope=RESPONSE)
    await life.end(Denied(401, headers={"www-authenticate": "Bearer"}, body="log in"))
    assert [event["type"] for event in life.server.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    start, body = life.server.sent
    assert (start["status"], body["body"]) == (401, b"log in")
    assert (b"www-authenticate", b"Bearer") in start["headers"]
    assert life.raised is None


async def test_denial_is_a_refusal_without_the_extension() -> None:
    """The server makes a 403 of it."""
    life = await life_in(S.HANDSHAKE)
    await life.end(Denied(401))
    assert life.closes == [(1000, "")]
    assert life.raised is None


@pytest.mark.parametrize(("offers", "chosen"), [((), None), (("v1", "v2"), "v2")])
async def test_client_of_a_drained_class_hears_of_the_restart(
    offers: Sequence[str], chosen: str | None
) -> None:
    """It is accepted and closed where the server could send it a 403 alone, and no hook runs."""
    life = await life_in(S.HANDSHAKE, scope={"subprotocols": offers})
    Chat.subprotocols = ["v2"]
    try:
        await life.end(Restarting())
    finally:
        del Chat.subprotocols
    accept, close = life.server.sent
    assert (accept["type"], accept["subprotocol"]) == ("websocket.accept", chosen)
    assert (close["code"], close["reason"]) == (1012, "the server is restarting")
    assert Chat.codes == []
    assert life.raised is None


async def test_denial_of_a_client_that_disconnects_meanwhile_is_quiet() -> None:
    """There is no one to be told."""
    life = await life_in(S.HANDSHAKE, scope=RESPONSE)
    life.server.failure = OSError("gone")
    await life.end(Denied(401))
    assert len(life.server.offers) == 1
    assert life.raised is None


@pytest.mark.parametrize("scope", [RESPONSE, {}], ids=["response", "refusal"])
async def test_denial_is_bounded_and_not_cancelled(scope: dict[str, Any]) -> None:
    """A server that holds it up is waited for no longer than for a close."""
    life = await life_in(S.HANDSHAKE, scope=scope)
    connection_of(life.endpoint.websocket).close_timeout = 5
    life.server.gate = anyio.Event()
    began = anyio.current_time()
    with anyio.CancelScope() as outer:
        outer.cancel()
        await life.end(Denied(401))
    assert life.raised is None
    assert anyio.current_time() - began == pytest.approx(5)


# What is raised.


@pytest.mark.parametrize("state", [S.OPEN, S.BROKEN, S.CLOSED, S.DISCONNECTED])
@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param(FAILURE, FAILURE, id="a failure"),
        pytest.param(ExceptionGroup("", [FAILURE]), FAILURE, id="a failure in a group"),
        pytest.param(WebSocketDisconnect(1006), None, id="a disconnect"),
        pytest.param(WebSocketException(1008), None, id="a framework's"),
    ],
)
async def test_failure_is_raised_to_the_server(
    state: ConnectionState, failure: BaseException | None, raised: BaseException | None
) -> None:
    """The very exception, after the clean-up; a disconnect and a close asked for are none."""
    life = await life_in(state)
    await life.end(failure)
    assert life.raised is raised
    assert len(Chat.codes) == 1


@pytest.mark.parametrize("failure", [None, WebSocketDisconnect(1006)], ids=repr)
@pytest.mark.parametrize("passed", [None, PASSED], ids=["no limit", "a limit"])
async def test_close_that_fails_is_a_failure(
    failure: BaseException | None, passed: Deadline | None
) -> None:
    """A middleware raised it, and `on_disconnect` is called nevertheless."""
    life = await life_in(S.OPEN)
    life.server.failure = OTHER
    await life.end(failure, passed=passed)
    assert life.raised is OTHER
    assert len(Chat.codes) == 1


async def test_close_that_fails_as_well_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The first failure is the one that is raised."""
    life = await life_in(S.OPEN)
    life.server.failure = OTHER
    await life.end(FAILURE)
    assert life.raised is FAILURE
    assert Chat.codes == [1011]
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "Chat: the last close failed as well")
    assert record.exc_info is not None
    assert record.exc_info[1] is OTHER


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("failure", [None, FAILURE], ids=repr)
async def test_l01_close_that_is_cancelled_natively_is_given_up(
    failure: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The clean-up is not; a failure before it tells more than the cancellation."""
    caplog.set_level(logging.ERROR, "wsendpoints")
    life = await life_in(S.OPEN)
    life.server.gate = anyio.Event()
    task = asyncio.create_task(life.end(failure, passed=PASSED))
    await all_tasks_blocked()
    assert Chat.codes == []
    task.cancel()
    await task
    assert len(Chat.codes) == 1
    if failure is None:
        assert isinstance(life.raised, asyncio.CancelledError)
    else:
        assert life.raised is failure
    assert caplog.messages == []


async def test_close_that_is_abandoned_awaits_nothing_more() -> None:
    """A coroutine that is closed, as by an event loop that ends, can call no `on_disconnect`."""
    life = await life_in(S.OPEN)
    connection = connection_of(life.endpoint.websocket)
    steps = Ending(life.endpoint, connection, None, cleans_up=True).conclude(None)
    steps.send(None)
    steps.close()
    assert [event["type"] for event in life.server.offers][-1] == "websocket.close"
    assert Chat.codes == []


# The clean-up.


@pytest.mark.parametrize("cleans_up", [True, False])
async def test_farewells_are_awaited_before_on_disconnect(cleans_up: bool) -> None:
    """Each of them, to its end, though the task is cancelled meanwhile."""
    life, codes = await life_in(S.OPEN), list[list[int]]()

    async def farewell() -> None:
        await checkpoint()
        codes.append([*Chat.codes])

    with anyio.CancelScope() as scope:
        scope.cancel()
        await life.end(farewells=[farewell, farewell], cleans_up=cleans_up)
    assert codes == [[], []]
    assert len(Chat.codes) == cleans_up


async def test_class_without_a_clean_up_is_closed_alone() -> None:
    """`on_disconnect` is not called where the class does not override it."""
    life = await life_in(S.OPEN)
    await life.end(FAILURE, cleans_up=False)
    assert life.closes == [(1011, "")]
    assert life.raised is FAILURE
    assert Chat.codes == []


@pytest.mark.parametrize("failure", [None, WebSocketDisconnect(1006)], ids=repr)
async def test_clean_up_that_fails_is_a_failure(failure: BaseException | None) -> None:
    """It is raised to the server, out of its group."""
    life = await life_in(S.CLOSED, fails=ExceptionGroup("", [FAILURE]))
    await life.end(failure)
    assert life.raised is FAILURE


async def test_clean_up_that_fails_as_well_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The first failure is the one that is raised."""
    life = await life_in(S.CLOSED, fails=OTHER)
    await life.end(FAILURE)
    assert life.raised is FAILURE
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "Chat.on_disconnect failed as well")
    assert record.exc_info is not None
    assert record.exc_info[1] is OTHER


async def test_clean_up_that_fails_after_a_cancellation_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The cancellation must go on."""
    failure = await cancellation()
    life = await life_in(S.OPEN, fails=OTHER)
    await life.end(failure)
    assert life.raised is failure
    assert caplog.messages == ["Chat.on_disconnect failed as well"]


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("failure", [None, FAILURE], ids=repr)
async def test_l02_clean_up_is_not_cancelled_natively(failure: BaseException | None) -> None:
    """The cancellation goes on once it has ended, unless a failure is to be raised."""
    gate = anyio.Event()
    life = await life_in(S.CLOSED, waits_for=gate)
    task = asyncio.create_task(life.end(failure))
    await all_tasks_blocked()
    task.cancel()
    await all_tasks_blocked()
    assert Chat.codes == [4000]
    gate.set()
    await task
    assert Chat.codes == [4000, 0]
    if failure is None:
        assert isinstance(life.raised, asyncio.CancelledError)
    else:
        assert life.raised is failure


@pytest.mark.parametrize("failure", [None, FAILURE], ids=repr)
async def test_cancellation_that_arrived_in_the_clean_up_is_raised(
    failure: BaseException | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless a failure is to be raised."""

    # In place of a real cancellation, as above: behind one that is thrown into a coroutine,
    # Python 3.11 does not tell `coverage` of the lines that run.
    async def run_shielded(func: Callable[[], Awaitable[object]]) -> tuple[object, BaseException]:
        return await func(), arrived

    arrived = await cancellation()
    monkeypatch.setattr(ending, "run_shielded", run_shielded)
    life = await life_in(S.CLOSED)
    await life.end(failure)
    assert Chat.codes == [4000]
    assert life.raised is (failure or arrived)


@VIRTUAL_ASYNCIO
async def test_l07_clean_up_whose_wait_is_cancelled_has_failed() -> None:
    """What it awaited was cancelled, and not the task: servers are not to take it for cancelled."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    life = await life_in(S.CLOSED, awaits=future)
    await life.end()
    assert isinstance(life.raised, AwaitedCancelledError)


@pytest.mark.parametrize(
    "exc", [WebSocketDisconnect(1006), ExceptionGroup("", [WebSocketDisconnect(1006)])], ids=repr
)
async def test_clean_up_that_finds_the_client_disconnected_is_quiet(
    exc: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A clean-up that sends to the client has not failed."""
    life = await life_in(S.CLOSED, fails=exc)
    await life.end()
    assert life.raised is None
    assert caplog.messages == []


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["alone", "cancelled"])
async def test_f26_clean_up_is_bounded_and_not_cancelled(
    is_cancelled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A cancellation from outside waits for `disconnect_timeout` seconds."""
    life = await life_in(S.CLOSED, waits_for=anyio.Event(), limits=Limits(disconnect_timeout=20))
    began = anyio.current_time()
    with anyio.CancelScope() as outer:
        if is_cancelled:
            outer.cancel()
        await life.end()
    assert anyio.current_time() - began == pytest.approx(20)
    assert life.raised is None
    assert caplog.messages == ["Chat.on_disconnect took over 20 s"]


async def test_clean_up_without_a_limit_may_take_its_time() -> None:
    """`None` is no limit, and not even then is it cancelled from outside."""
    gate = anyio.Event()
    life = await life_in(S.CLOSED, waits_for=gate, limits=Limits(disconnect_timeout=None))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(life.end)
        await all_tasks_blocked()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(80_000)
            assert Chat.codes == [4000]
            gate.set()
    assert Chat.codes == [4000, 0]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param({"code": 1005}, 1006, id="1005"),
        pytest.param({}, 1006, id="no code"),
        pytest.param({"code": 1006}, 1006, id="1006"),
        pytest.param({"code": 1001}, 1001, id="a code"),
    ],
)
async def test_h19_clean_up_gets_1006_where_no_code_came(event: Event, code: int) -> None:
    """Servers tell a reset connection from a close without a code in ways that differ."""
    life = await life_in(S.OPEN)
    connection_of(life.endpoint.websocket).received({"type": "websocket.disconnect", **event})
    await life.end()
    assert Chat.codes == [code]


# What is logged.


@pytest.mark.parametrize(
    ("state", "failure", "passed", "line"),
    [
        pytest.param(S.OPEN, FAILURE, None, None, id="a failure"),
        pytest.param(S.OPEN, FAILURE, PASSED, None, id="a failure beside a limit"),
        pytest.param(
            S.OPEN,
            None,
            Deadline("send_timeout", 5, 1013, logging.WARNING),
            "Chat: send_timeout: 5 s",
            id="a limit",
        ),
        pytest.param(
            S.DISCONNECTED,
            None,
            Deadline("grace", 5, 1006, logging.WARNING),
            "Chat: grace: 5 s",
            id="a limit after the end",
        ),
        pytest.param(S.OPEN, None, PASSED, None, id="a limit that is no warning"),
        pytest.param(
            S.OPEN,
            WebSocketDisconnect(1000),
            None,
            "Chat: closing with 1011, for the WebSocketDisconnect of another connection",
            id="another's disconnect",
        ),
        pytest.param(
            S.BROKEN,
            None,
            None,
            "Chat: closing with 1011, for a send that was cancelled half-way",
            id="a cancelled send",
        ),
        pytest.param(S.CLOSED, None, None, None, id="a close"),
        pytest.param(S.DISCONNECTED, None, None, None, id="a disconnect"),
    ],
)
async def test_line_tells_why_it_was_closed(
    state: ConnectionState,
    failure: BaseException | None,
    passed: Deadline | None,
    line: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure is raised and so not logged; a limit has the level of its row."""
    caplog.set_level(logging.WARNING, "wsendpoints")
    life = await life_in(state)
    await life.end(failure, passed=passed)
    assert caplog.messages == ([] if line is None else [line])


@pytest.mark.parametrize(
    ("code", "is_ours", "level"),
    [(1012, False, "INFO"), (1012, True, "DEBUG"), (1001, False, "DEBUG")],
    ids=["shutdown", "our own 1012", "a disconnect"],
)
async def test_f23_shutdown_is_told_at_info(
    code: int, is_ours: bool, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that shuts down disconnects with 1012; any other end is told at DEBUG."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    life = await life_in(S.OPEN)
    connection = connection_of(life.endpoint.websocket)
    if is_ours:
        await connection.close(code, None)
    else:
        connection.received({"type": "websocket.disconnect", "code": code})
    await life.end()
    (record,) = caplog.records
    assert record.levelname == level
    assert record.message.startswith(f"Chat: the connection ended with {code}")


@pytest.mark.parametrize(
    ("scope", "reason", "level"),
    [
        pytest.param({}, {"reason": ""}, "DEBUG", id="uvicorn, a client's"),
        pytest.param(
            {"asgi": {"spec_version": "2.4"}, "extensions": {}}, {}, "INFO", id="uvicorn, its own"
        ),
        pytest.param(
            {"asgi": {"spec_version": "2.3"}, "extensions": {}}, {}, "DEBUG", id="granian"
        ),
        pytest.param({"asgi": {"spec_version": "2.4"}}, {}, "DEBUG", id="gunicorn"),
        pytest.param(
            {"asgi": {"version": "3.0"}, "client": ["::1", 1], "raw_path": b"/"},
            {},
            "DEBUG",
            id="daphne",
        ),
    ],
)
async def test_l08_client_that_closes_with_1012_is_no_shutdown(
    scope: dict[str, Any],
    reason: dict[str, str],
    level: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Some servers tell no reason of either, but those do not tell of their shutdown."""
    caplog.set_level(logging.DEBUG, "wsendpoints")
    life = await life_in(S.OPEN, scope=scope)
    connection = connection_of(life.endpoint.websocket)
    connection.received({"type": "websocket.disconnect", "code": 1012, **reason})
    await life.end()
    (record,) = caplog.records
    assert record.levelname == level


# Before all that runs for it has ended.


@pytest.mark.parametrize(
    ("failure", "passed", "close", "told"),
    [
        pytest.param(None, PASSED, (1001, "idle_timeout: 5 s"), [], id="a limit"),
        pytest.param(FAILURE, None, (1011, ""), ["Chat failed"], id="a failure"),
        pytest.param(WebSocketException(1008, "no"), None, (1008, "no"), [], id="a framework's"),
    ],
)
async def test_connection_that_is_ended_early_is_ended_once(
    failure: BaseException | None,
    passed: Deadline | None,
    close: tuple[int, str],
    told: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The end that comes later raises what failed, and does nothing else."""
    life = await life_in(S.OPEN)
    caplog.set_level(logging.INFO, "wsendpoints")
    end = await life.end_early(failure, passed=passed)
    assert life.closes == [close]
    assert Chat.codes == [close[0]]
    assert [record.getMessage() for record in caplog.records if record.exc_info] == told
    caplog.clear()
    if told:
        with pytest.raises(ValueError, match="failed"):
            await end.conclude(failure)
    else:
        await end.conclude(failure)
    assert (life.closes, Chat.codes, caplog.messages) == ([close], [close[0]], [])


async def test_clean_up_that_has_begun_is_not_begun_early() -> None:
    """What went on has ended meanwhile: it cleans up itself."""
    life = await life_in(S.OPEN)
    end = Ending(life.endpoint, connection_of(life.endpoint.websocket), PASSED, cleans_up=True)
    await end.close_early(None)
    await end.conclude(None)
    await end.clean_up_early()
    assert Chat.codes == [1001]


async def test_clean_up_that_fails_early_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever could be told of it by an exception waits for something else."""
    life = await life_in(S.OPEN, fails=OTHER)
    end = await life.end_early(passed=PASSED)
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.getMessage() == "Chat.on_disconnect failed"
    await end.conclude(None)
    assert Chat.codes == [1001]
