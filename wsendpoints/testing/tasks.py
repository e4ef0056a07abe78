"""Runs an app in a task of its own, and knows which tasks the app started.

The task belongs to no task group. A group's cancel scope has to be exited in the task that
entered it, last in, first out; so a connection could not be opened in a fixture that runs in
another task than its test (pytest-asyncio and pytest-trio), nor two of them be closed in any
order. Its owner is the connection, which awaits it when the test leaves.

On asyncio, the app's tasks are known by a context variable: it is set in the app's task only,
and while a connection is open the loop's task factory notes each task that is created where it is
set. So the tasks of the test, of its fixtures, and of other connections are never blamed on an
app. On trio, a task cannot outlive the nursery that it was started in, so there is nothing to
note: what an app starts in another nursery, or as a system task, does not count as its own.
"""

import asyncio
import sys
from collections.abc import Callable, Collection, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, Final
from weakref import WeakKeyDictionary

import anyio
from anyio.lowlevel import checkpoint

__all__ = ["AppTasks", "running_loop"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True

_owner: ContextVar["AppTasks | None"] = ContextVar("wsendpoints.testing.owner", default=None)

# A task that was told to end, or has its result already, needs a turn or two of the loop.
_TURNS = 5


class AppTasks:
    """The task that runs an app, and those that the app started.

    Args:
        lasting: The names of those that may go on, or of their coroutines.
    """

    def __init__(self, lasting: Collection[str] = ()) -> None:
        self._lasting = frozenset(lasting)
        self._main: asyncio.Task[None] | None = None
        self._factory: _NotingFactory | None = None
        self._started: set[asyncio.Task[Any]] = set()

    def start(self, function: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Run `function` in a task; what it starts from there is noted until `end`.

        Args:
            function: Lets no exception pass but its cancellation.
            name: The name of the task.
        """
        context = copy_context()
        context.run(_owner.set, self)
        if _is_trio():
            import trio

            trio.lowlevel.spawn_system_task(function, name=name, context=context)
        else:
            loop = asyncio.get_running_loop()
            # First, since an eager task runs its first step while it is created.
            self._factory = _NotingFactory.install(loop)
            self._main = loop.create_task(function(), name=name, context=context)

    def note(self, task: asyncio.Task[Any]) -> None:
        """Remember a task of the app's for as long as it runs."""
        self._started.add(task)
        task.add_done_callback(self._started.discard)

    async def end(self, timeout: float) -> list[str]:  # noqa: ASYNC109 - passed on
        """Cancel the tasks that the app started and that still run, once it has ended itself.

        Args:
            timeout: How long to wait for the cancelled tasks, in seconds.

        Returns:
            The names of the tasks that did not end by themselves.
        """
        if self._factory is None:
            return []
        for _ in range(_TURNS):
            if self._unexpected():
                await checkpoint()
        self._factory.uninstall()
        self._factory = None
        remaining = self._unexpected()
        for task in remaining:
            task.cancel()
        with anyio.move_on_after(timeout):
            if remaining:
                await asyncio.wait(remaining)
        for task in remaining:
            if task.done() and not task.cancelled():
                task.exception()  # Otherwise asyncio logs that it was never retrieved.
        return sorted(map(_describe, remaining))

    def _unexpected(self) -> set[asyncio.Task[Any]]:
        return {task for task in self._started if self._lasting.isdisjoint(_names_of(task))}


class _NotingFactory:
    """A loop's task factory while any connection is open on it: it tells tasks to their owners.

    It makes tasks as the factory that it replaces does, which comes back with the end of the
    last connection.
    """

    def __init__(self, replaced: Callable[..., Any] | None) -> None:
        self._replaced = replaced
        self._users = 0
        make_eagerly = _constructor_of(replaced)
        if make_eagerly is None:
            self._factory = self._noting(replaced or _make_task)
        else:
            # anyio's task groups know an eager factory by its code, and call what it calls: their
            # tasks must not start before the group knows them. So this has to be one, too.
            create: Any = vars(asyncio)["create_eager_task_factory"]
            self._factory = create(self._noting(make_eagerly))

    @classmethod
    def install(cls, loop: asyncio.AbstractEventLoop) -> "_NotingFactory":
        installed: Any = loop.get_task_factory()
        noting = _installed.get(loop)
        # Somebody may have put a factory of their own around the one that was there.
        if noting is None or noting._factory is not installed:
            noting = _installed[loop] = cls(installed)
            loop.set_task_factory(noting._factory)
        noting._users += 1
        return noting

    def uninstall(self) -> None:
        self._users -= 1
        loop = asyncio.get_running_loop()
        installed: Any = loop.get_task_factory()
        # If somebody has put a factory of their own around this one, it stays, idle.
        if not self._users and installed is self._factory:
            loop.set_task_factory(self._replaced)

    def _noting(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def make_and_note(*arguments: Any, **options: Any) -> Any:
            task = make(*arguments, **options)
            owner = _owner.get()
            if owner is not None:
                owner.note(task)
            return task

        return make_and_note


_installed: WeakKeyDictionary[asyncio.AbstractEventLoop, _NotingFactory] = WeakKeyDictionary()


def _constructor_of(factory: Any) -> Callable[..., Any] | None:
    """Return what an eager task factory makes its tasks with; `None` for any other factory."""
    eager: Any = vars(asyncio).get("eager_task_factory")  # Since Python 3.12.
    if eager is None or getattr(factory, "__code__", None) is not eager.__code__:
        return None
    constructor: Callable[..., Any] = factory.__closure__[0].cell_contents
    return constructor


def _make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop, **options)


def _describe(task: asyncio.Task[Any]) -> str:
    name, coroutine = _names_of(task)
    return f"{name} ({coroutine})"


def _names_of(task: asyncio.Task[Any]) -> tuple[str, str]:
    coroutine = task.get_coro()
    return task.get_name(), str(getattr(coroutine, "__qualname__", coroutine))


def running_loop() -> object:
    """Return what stands for the event loop that runs; `None` if none does."""
    if _is_trio():
        import trio

        return trio.lowlevel.current_trio_token()
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_trio() -> bool:
    # Without trio imported, this cannot be one of its tasks; and it need not be installed.
    if "trio" not in sys.modules:
        return False
    import trio

    return trio.lowlevel.in_trio_task()
