"""Runs the fuzzer from where nothing waits: for the command, on asyncio."""

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from typing import Any

import anyio

from wsendpoints.fuzzing.fuzzing import fuzz
from wsendpoints.fuzzing.in_process import InProcess
from wsendpoints.fuzzing.over_network import OverNetwork
from wsendpoints.fuzzing.peers import MisbehaviourError
from wsendpoints.fuzzing.report import Report
from wsendpoints.protocol.asgi import ASGIApp
from wsendpoints.testing.errors import LifespanFailedError
from wsendpoints.testing.lifespan import lifespan

__all__ = ["run"]


def run(
    document: Mapping[str, Any],
    target: ASGIApp | str,
    *,
    headers: Mapping[str, str],
    patience: float,
    seed: int,
    messages: int | None,
    seconds: float | None,
    codes: Collection[int],
) -> Report:
    """Send messages to an application, or to a server.

    Args:
        document: Its document.
        target: The application, which is started before and ended after; or the URL of a server.
        headers: Those of the handshake, by name.
        patience: Seconds that an answer may take.
        seed: What the messages are made of.
        messages: How many are sent; `None` for any number.
        seconds: After how many seconds it ends; `None` for never.
        codes: Close codes that the application closes with itself.

    Raises:
        ConfigurationError: The document is none, or the URL; or websockets is not installed.
        MisbehaviourError: The application can't start.
    """

    async def send() -> Report:
        options: Any = {
            "seed": seed,
            "messages": messages,
            "seconds": seconds,
            "codes": codes,
        }
        if isinstance(target, str):
            server = OverNetwork(target, headers=headers, patience=patience)
            return await fuzz(document, server, **options)
        async with AsyncExitStack() as stack:
            app = await _start(target, stack)
            opener = InProcess(app, headers=headers, patience=patience)
            return await fuzz(document, opener, **options)

    return anyio.run(send)


async def _start(app: ASGIApp, stack: AsyncExitStack) -> ASGIApp:
    """Start an application until a stack is left; one without a lifespan is served as it is."""
    try:
        return await stack.enter_async_context(lifespan(app))
    except LifespanFailedError as exc:
        if exc.message is not None:
            raise MisbehaviourError(f"can't start: {exc.message}") from exc
        return app
    except Exception as exc:
        raise MisbehaviourError(f"can't start: {exc}") from exc
