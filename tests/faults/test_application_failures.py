"""What the application raises, forgets, or declares wrongly: F16 to F20, F31, F32 and F34."""

from collections.abc import Callable
from typing import Any, ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.faults.endpoints import (
    DeliberateError,
    FailsAtOnce,
    FailsInStream,
    FailsLater,
    Pushing,
    failing,
    that_fails,
)
from tests.faults.playing import MARKER, Noting, fails_at_once, play, refused
from wsendpoints import (
    ConfigurationError,
    WebSocket,
    WebSocketDisconnect,
    WebSocketEndpoint,
)

anyio_test = pytest.mark.anyio


class FailsAfterAccept(Noting):
    """Fails in `on_connect`, after the accept."""

    failures: ClassVar[list[BaseException]]

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.log.append("accepted")
        raise self.failures.pop()


@anyio_test
@failing
async def test_f16_handler_that_raises_closes_with_1011(base: type[Noting]) -> None:
    """The client gets no reason, and the server gets the same exception object."""
    failure = DeliberateError("secret")
    endpoint = that_fails(base, failure)
    async with play(endpoint, raises=failure) as client:
        await client.send_text(f'"{MARKER}"')
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


@anyio_test
@failing
@pytest.mark.parametrize(
    ("make", "surfaces"),
    [
        pytest.param(lambda: [DeliberateError()], DeliberateError, id="one"),
        pytest.param(lambda: [ExceptionGroup("", [KeyError(1)])], KeyError, id="nested"),
        pytest.param(
            lambda: [WebSocketDisconnect(1001), DeliberateError()],
            DeliberateError,
            id="beside a disconnect",
        ),
        pytest.param(
            lambda: [DeliberateError(), KeyError(1)], ExceptionGroup, id="two, as the group"
        ),
        pytest.param(lambda: [KeyboardInterrupt()], KeyboardInterrupt, id="KeyboardInterrupt"),
        pytest.param(
            lambda: [WebSocketDisconnect(), KeyboardInterrupt()],
            KeyboardInterrupt,
            id="KeyboardInterrupt beside a disconnect",
        ),
        pytest.param(
            lambda: [DeliberateError(), KeyboardInterrupt()],
            BaseExceptionGroup,
            id="KeyboardInterrupt beside a failure",
        ),
    ],
)
async def test_f17_group_that_holds_a_failure_closes_with_1011(
    base: type[Noting], make: Callable[[], list[BaseException]], surfaces: type[BaseException]
) -> None:
    """A single failure is raised without its group, several as their group."""
    endpoint = that_fails(base, BaseExceptionGroup("", make()))
    async with play(endpoint, raises=surfaces) as client:
        await client.send_text(f'"{MARKER}"')
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


@anyio_test
async def test_f17_group_of_disconnects_is_quiet() -> None:
    """A group of nothing but disconnects of this connection is no failure."""

    class Group(Pushing):
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.push_on, self.push)
                tasks.start_soon(self.push_on, websocket.send_text)

    async with play(Group) as client:
        await client.send_text(MARKER)
        assert await client.receive_text() == "tick"
        client.vanish()
        await client.wait_for_app()
    assert Group.log == ["connect", 1006]


@anyio_test
@pytest.mark.parametrize("base", [FailsAtOnce, FailsLater, FailsInStream], ids=lambda b: b.__name__)
async def test_f17_group_of_others_disconnects_does_not_surface(base: type[Noting]) -> None:
    """Disconnects of other connections close this one, with a warning and no exception."""
    endpoint = that_fails(
        base, BaseExceptionGroup("", [WebSocketDisconnect(1001), WebSocketDisconnect(1006)])
    )
    async with play(endpoint, log=["WARNING"]) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


