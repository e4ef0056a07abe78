"""The tasks of a connection: what cancels them, and what their exceptions lead to."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.clocks import VIRTUAL_ASYNCIO
from tests.connection.connections import SEND, S, connection_in
from tests.fake_server import CONNECT, FakeServer, make_scope
from tests.recording import Recording
from tests.waiting import all_tasks_blocked
from wsendpoints import (
    ConnectionState,
    DenialResponse,
    Denied,
    InvalidStateError,
    WebSocket,
    WebSocketDisconnect,
)
from wsendpoints.connection.carriers import running_posting
from wsendpoints.connection.outbox import Outbox, Owner
from wsendpoints.lifecycle.failures import AwaitedCancelledError, Verdict, judge
from wsendpoints.lifecycle.loops import is_asyncio
from wsendpoints.lifecycle.task_handle import TaskHandle
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.limits import Limits
from wsendpoints.testing import connect

pytestmark = pytest.mark.anyio


class Sleeper:
    """Sleeps until it is cancelled, and says so."""

    def __init__(self, log: list[str], name: str = "slept") -> None:
        self.log = log
        self.name = name

    async def __call__(self) -> None:
        """Sleep."""
        try:
            await anyio.sleep_forever()
        finally:
            self.log.append(self.name)


# The tasks alone.


async def test_task_gets_its_arguments() -> None:
    """A function is called with the arguments that it was started with."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    calls: list[tuple[int, str]] = []

    async def note(number: int, text: str) -> None:
        calls.append((number, text))

    assert not tasks.were_started
    async with tasks.group:
        tasks.start(note, (1, "x"))
        assert tasks.were_started
    assert calls == [(1, "x")]
    assert tasks.failure is None


async def test_own_tasks_are_spared_by_cancel() -> None:
    """`cancel` ends the application's tasks and what runs, and `end` all that there is."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []

    async def run() -> None:
        await tasks.run(Sleeper(log, "run")())
        log.append("after the run")
        await Sleeper(log, "group")()

    async with tasks.group:
        tasks.start(Sleeper(log, "task"), ())
        tasks.start_own(Sleeper(log, "own"), "a name")
        tasks.group.start_soon(run)
        await all_tasks_blocked()
        tasks.cancel()
        await all_tasks_blocked()
        assert sorted(log) == ["after the run", "run", "task"]
        tasks.end()
    assert sorted(log) == ["after the run", "group", "own", "run", "task"]
    assert tasks.failure is None


async def test_own_task_counts_as_started() -> None:
    """There is something to end then."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    async with tasks.group:
        tasks.start_own(checkpoint, "a name")
        assert tasks.were_started


async def test_task_that_has_not_begun_is_cancelled() -> None:
    """A task that is cancelled before it has begun gets no further than its first wait."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    async with tasks.group:
        tasks.start(Sleeper(log), ())
        tasks.cancel()
        assert log == []
    assert log == ["slept"]
    assert tasks.failure is None


async def test_cancel_forgets_what_has_ended() -> None:
    """A scope or a task that has ended is not cancelled any more, and others are."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    async with tasks.group:
        await tasks.run(checkpoint())
        tasks.start(checkpoint, ())
        await all_tasks_blocked()
        await checkpoint()
        tasks.start(Sleeper(log), ())
        await all_tasks_blocked()
        tasks.cancel()
    assert log == ["slept"]


async def test_task_that_is_told_of_the_end_is_spared() -> None:
    """It ends by itself; the others are cancelled."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()), 10)
    log: list[str] = []

    async def find_out() -> None:
        tasks.told()
        tasks.cancel()
        await anyio.sleep(5)
        log.append("spared")

    async with tasks.group:
        tasks.start(Sleeper(log), ())
        await all_tasks_blocked()
        tasks.start(find_out, ())
    assert log == ["slept", "spared"]


async def test_tasks_without_any_can_be_cancelled() -> None:
    """Nothing happens then, also to the tasks of another connection."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    other = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    async with tasks.group, other.group:
        other.start(Sleeper(log), ())
        await all_tasks_blocked()
        tasks.cancel()
        await all_tasks_blocked()
        assert log == []
        other.cancel()
    assert log == ["slept"]


async def test_all_ends_at_a_moment() -> None:
    """A further call moves it, to a later moment as well as to an earlier one."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    began = anyio.current_time()
    async with tasks.group:
        tasks.end_at(began + 10)
        tasks.end_at(began + 30)
        tasks.end_at(began + 20)
        assert not tasks.is_cancelled
        await anyio.sleep_forever()
    assert tasks.is_cancelled
    assert anyio.current_time() - began == pytest.approx(20)


async def test_first_exception_is_kept() -> None:
    """Those that follow from it are dropped."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    first = ValueError("first")
    tasks.fail(first)
    tasks.fail(ValueError("second"))
    assert tasks.failure is first


