"""Going on without a send that nothing can cancel.

hypercorn on trio shields its sends: one to a client that does not read ends when that client reads
again, or leaves, and the task that awaits it waits until then, whatever cancels it. So on trio a
conversation has a task of its own. Should it be held up like that when it is to end, the task that
serves the connection goes on without it: it closes the connection, and cleans up.

What is left behind is waited for all the same, so that no task outlives the call that it is part
of. Until then the connection counts among those that are open.
"""

import logging
from collections.abc import Callable
from typing import Final, final

import anyio
from anyio.abc import TaskGroup

from wsendpoints.connection.connection import Connection
from wsendpoints.lifecycle.conversation import Conversation
from wsendpoints.lifecycle.ending import Ending
from wsendpoints.lifecycle.hooks import Hooks, fields_of, name_of
from wsendpoints.protocol.deadline import Deadline

__all__ = ["PATIENCE", "Outliving"]

logger: logging.Logger = logging.getLogger("wsendpoints")

PATIENCE: Final = 0.25
"""Seconds between two looks at what is to end. What is held up at two in a row is left behind."""


@final
class Outliving:
    """Holds a conversation on trio, and ends it in time.

    Args:
        endpoint: Whose conversation it is.
        connection: Its connection.
        conversation: The conversation.
        end_with: Returns what ends it, by the time limit that passed.
    """

    def __init__(
        self,
        endpoint: Hooks,
        connection: Connection,
        conversation: Conversation,
        end_with: Callable[[Deadline | None], Ending],
    ) -> None:
        self._endpoint = endpoint
        self._connection = connection
        self._conversation = conversation
        self._end_with = end_with
        # The conversation drops them in the end.
        self._tasks = conversation.tasks
        self._reader = conversation.reader
        self._until_end = self._tasks.also_ends = anyio.CancelScope()
        self._is_held = True
        self._close_due: float | None = None
        self._ending: Ending | None = None
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Hold it to its end, and raise what went wrong."""
        done = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._live, done)
            try:
                with self._until_end:
                    await done.wait()
            except anyio.get_cancelled_exc_class() as exc:
                # The conversation is cancelled as well, and its failure takes the place of this.
                self._failure = self._failure or exc
            with anyio.CancelScope(shield=True):
                if not await self._ends(done):
                    await self._go_on(group)
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            # It holds this frame: without this reference it is no cycle.
            del failure

    async def _live(self, done: anyio.Event) -> None:
        try:
            failure = await self._conversation.hold()
            self._is_held = False
            self._until_end.cancel()
            await self._begin_end().conclude(failure)
        except BaseException as exc:  # noqa: BLE001 - raised by `run`, where it is in no group
            self._failure = exc
        finally:
            # The exception may hold this frame: without this reference it is no cycle.
            failure = None
            done.set()

    async def _ends(self, done: anyio.Event) -> bool:
        """Wait until something is done, or held up; return whether it is done."""
        looks = 0
        while looks < 2:
            with anyio.move_on_after(PATIENCE):
                await done.wait()
            if done.is_set():
                return True
            looks = looks + 1 if self._is_held_up() else 0
        return False

    def _is_held_up(self) -> bool:
        connection = self._connection
        if not connection.is_accepted:
            # Of a client that is refused nothing is to be cleaned up.
            return False
        if connection.is_closing:
            now = anyio.current_time()
            if self._close_due is None:
                self._close_due = now + (connection.close_timeout or 0)
            return now >= self._close_due
        return self._is_held and self._tasks.is_cancelled and self._reader.is_sending

    async def _go_on(self, group: TaskGroup) -> None:
        """Close the connection and clean up, whatever becomes of what is held up."""
        logger.warning(
            "%s: a send can't be cancelled: it is left behind, until the server ends it",
            name_of(self._endpoint),
            extra=fields_of(self._endpoint),
        )
        closed = anyio.Event()
        group.start_soon(self._close, closed)
        await self._ends(closed)
        await self._begin_end().clean_up_early()

    async def _close(self, closed: anyio.Event) -> None:
        try:
            await self._begin_end().close_early(self._tasks.failure or self._failure)
        finally:
            closed.set()

    def _begin_end(self) -> Ending:
        if self._ending is None:
            self._ending = self._end_with(self._conversation.passed())
        return self._ending
