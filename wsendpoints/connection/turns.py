"""Waiting for one's turn: those that come first go on first."""

from typing import final

import anyio
from anyio.lowlevel import checkpoint

__all__ = ["Turns"]


@final
class Turns:
    """Those that wait for the same moment, in the order in which they came."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[anyio.Event] = []

    async def wait(self) -> None:
        """Wait until it is one's turn; cancelling it passes the turn on."""
        turn = anyio.Event()
        self._waiting.append(turn)
        try:
            await turn.wait()
        finally:
            self._waiting.remove(turn)

    async def give(self) -> None:
        """Wake one after the other, also those that come meanwhile.

        Each goes on to where it waits next before the following one is woken. The event loop alone
        does not promise that: trio wakes those that wait for one event in any order.
        """
        while self._waiting:
            self._waiting[0].set()
            await checkpoint()

    def give_up(self) -> None:
        """Wake all at once: there is nothing to wait for any more."""
        for turn in self._waiting:
            turn.set()
