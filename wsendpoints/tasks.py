"""The tasks that live as long as a connection, and no longer."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVarTuple, Unpack

from anyio import CancelScope, get_cancelled_exc_class
from anyio.abc import TaskGroup

__all__ = ["TaskOwner", "Tasks"]

Ts = TypeVarTuple("Ts")

_NONE: Final[set[CancelScope]] = set()
"""The scopes of all connections that have none: an empty set holds 200 bytes."""


class TaskOwner(Protocol):
    """Whose tasks they are."""

    def task_failed(self, exc: BaseException) -> None:
        """Take note of the exception that ended one."""


class Tasks:
    """What runs for a connection beside its handler.

    Args:
        group: Where it runs.
        owner: Who is told of the exception that ended one.

    Attributes:
        group: The task group around all that the connection does.
        were_started: Whether there was any.
    """

    __slots__ = ("_owner", "_scopes", "group", "were_started")

    def __init__(self, group: TaskGroup, owner: TaskOwner) -> None:
        self.group: TaskGroup = group
        self._owner = owner
        self._scopes: set[CancelScope] = _NONE
        self.were_started: bool = False

    def start(self, func: Callable[[Unpack[Ts]], Awaitable[Any]], args: tuple[*Ts]) -> None:
        """Run an async function in a task of its own."""
        # Known from now on, since it may be cancelled before it has begun.
        scope = self._new_scope()
        self.were_started = True
        self.group.start_soon(self._run, scope, func, args)

    def start_own(self, func: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Run a task of this library's, which `cancel` leaves alone."""
        self.were_started = True
        self.group.start_soon(func, name=name)

    def cancel(self) -> None:
        """Cancel all of them, and whatever is within a `scope`."""
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def scope(self) -> Generator[None, None, None]:
        """Have what is done in this block cancelled together with the tasks."""
        scope = self._new_scope()
        try:
            with scope:
                yield
        finally:
            self._scopes.discard(scope)

    async def _run(
        self,
        scope: CancelScope,
        func: Callable[[Unpack[Ts]], Awaitable[Any]],
        args: tuple[*Ts],
    ) -> None:
        try:
            with scope:
                await func(*args)
        except get_cancelled_exc_class():
            raise
        except BaseException as exc:  # noqa: BLE001 - it is raised on by the endpoint
            self._owner.task_failed(exc)
        finally:
            self._scopes.discard(scope)

    def _new_scope(self) -> CancelScope:
        if self._scopes is _NONE:
            self._scopes = set()
        scope = CancelScope()
        self._scopes.add(scope)
        return scope