async def test_cancellation_by_the_group_itself_is_no_failure() -> None:
    """In whatever group it comes, and beside a failure."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    caught: list[BaseException] = []
    async with tasks.group:
        tasks.end()
        try:
            await checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            caught.append(exc)
            raise
    failure = ValueError("failed")
    tasks.fail(BaseExceptionGroup("", [*caught]))
    assert tasks.failure is None
    tasks.fail(BaseExceptionGroup("", [*caught, failure]))
    assert isinstance(tasks.failure, ExceptionGroup)
    assert tasks.failure.exceptions == (failure,)


async def test_disconnect_that_is_kept_gives_way() -> None:
    """It is not raised, so what follows is not to be hidden by it."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    failure = ValueError("second")
    tasks.fail(WebSocketDisconnect(1006))
    tasks.fail(failure)
    assert tasks.failure is failure


@pytest.mark.parametrize(
    ("exc", "is_kept"),
    [
        pytest.param(ValueError("x"), True, id="failure"),
        pytest.param(WebSocketDisconnect(), False, id="disconnect"),
        pytest.param(ExceptionGroup("", [WebSocketDisconnect()]), False, id="disconnects"),
    ],
)
async def test_denied_that_is_kept_gives_way_to_a_failure(exc: Exception, is_kept: bool) -> None:
    """It refuses the client, whatever other tasks find of the connection."""
    tasks = Tasks(await connection_in(S.HANDSHAKE, FakeServer()))
    denied = Denied(401)
    async with tasks.group:
        tasks.fail(denied)
        tasks.fail(exc)
    assert tasks.failure is (exc if is_kept else denied)


@pytest.mark.parametrize(
    ("state", "exc", "is_failure"),
    [
        pytest.param(S.OPEN, ValueError("x"), True, id="an error"),
        pytest.param(S.CLOSED, ValueError("x"), True, id="an error after the end"),
        pytest.param(S.OPEN, SystemExit(), True, id="SystemExit"),
        pytest.param(S.OPEN, WebSocketDisconnect(1006), True, id="another's disconnect"),
        pytest.param(
            S.OPEN, ExceptionGroup("", [WebSocketDisconnect(1006)]), True, id="it, in a group"
        ),
        pytest.param(S.DISCONNECTED, WebSocketDisconnect(1006), False, id="its own disconnect"),
        pytest.param(
            S.DISCONNECTED, ExceptionGroup("", [WebSocketDisconnect(1006)]), False, id="own, within"
        ),
        pytest.param(S.OPEN, InvalidStateError("x"), True, id="out of turn"),
        pytest.param(S.CLOSED, InvalidStateError("x"), False, id="out of turn after our close"),
        pytest.param(
            S.DISCONNECTED, InvalidStateError("x"), False, id="out of turn after the disconnect"
        ),
    ],
)
async def test_exception_of_a_task(
    state: ConnectionState, exc: BaseException, is_failure: bool
) -> None:
    """A failure ends all that the connection does; to find the connection ended is none."""
    tasks = Tasks(await connection_in(state, FakeServer()))
    log: list[str] = []

    async def fail() -> None:
        await checkpoint()
        raise exc

    async with tasks.group:
        tasks.start_own(Sleeper(log), "a name")
        tasks.start(fail, ())
        await all_tasks_blocked()
        assert log == (["slept"] if is_failure else [])
        tasks.end()
    assert tasks.failure is (exc if is_failure else None)


@VIRTUAL_ASYNCIO
async def test_l07_task_whose_wait_is_cancelled_has_failed() -> None:
    """What it awaited was cancelled, and not the task: servers are not to take it for cancelled."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []

    async def wait() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with tasks:
        tasks.start_own(Sleeper(log), "a name")
        tasks.start(wait, ())
        await anyio.sleep_forever()
    assert isinstance(tasks.failure, AwaitedCancelledError)
    assert log == ["slept"]


@VIRTUAL_ASYNCIO
@pytest.mark.parametrize("is_own", [False, True], ids=["application's", "own"])
@pytest.mark.parametrize("cancels", ["a scope", "the tasks", "both"])
async def test_l01_native_cancellation_beside_the_end_is_not_lost(
    cancels: str, is_own: bool
) -> None:
    """Whatever scopes are cancelled in the tasks at that moment, and end within the group."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    scope = anyio.CancelScope()

    async def wait() -> None:
        with scope:
            await anyio.sleep_forever()

    async def hold() -> None:
        async with tasks:
            if is_own:
                tasks.start_own(wait, "a name")
            else:
                tasks.start(wait, ())
            await anyio.sleep_forever()

    task = asyncio.create_task(hold())
    await all_tasks_blocked()
    if cancels != "the tasks":
        scope.cancel()
    if cancels != "a scope":
        tasks.cancel()
    tasks.end()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Swallowing:
    """A task group that takes each cancellation for its own, as anyio's does before 4.16."""

    async def __aenter__(self) -> None:
        """Begin."""

    async def __aexit__(self, *exc: object) -> bool:
        """End."""
        return True


