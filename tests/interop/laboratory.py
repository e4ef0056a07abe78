"""Runs scripts of `scripted_app` on a server, and returns what both sides saw."""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from websockets.exceptions import ConnectionClosed, InvalidHandshake, NegotiationError

from wsendpoints.protocol.asgi import Event

from .clients import CLIENTS, Client, Closed, Refused, open_socket, reset
from .conversation import Conversation
from .scripted_app import OUTCOME, Step, encode_script
from .servers import Process

__all__ = ["ACCEPT", "CLOSE", "RECEIVE", "Laboratory", "Observation", "Run", "event", "say", "send"]

SOON: Final = 2.0
"""Seconds within which a client gets an answer, if it gets one at all."""

WITHIN: Final = 60.0
"""Seconds that a script may take, on a busy machine."""

RECEIVE: Final[Step] = ("receive",)
ACCEPT: Final[Step] = ("send", {"type": "websocket.accept"})
CLOSE: Final[Step] = ("send", {"type": "websocket.close"})

Handshake: TypeAlias = Literal["accepted", "refused", "none", "invalid", "wrong subprotocol"]
"""How a client's handshake ends; `"none"` leaves it waiting."""


def event(kind: str, **fields: Any) -> Event:
    """Return an event of an application."""
    return {"type": f"websocket.{kind}", **fields}


def send(kind: str, **fields: Any) -> Step:
    """Return the step that sends an event."""
    return "send", event(kind, **fields)


def say(text: str) -> Step:
    """Return the step that sends a text frame."""
    return send("send", text=text)


@dataclass(frozen=True, slots=True)
class Observation:
    """What both sides saw of a script.

    Attributes:
        handshake: How the client's handshake ended.
        status: The status of a refusal.
        headers: Those of the server's response.
        body: The body of a refusal.
        seen: What the client got on the open connection.
        outcomes: The outcome of each step.
    """

    handshake: Handshake
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    seen: Sequence[str | bytes | Closed] = ()
    outcomes: Sequence[Any] = ()


class Script:
    """A script that runs."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def outcomes(self, until: str = "end", within: float = WITHIN) -> list[Any]:
        """Return the outcome of each step so far, once the journal says `until`."""
        return _outcomes(await self._conversation.journal(until, within))

    async def tell(self, entry: str) -> None:
        """Add an entry to the journal, for a step that waits for it."""
        await self._conversation.add_to_journal(entry)


class Run(Script):
    """A script that runs on an open connection, with its client."""

    def __init__(self, client: Client, conversation: Conversation) -> None:
        super().__init__(conversation)
        self.client = client

    async def seen(self, last: str | None = None) -> list[str | bytes | Closed]:
        """Return what the client gets, up to `last` or the end of the connection, if it ends."""
        seen: list[str | bytes | Closed] = []
        try:
            while last not in seen:
                async with asyncio.timeout(SOON):
                    seen.append(await self.client.receive())
        except TimeoutError:
            pass
        except ConnectionClosed:
            seen.append(await self.client.closed())
        return seen

    async def closed(self) -> Closed | None:
        """Return how the connection ends, if it ends."""
        closes = [one for one in await self.seen() if isinstance(one, Closed)]
        return closes[0] if closes else None


class Laboratory:
    """Where scripts run.

    Args:
        process: A server that serves `scripted_app`.
    """

    def __init__(self, process: Process) -> None:
        self.process = process

    @asynccontextmanager
    async def run(
        self, *steps: Step, client: str = "websockets", subprotocols: Sequence[str] = ()
    ) -> AsyncGenerator[Run]:
        """Run a script that accepts its client, for the length of a block."""
        conversation = Conversation(self.process, CLIENTS[client])
        query = [("script", encode_script(*steps))]
        async with conversation.connect("/", query=query, subprotocols=subprotocols) as connected:
            yield Run(connected, conversation)

    async def observe(
        self, *steps: Step, last: str | None = None, subprotocols: Sequence[str] = ()
    ) -> Observation:
        """Run a script, whatever becomes of it.

        Args:
            steps: The script.
            last: The message after which the client disconnects.
            subprotocols: What the client offers.
        """
        conversation = Conversation(self.process, CLIENTS["websockets"])
        query = [("script", encode_script(*steps))]
        connection = conversation.connect("/", query=query, subprotocols=subprotocols)
        observed = Observation("none")
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(SOON):
                    client = await stack.enter_async_context(connection)
            except TimeoutError:
                pass
            except Refused as refused:
                observed = Observation("refused", refused.status, refused.headers, refused.body)
            except NegotiationError:
                observed = Observation("wrong subprotocol")
            except InvalidHandshake:
                observed = Observation("invalid")
            else:
                seen = await Run(client, conversation).seen(last)
                observed = Observation("accepted", headers=client.headers, seen=seen)
                client.reset()
            outcomes = _outcomes(await conversation.journal("end", WITHIN))
        return replace(observed, outcomes=outcomes)

    @asynccontextmanager
    async def run_raw(
        self, *steps: Step
    ) -> AsyncGenerator[tuple[Script, asyncio.StreamReader, asyncio.StreamWriter]]:
        """Run a script for a client that does nothing of itself, for the length of a block."""
        conversation = Conversation(self.process, CLIENTS["websockets"])
        query = [("script", encode_script(*steps))]
        reader, writer = await open_socket(self.process.netloc, conversation.target("/", query))
        try:
            yield Script(conversation), reader, writer
        finally:
            reset(writer.transport)

    async def exits(self, *steps: Step) -> bool:
        """Run a script, and return whether the server ends of itself."""
        conversation = Conversation(self.process, CLIENTS["websockets"])
        query = [("script", encode_script(*steps))]
        with contextlib.suppress(OSError, InvalidHandshake, Refused):
            # A client that gave up before would itself be what ends the script.
            async with asyncio.timeout(WITHIN), conversation.connect("/", query=query):
                pass
        try:
            await asyncio.to_thread(self.process.wait)
        except subprocess.TimeoutExpired:
            return False
        return True


def _outcomes(journal: Sequence[str]) -> list[Any]:
    return [json.loads(entry.removeprefix(OUTCOME)) for entry in journal if OUTCOME in entry]
