"""A client's conversation with a server, and what happened on the server's side of it."""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from urllib.parse import urlencode

import aiohttp

from .clients import Client, Connect
from .journal import MARK, DeliberateError
from .servers import Process

__all__ = ["Conversation"]

PROMPTLY: Final = 3.0
"""Seconds that the server's side may take to end; far below all of its timeouts."""

FAILURE: Final = f"DeliberateError: {DeliberateError()}"
"""The last line of its traceback."""


class Conversation:
    """One connection to a server, to be opened by the test.

    Args:
        process: The server.
        connect: Opens a connection, with one of the clients.
    """

    def __init__(self, process: Process, connect: Connect) -> None:
        self.process = process
        self.server = process.server
        self._connect = connect
        self._id = uuid.uuid4().hex
        self._printed = process.printed()
        self._may_fail = False
        self._ignored: list[str] = []
        self._journal = f"http://{process.netloc}/journal"

    def connect(
        self,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        subprotocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[Client]:
        """Open the connection, for the length of a block.

        Raises:
            Refused: The server refuses it.
        """
        return self._connect(
            f"ws://{self.process.netloc}{self.target(path, query)}",
            subprotocols=subprotocols,
            headers=headers,
        )

    def target(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """Return the path with the query that tells the server which conversation it is."""
        return f"{path}?{urlencode([('id', self._id), *query])}"

    async def add_to_journal(self, entry: str) -> None:
        """Add an entry, for an endpoint that waits for it."""
        async with (
            asyncio.timeout(PROMPTLY),
            aiohttp.ClientSession() as session,
            session.put(self._journal, params=self._query(entry)),
        ):
            pass

    async def journal(self, until: str = "end", within: float = PROMPTLY) -> list[str]:
        """Return what happened on the server's side, once `until` did.

        Args:
            until: The entry to wait for.
            within: Seconds.

        Raises:
            TimeoutError: It does not happen in time.
        """
        query = self._query(until)
        async with asyncio.timeout(within), aiohttp.ClientSession() as session:
            async with session.get(self._journal, params=query) as response:
                await response.read()
            # Once more, for the server to log meanwhile what follows.
            async with session.get(self._journal, params=query) as response:
                entries: list[str] = await response.json()
                return entries

    def printed_journal(self) -> list[str]:
        """Return what happened on the server's side, from what it printed before it ended."""
        lines = self.process.output().splitlines()
        entries = [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
        return [entry for name, entry in entries if name == self._id]

    def _query(self, entry: str) -> dict[str, str]:
        return {"id": self._id, "until": entry}

    def expect_failure(self) -> None:
        """Expect that the application fails, and that the server logs it."""
        self._may_fail = True

    def ignore_error(self, text: str) -> None:
        """Let the server log an error with this text, which is of its own making."""
        self._ignored.append(text)

    def check_log(self, at_most: int = 1) -> None:
        """Check that the server logged no error, or, if a failure is expected, that failure.

        Args:
            at_most: How many tracebacks a failure may have.
        """
        if not self._may_fail:
            errors = self.process.errors(self._printed)
            assert [line for line in errors if not any(map(line.__contains__, self._ignored))] == []
            return
        self.process.wait_for_output(FAILURE, self._printed)
        output = self.process.output(self._printed)
        assert output.count(FAILURE) <= at_most, output
        assert "ExceptionGroup" not in output, output