@VIRTUAL_ASYNCIO
async def test_l01_native_cancellation_that_the_group_takes_for_its_own_is_raised() -> None:
    """It shows in how often the task was asked to end."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    tasks.group = cast("Any", Swallowing())
    tasks.were_started = True

    async def hold() -> None:
        async with tasks:
            await anyio.sleep_forever()

    task = asyncio.create_task(hold())
    await all_tasks_blocked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@VIRTUAL_ASYNCIO
async def test_task_that_is_cancelled_natively_ends_alone() -> None:
    """Whoever cancels it knows of it: nothing has failed."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    started: list[asyncio.Task[Any]] = []

    async def wait() -> None:
        task = asyncio.current_task()
        assert task is not None
        started.append(task)
        await Sleeper(log)()

    async with tasks:
        tasks.start(wait, ())
        await all_tasks_blocked()
        started[0].cancel()
        await all_tasks_blocked()
        assert log == ["slept"]
        assert not tasks.is_cancelled
    assert tasks.failure is None


@pytest.mark.parametrize("how", [Tasks.close, Tasks.end])
async def test_task_that_comes_too_late_does_not_begin(how: Callable[[Tasks], None]) -> None:
    """Once all is about to end, whether by itself or since it is cancelled."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    async with tasks:
        how(tasks)
        tasks.start(Sleeper(log), ())
    assert log == []
    assert not tasks.were_started


@VIRTUAL_ASYNCIO
async def test_group_without_tasks_ends_at_once() -> None:
    """No other task has a turn meanwhile; trio insists on one."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    turns: list[str] = []
    async with tasks:
        asyncio.get_running_loop().call_soon(turns.append, "turn")
    assert turns == []
    await checkpoint()
    assert turns == ["turn"]


async def test_group_without_tasks_raises_what_was_raised_in_it() -> None:
    """On trio in a group."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    failure = ValueError("failed")
    raised: BaseException | None = None
    try:
        async with tasks:
            raise failure
    except (ValueError, ExceptionGroup) as exc:
        raised = exc
    assert raised is not None
    assert judge(raised) == (Verdict.FAILURE, failure)


async def test_group_without_tasks_ends_what_it_cancels() -> None:
    """What comes behind it is not cancelled."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    async with tasks:
        tasks.end()
        await anyio.sleep_forever()
    await checkpoint()


# The tasks of an endpoint.


@pytest.mark.parametrize("hook", ["waits", "accepts", "returns", "denies", "closes", "answers"])
async def test_task_that_fails_before_the_accept_surfaces(hook: str) -> None:
    """Whatever `on_connect` does: the client gets no connection, or one that closes with 1011."""
    failure = ValueError("broken")
    server = FakeServer(CONNECT)

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            self.start_soon(self.fail)
            match hook:
                case "waits":
                    await anyio.sleep_forever()
                case "accepts":
                    await websocket.accept()
                case "denies":
                    raise Denied(401)
                case "closes":
                    await websocket.close()
                case "answers":
                    await websocket.send_denial_response(DenialResponse("no", 401))
                case _:
                    pass

        async def fail(self) -> None:
            raise failure

    scope = make_scope(extensions={"websocket.http.response": {}})
    with pytest.raises(ValueError, match="broken") as raised:
        await Broken(scope, server.receive, server.send)
    assert raised.value is failure
    assert Broken.log == ([1011] if hook == "accepts" else [])
    if hook == "accepts":
        assert server.sent[-1] == {"type": "websocket.close", "code": 1011, "reason": ""}


