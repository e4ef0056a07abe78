"""Starts an app, and shuts it down, as a server does before the first and after the last client."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import anyio
from anyio.lowlevel import checkpoint

from wsendpoints.protocol.asgi import ASGIApp, Event, Receive, Scope, Send
from wsendpoints.testing.errors import (
    AppStillRunningError,
    IllegalEventError,
    LeftoverTasksError,
    LifespanFailedError,
    UnexpectedEventError,
)
from wsendpoints.testing.problems import add_problems, raise_problems
from wsendpoints.testing.tasks import AppTasks

__all__ = ["lifespan"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True


@asynccontextmanager
async def lifespan(
    app: ASGIApp,
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - the limit of each wait, not of the app
    lasting_tasks: Collection[str] = (),
) -> AsyncGenerator[ASGIApp]:
    """Start `app`, on the event loop that runs the test, and shut it down at the end.

    Yields the app as `connect` takes it: its connections have a copy of the state that its startup
    left in the scope, unless the test gives them one. Leaving raises what went wrong with the app,
    its own exception first; if the test failed itself, that exception goes on, with these as notes.
    It may be entered in a fixture, also in one that is torn down in another task.

    ```python
    @pytest.fixture
    async def app() -> AsyncIterator[ASGIApp]:
        async with lifespan(main.app) as app:
            yield app
    ```

    Source: ASGI spec, "Lifespan Protocol".

    Args:
        app: An ASGI application.
        timeout: The limit of the startup, and of the shutdown, in seconds.
        lasting_tasks: As for `connect`: tasks that are to outlive the app.

    Raises:
        Exception: The app's own, if it raised one after it had answered.
        LifespanFailedError: If the app can't start, or can't shut down; or it ended before it had
            started, as one without a lifespan does, with what it raised as the cause.
        UnexpectedEventError: If the app gives no answer in time.
        IllegalEventError: If the app sent what the ASGI spec does not allow.
        AppStillRunningError: If the app did not end in time after its shutdown.
        LeftoverTasksError: If tasks that the app started are still running. Only asyncio lets that
            happen.
    """
    started = _StartedApp(app, lasting_tasks)
    try:
        await started.start(timeout)
        yield started.serve
    except BaseException as exc:
        await started.stop(timeout)
        add_problems(exc, started.take_problem)
        raise
    await started.stop(timeout)
    raise_problems(started.take_problem)


class _StartedApp:
    """An app that runs, and what it says of its startup and its shutdown."""

    def __init__(self, app: ASGIApp, lasting_tasks: Collection[str]) -> None:
        self._app = app
        self._state: dict[str, Any] = {}
        self._phase: Literal["startup", "shutdown"] = "startup"
        self._answer: Event | None = None
        self._inbox: deque[Event] = deque([{"type": "lifespan.startup"}])
        self._has_ended = False
        self._error: BaseException | None = None
        self._problems: list[BaseException] = []
        self._changed = anyio.Event()
        self._cancel_scope = anyio.CancelScope()
        self._tasks = AppTasks(lasting_tasks)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the app, for a connection."""
        # ASGI spec, "Lifespan State": a shallow copy for each.
        if not scope.get("state"):
            scope["state"] = self._state.copy()
        await self._app(scope, receive, send)

    def take_problem(self) -> BaseException | None:
        """Return the first thing that went wrong with the app and was not told yet."""
        return self._problems.pop(0) if self._problems else None

    async def start(self, timeout: float) -> None:  # noqa: ASYNC109 - see above
        """Wait until the app has started."""
        self._tasks.start(self._run, "lifespan of the app")
        await self._wait_for_answer(timeout)
        if self._answer is None:
            if not self._has_ended:
                raise self._silence(timeout)
            error, self._error = self._error, None
            if isinstance(error, IllegalEventError):
                raise error
            raise LifespanFailedError("startup", None) from error
        if self._failure is not None:
            # What the app raises then tells more than what it says: `stop` waits for that.
            self._problems.append(self._failure)
            await self.stop(timeout)
            raise_problems(self.take_problem)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - see above
        """Have the app shut down, if it has started, and end what runs on.

        What goes wrong is found by `take_problem` afterwards. May be called again.
        """
        with anyio.CancelScope(shield=True):
            if self._answer is None:
                self._cancel_scope.cancel()
            elif not self._has_ended and self._failure is None:
                await self._shut_down(timeout)
            await self._wait_for(lambda: self._has_ended, timeout)
            if not self._has_ended:
                self._cancel_scope.cancel()
                await self._wait_for(lambda: self._has_ended, timeout)
                self._problems.append(
                    AppStillRunningError("the app was shut down", timeout, self._has_ended)
                )
            if self._error is not None:
                self._problems.insert(0, self._error)
                self._error = None
            remaining = await self._tasks.end(timeout)
            if remaining:
                self._problems.append(LeftoverTasksError(remaining))

    async def _shut_down(self, timeout: float) -> None:  # noqa: ASYNC109 - see above
        self._phase, self._answer = "shutdown", None
        self._inbox.append({"type": "lifespan.shutdown"})
        self._notify()
        await self._wait_for_answer(timeout)
        if self._failure is not None:
            self._problems.append(self._failure)
        elif self._answer is None and not self._has_ended:
            self._problems.append(self._silence(timeout))
            self._cancel_scope.cancel()

    # The app's side.

    async def _receive(self) -> Event:
        while not self._inbox:
            await self._changed.wait()
        return self._inbox.popleft()

    async def _send(self, event: Event) -> None:
        await checkpoint()
        try:
            self._judge(event)
        except IllegalEventError as exc:
            self._problems.append(exc)
            raise
        self._answer = event
        self._notify()

    def _judge(self, event: Event) -> None:
        kinds = f"lifespan.{self._phase}.complete", f"lifespan.{self._phase}.failed"
        if self._answer is not None:
            problem = f"it has answered lifespan.{self._phase} already"
        elif event.get("type") not in kinds:
            problem = f"the answer to lifespan.{self._phase} is {kinds[0]} or {kinds[1]}"
        elif not isinstance(event.get("message", ""), str):
            problem = "the message must be a str"
        else:
            return
        raise IllegalEventError(event, problem, "servers raise an error")

    async def _run(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            with self._cancel_scope:
                await self._app(scope, self._receive, self._send)
        except anyio.get_cancelled_exc_class():
            # Not by us: somebody cancelled the task, or the loop is shut down.
            self._error = UnexpectedEventError("the app's end", "its task was cancelled")
            raise
        except BaseException as exc:  # noqa: BLE001 - it belongs to the test, which raises it
            self._problems = [problem for problem in self._problems if problem is not exc]
            self._error = exc
        finally:
            self._has_ended = True
            self._notify()

    @property
    def _failure(self) -> LifespanFailedError | None:
        """What the app said, if it was that it can't go on."""
        if self._answer is None or self._answer["type"].endswith(".complete"):
            return None
        return LifespanFailedError(self._phase, self._answer.get("message", ""))

    def _silence(self, timeout: float) -> UnexpectedEventError:
        return UnexpectedEventError(
            f"lifespan.{self._phase}.complete", f"nothing came within {timeout:g} s"
        )

    async def _wait_for_answer(self, timeout: float) -> None:  # noqa: ASYNC109 - see above
        await self._wait_for(lambda: self._answer is not None or self._has_ended, timeout)

    async def _wait_for(self, condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109 - see above
        with anyio.move_on_after(timeout):
            while not condition():
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