async def a_cancellation() -> BaseException:
    """Return the exception that cancels a task on this event loop."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await checkpoint()
        except anyio.get_cancelled_exc_class() as exc:
            return exc.with_traceback(None)
    raise AssertionError


@anyio_test
@pytest.mark.parametrize("base", [FailsAtOnce, FailsLater, FailsInStream], ids=lambda b: b.__name__)
async def test_f17_group_of_cancellations_is_raised_again(base: type[Noting]) -> None:
    """A group of cancellations closes with 1012, and is raised to the server."""
    group = BaseExceptionGroup("", [await a_cancellation()])
    endpoint = that_fails(base, group)
    async with play(endpoint, raises=group) as client:
        await client.send_text(MARKER)
        await client.expect_close(1012, "")
    assert endpoint.log == ["connect", 1012]


@anyio_test
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
async def test_f18_on_connect_that_fails_sends_nothing(waits: bool) -> None:
    """The server answers the handshake itself: with 500, granian with 403."""
    failure = DeliberateError()

    class Broken(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if waits:
                await checkpoint()
            raise failure

    await fails_at_once(Broken, raises=failure)
    assert Broken.log == Broken.sent == []


@anyio_test
async def test_f19_on_connect_that_fails_once_accepted_closes_with_1011() -> None:
    """After the accept, a failure of `on_connect` is handled like any other."""
    failure = DeliberateError()
    endpoint = that_fails(FailsAfterAccept, failure)
    async with play(endpoint, raises=failure) as client:
        await client.expect_close(1011, "")
    assert endpoint.log == ["accepted", 1011]


class FailsAtTheEnd(FailsAtOnce):
    """Fails in `on_receive`, and in `on_disconnect` too."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        await super().on_disconnect(websocket, close_code)
        await checkpoint()
        raise KeyError("cleaning up")


@anyio_test
async def test_f20_on_disconnect_that_fails_surfaces() -> None:
    """If nothing failed before, the failure of `on_disconnect` is raised to the server."""
    async with play(FailsAtTheEnd, raises=KeyError) as client:
        client.vanish(4001)
    assert FailsAtTheEnd.log == ["connect", 4001]


@anyio_test
async def test_f20_original_exception_wins() -> None:
    """The first failure is raised with its context, the other is logged once at ERROR."""
    context = ValueError("before")
    failure = DeliberateError()
    failure.__context__ = context
    endpoint = that_fails(FailsAtTheEnd, failure)
    async with play(endpoint, raises=failure, log=["ERROR"]) as client:
        await client.send_text(MARKER)
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]
    assert failure.__context__ is context
    (record,) = [record for record in endpoint.records if record.levelname == "ERROR"]
    assert record.exc_text is not None
    assert record.exc_text.endswith("KeyError: 'cleaning up'")


@anyio_test
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
async def test_f31_on_connect_that_does_not_answer_refuses(waits: bool) -> None:
    """A handshake that is not answered is refused, and a warning says why."""

    class Forgetful(Noting):
        async def on_connect(self, websocket: WebSocket) -> None:
            if waits:
                await checkpoint()

    denied = await refused(Forgetful, log=["WARNING"])
    assert denied.status == 403
    assert Forgetful.log == []
    assert "Forgetful: on_connect did not accept" in Forgetful.lines("WARNING")[0]


@anyio_test
@failing
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_f32_interrupt_goes_on(base: type[Noting], kind: type[BaseException]) -> None:
    """The client is closed, `on_disconnect` runs, and the exception goes on."""
    failure = kind()
    endpoint = that_fails(base, failure)
    async with play(endpoint, raises=failure) as client:
        await client.send_text(f'"{MARKER}"')
        await client.expect_close(1011, "")
    assert endpoint.log == ["connect", 1011]


def plain(self: object, websocket: object, data: object) -> None:
    """Do nothing: this is no coroutine function."""


@pytest.mark.parametrize(
    "attributes",
    [
        {"on_receive": plain},
        {"on_connect": plain},
        {"on_disconnect": plain},
        {"on_invalid": plain},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_f34_plain_function_is_refused_with_the_class(attributes: dict[str, Any]) -> None:
    """A handler that is no async function is refused when the class is made, without a mark."""
    with pytest.raises(ConfigurationError, match="is no async method: use `async def"):
        type("Plain", (WebSocketEndpoint,), attributes)