async def test_task_that_fails_while_the_accept_is_shielded_closes() -> None:
    """The client, whose connection is open, sees 1011."""

    class Broken(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            with anyio.CancelScope(shield=True):
                self.start_soon(self.fail)
                await all_tasks_blocked()
                await websocket.accept()

        async def fail(self) -> None:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with connect(Broken.as_asgi()) as client:
            await client.expect_close(1011, "")
    assert Broken.log == [1011]


async def test_tasks_are_cancelled_when_the_client_disconnects() -> None:
    """A task lives as long as the connection, and ends before `on_disconnect`."""

    class Ticking(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tick)

        async def tick(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                self.log.append("task ended")

    async with connect(Ticking.as_asgi()) as client:
        client.vanish()
        await client.wait_for_app()
    assert Ticking.log == ["task ended", 1006]


async def test_task_that_finds_the_client_disconnected_is_quiet() -> None:
    """A push to a client that disconnected ends the task, and nothing else."""

    class Ticking(Recording):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            self.start_soon(self.tick)

        async def tick(self) -> None:
            while True:
                await self.push("tick")
                await checkpoint()

    async with connect(Ticking.as_asgi()) as client:
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert Ticking.log == [1006]


async def test_task_that_finds_the_connection_closed_is_quiet() -> None:
    """A push that comes after a close of ours, by another task, is no failure."""
    pushed = anyio.Event()

    class Ticking(Recording):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            closed = anyio.Event()
            self.start_soon(self.tick, closed)
            await websocket.close(4000)
            closed.set()
            await pushed.wait()

        async def tick(self, closed: anyio.Event) -> None:
            await closed.wait()
            try:
                await self.push("tick")
            finally:
                pushed.set()

    async with connect(Ticking.as_asgi()) as client:
        await client.send_text("x")
        await client.expect_close(4000)
        await client.wait_for_app()
    assert Ticking.log == ["connect", 4000]


# What is cancelled alone.


async def test_cancellation_waits_for_the_sends_that_are_under_way() -> None:
    """No longer than for those: which of them are its own, nobody knows."""
    server = FakeServer()
    connection = await connection_in(S.OPEN, server)
    tasks = Tasks(connection)
    log: list[str] = []

    async def push() -> None:
        await connection.transmit(SEND)
        log.append("sent")

    async with tasks:
        gates = [anyio.Event(), anyio.Event()]
        handles = [TaskHandle(tasks, tasks.start(Sleeper(log), ()))]
        for gate in gates:
            server.gate = gate
            tasks.start(push, ())
            await all_tasks_blocked()
            handles[-1].cancel()
            handles.append(TaskHandle(tasks, tasks.start(Sleeper(log), ())))
            await all_tasks_blocked()
        assert not tasks.is_cancelled
        assert log == []
        gates[0].set()
        await all_tasks_blocked()
        assert tasks.sent()
        await handles[0].wait()
        assert sorted(log) == ["sent", "slept"]
        gates[1].set()
        await all_tasks_blocked()
        assert not tasks.sent()
        await handles[1].wait()
        assert sorted(log) == ["sent", "sent", "slept", "slept"]
        tasks.end()
    assert len(log) == 5
    assert connection.state is S.OPEN


# Handlers.


async def test_handler_is_spared_by_cancel() -> None:
    """It has its grace; `end` cancels it, and leaves it time to clean up."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()), 10)
    log: list[str] = []
    began = anyio.current_time()

    async def work(name: str) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(5)
            log.append(name)

    async with tasks:
        for name in "ab":
            tasks.start_handler(tasks.new_handler(), work, (name,))
        await all_tasks_blocked()
        tasks.cancel()
        await all_tasks_blocked()
        assert log == []
        tasks.end()
    assert sorted(log) == ["a", "b"]
    assert tasks.failure is None
    assert anyio.current_time() - began == pytest.approx(5, abs=0.1)


async def test_handler_may_be_cancelled_alone() -> None:
    """Its end is no failure, and whoever waits for it goes on."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    async with tasks:
        one, other = tasks.new_handler(), tasks.new_handler()
        tasks.start_handler(one, Sleeper(log, "one"), ())
        tasks.start_handler(other, Sleeper(log, "other"), ())
        await all_tasks_blocked()
        tasks.cancel_one(one)
        tasks.cancel_one(one)
        await one.ended()
        tasks.cancel_one(one)
        # What is not cancelled goes on until the end.
        tasks.close()
        await all_tasks_blocked()
        assert log == ["one"]
        tasks.end()
    assert log == ["one", "other"]
    assert tasks.failure is None


async def test_failure_of_a_handler_ends_all() -> None:
    """As that of a task does."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    failure = ValueError("broken")
    log: list[str] = []

    async def fail() -> None:
        await checkpoint()
        raise failure

    async with tasks:
        tasks.start_handler(tasks.new_handler(), Sleeper(log), ())
        tasks.start(Sleeper(log), ())
        await all_tasks_blocked()
        tasks.start_handler(tasks.new_handler(), fail, ())
        await anyio.sleep_forever()
    assert tasks.failure is failure
    assert log == ["slept"] * 2


async def test_handler_that_finds_the_connection_ended_has_not_failed() -> None:
    """As a task has not."""
    tasks = Tasks(await connection_in(S.DISCONNECTED, FakeServer()))

    async def find_out() -> None:
        raise WebSocketDisconnect(1006)

    async with tasks:
        one = tasks.new_handler()
        tasks.start_handler(one, find_out, ())
        await one.ended()
        assert not tasks.is_cancelled
    assert tasks.failure is None


@VIRTUAL_ASYNCIO
async def test_handler_whose_wait_somebody_else_cancelled_has_failed() -> None:
    """Nobody cancelled it."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))

    async def wait() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.cancel)
        await future

    async with tasks:
        tasks.start_handler(tasks.new_handler(), wait, ())
        await anyio.sleep_forever()
    assert isinstance(tasks.failure, AwaitedCancelledError)


@VIRTUAL_ASYNCIO
async def test_native_cancellation_waits_for_the_handlers() -> None:
    """It goes on behind them."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(5)
            log.append("clean")

    async def hold() -> None:
        async with tasks:
            tasks.start_handler(tasks.new_handler(), work, ())
            await all_tasks_blocked()
            is_ending.set()

    is_ending = asyncio.Event()
    holding = asyncio.create_task(hold())
    await is_ending.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert log == ["clean"]


@VIRTUAL_ASYNCIO
# anyio's own task holds that coroutine, and does not begin either.
@pytest.mark.filterwarnings("ignore:coroutine 'Tasks._run' was never awaited")
async def test_task_that_somebody_else_cancelled_before_it_began_has_ended() -> None:
    """Nothing of it ran; whoever waits for it goes on."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    log: list[str] = []
    assert not tasks.sent()
    async with tasks:
        before = asyncio.all_tasks()
        handle = TaskHandle(tasks, tasks.start(Sleeper(log), ()))
        (task,) = asyncio.all_tasks() - before
        task.cancel()
    await handle.wait()
    assert log == []
    del task, before
    gc.collect()


async def test_other_cancelled_error_at_the_end_is_no_failure() -> None:
    """What is awaited may raise one in place of that of the end."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))

    async def work() -> None:
        # As the deadline of a time limit does.
        tasks.group.cancel_scope.cancel()
        raise anyio.get_cancelled_exc_class() if is_asyncio() else KeyError

    async with tasks:
        assert not tasks.has_ended_itself
        tasks.start(work, ())
        await anyio.sleep_forever()
    assert tasks.has_ended_itself is is_asyncio()
    assert isinstance(tasks.failure, KeyError) is not is_asyncio()


async def test_end_does_not_wait_for_the_sends_that_a_cancel_waits_for() -> None:
    """Nothing tells of their end any more."""
    connection = await connection_in(S.OPEN, FakeServer())
    tasks = Tasks(connection)
    log: list[str] = []
    async with tasks:
        one = tasks.new_handler()
        tasks.start_handler(one, Sleeper(log, "one"), ())
        await all_tasks_blocked()
        connection.sends.under_way += 1
        tasks.cancel_one(one)
        await all_tasks_blocked()
        assert log == []
        tasks.close()
    assert log == ["one"]


# What waits for the client.


class Nobody(Owner):
    """Cares for nothing."""

    def start(self, func: Any) -> None:
        raise NotImplementedError

    def overflowed(self, limit: str) -> None:
        raise NotImplementedError

    def failed(self, exc: BaseException) -> None:
        raise NotImplementedError

    def cancelled(self, exc: BaseException) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("spares", [False, True], ids=["alone", "with what spares sends"])
async def test_outbox_is_there_until_the_group_ends(spares: bool) -> None:
    """Then the connection has the server's `send` again."""
    connection = await connection_in(S.OPEN, FakeServer())
    send = connection.send
    tasks = Tasks(connection)

    def make() -> Outbox:
        return Outbox(connection, Limits(), Nobody(), running_posting())

    async with tasks:
        if spares:
            one = tasks.new_handler()
            tasks.start_handler(one, Sleeper([]), ())
            await all_tasks_blocked()
            tasks.cancel_one(one)
        box = tasks.open_outbox(make)
        assert tasks.open_outbox(make) is tasks.outbox is box
        assert box.raw == send
        assert getattr(connection.send, "__wrapped__", connection.send) == box.send
        assert hasattr(connection.send, "__wrapped__") is spares
        assert not box.is_closed
        tasks.close()
        assert box.is_closed
    assert connection.send == send
