"""A plain ASGI app that does what its client's query says, step by step, and notes what came of it.

Nothing of the library stands between it and the server: what it notes is the server's doing.
"""

import asyncio
import base64
import json
import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import anyio
import sniffio
import trio

from wsendpoints.protocol.asgi import Event, Receive, Scope, Send

from .journal import DeliberateError, Recording, journal

__all__ = ["OUTCOME", "PENDING", "SILENCE", "Step", "app", "encode_script"]

Step: TypeAlias = tuple[Any, ...]
"""The name of a method of `_Script`, and its arguments."""

OUTCOME: Final = "outcome "
"""The prefix of an outcome in the journal."""

PENDING: Final = "pending"
"""The outcome of a `receive` or `send` that does not return."""

SILENCE: Final = "silence"
"""The outcome of a `send` that returns."""

PATIENCE: Final = 0.5
"""Seconds after which a call that did not return is taken not to return at all.

Only for calls that wait for nothing but the server itself.
"""


def encode_script(*steps: Step) -> str:
    """Return `steps` as the value of the parameter `script`."""
    # Not JSON: an event may hold bytes, and an illegal one any object.
    return base64.urlsafe_b64encode(pickle.dumps(steps)).decode()


PAYLOAD: Final = os.urandom(1 << 20)
"""At random, since some servers compress what they send."""


_STARTED: Final[list[Event]] = []
"""The events of the lifespan that came."""


class _Script:
    """The steps that one connection can be told to take; each returns its outcome as JSON."""

    _tasks: Final[set[asyncio.Task[None]]] = set()

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def run(self, *steps: Step) -> None:
        """Take the steps, and note the outcome of each."""
        for name, *arguments in steps:
            self._note(await getattr(self, name)(*arguments))

    async def describe(self) -> dict[str, object]:
        """Return the parts of the scope in which servers differ, and the event loop."""
        return {
            "keys": sorted(self._scope),
            "started": bool(_STARTED),
            "spec_version": self._scope["asgi"].get("spec_version"),
            "extensions": sorted(self._scope.get("extensions") or {}),
            "addresses": [type(self._scope[key]).__name__ for key in ("client", "server")],
            "ports": [type(self._scope[key][1]).__name__ for key in ("client", "server")],
            "event_loop": sniffio.current_async_library(),
        }

    async def receive(self) -> object:
        """Receive an event."""
        return await self._receive()

    async def receive_again(self) -> object:
        """Receive an event, which is there at once or never."""
        return await _within_patience(self._receive)

    async def receive_disconnect(self) -> object:
        """Receive events until the disconnect, however long it takes."""
        while (event := await self._receive())["type"] != "websocket.disconnect":
            pass
        return event

    async def receive_disconnect_or_close(self, close: Event) -> object:
        """Do the same, and send `close` if the server cancels that."""
        try:
            return await self.receive_disconnect()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self.send(close)
            raise

    async def send(self, event: Any) -> object:
        """Send an event, and return what was raised: the names of its class and their bases."""
        return await _within_patience(lambda: self._try_to_send(event))

    async def send_while_receiving(self, event: Any) -> None:
        """Send an event while a `receive` is pending, as it is until the journal says `"enough"`.

        The journal says `"sending"` before.
        """
        async with anyio.create_task_group() as group:
            group.start_soon(self.receive_disconnect)
            # Until it has come to the server, which may be in another thread.
            await anyio.sleep(0.1)
            journal.add(self._scope, "sending")
            group.start_soon(self._try_to_send, event)
            await self.wait_for("enough")
            group.cancel_scope.cancel()

    async def send_until_after(self, entry: str, event: Any) -> object:
        """Send an event again and again, up to a while after the journal says `entry`.

        Returns:
            The last outcome: on the way to it, a server may raise other things.
        """
        outcome: object = None
        async with anyio.create_task_group() as group:

            async def send() -> None:
                nonlocal outcome
                while True:
                    outcome = await self._try_to_send(event)
                    await anyio.sleep(PATIENCE / 50)

            group.start_soon(send)
            await self.wait_for(entry)
            await anyio.sleep(PATIENCE)
            group.cancel_scope.cancel()
        return outcome

    async def send_after_return(self, event: Any) -> None:
        """Send an event when the script has ended, and the journal says `"late"`."""

        async def send() -> None:
            await self.wait_for("late")
            self._note(await self.send(event))
            journal.add(self._scope, "sent late")

        if sniffio.current_async_library() == "trio":
            trio.lowlevel.spawn_system_task(send)
        else:
            self._tasks.add(asyncio.create_task(send()))

    async def must_send(self, event: Any) -> object:
        """Do the same, and fail if it raises, as most applications do."""
        outcome = await self.send(event)
        if outcome != SILENCE:
            self._note(outcome)
            raise DeliberateError
        return outcome

    async def flood(self, megabytes: int) -> object:
        """Send so much, and cancel a `send` that does not return.

        The journal says `"flooded"` before that.

        Returns:
            The seconds that it took to be cancelled; `None` if all was sent.
        """
        sent = -1
        cancelled: float | None = None

        async def send_all() -> None:
            nonlocal sent
            for sent in range(megabytes):  # noqa: B007 - read below
                await self._send({"type": "websocket.send", "bytes": PAYLOAD})
            sent = megabytes

        async with anyio.create_task_group() as group:
            group.start_soon(send_all)
            before = None
            while before != sent < megabytes:
                before = sent
                await anyio.sleep(PATIENCE)
            journal.add(self._scope, "flooded")
            if sent < megabytes:
                cancelled = anyio.current_time()
                group.cancel_scope.cancel()
        return None if cancelled is None else anyio.current_time() - cancelled

    async def wait_for(self, entry: str) -> None:
        """Wait until the journal says so."""
        await journal.read(_parameter(self._scope, "id"), entry)

    async def fail(self) -> None:
        """Raise an exception."""
        raise DeliberateError

    async def _try_to_send(self, event: Any) -> object:
        try:
            await self._send(event)
        except Exception as exc:  # noqa: BLE001 - servers raise whatever they like
            return [_name(class_) for class_ in type(exc).__mro__]
        return SILENCE

    def _note(self, outcome: object) -> None:
        journal.add(self._scope, f"{OUTCOME}{json.dumps(outcome)}")


async def _within_patience(function: Callable[[], Awaitable[object]]) -> object:
    with anyio.move_on_after(PATIENCE):
        return await function()
    return PENDING


def _name(class_: type) -> str:
    package = class_.__module__.partition(".")[0]
    return class_.__name__ if package == "builtins" else f"{package}.{class_.__name__}"


def _parameter(scope: Scope, name: str) -> str:
    query: bytes = scope["query_string"]
    return parse_qs(query.decode())[name][0]


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            _STARTED.append(await receive())
            await send({"type": f"lifespan.{kind}.complete"})
        return
    encoded = _parameter(scope, "script")
    steps = pickle.loads(base64.urlsafe_b64decode(encoded))  # noqa: S301 - the test's own
    await _Script(scope, receive, send).run(*steps)


app: Final = Recording(_serve)
