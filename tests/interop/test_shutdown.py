"""What a server's end does to its connections: those that are idle, and those with a handler."""

import asyncio
import json
from pathlib import Path

import pytest

from .clients import CLIENTS, Closed
from .conversation import Conversation
from .servers import SERVERS, Process, Server

pytestmark = pytest.mark.anyio

ENDS_WITHIN = 2.5
"""Seconds; below each server's own patience with an application, as its command sets it."""


@pytest.mark.parametrize("server", SERVERS.values(), ids=str)
async def test_a_server_ends_promptly_with_connections_open(server: Server, tmp_path: Path) -> None:
    """Neither holds it up; both are cleaned up, and closed with 1012, where the server lets us."""
    process = Process(server, "tests.interop.app:app", tmp_path / "log")
    try:
        process.wait_until_it_accepts()
        idle = Conversation(process, CLIENTS["websockets"])
        waiting = Conversation(process, CLIENTS["websockets"])
        async with idle.connect("/chat") as idler, waiting.connect("/impatient") as waiter:
            await idler.send(json.dumps({"type": "say", "text": "hi"}))
            await idler.receive()
            await waiter.send(json.dumps({"type": "wait"}))
            await waiter.receive()
            process.terminate()
            ending = asyncio.to_thread(process.wait, ENDS_WITHIN)
            closed, also_closed, _ = await asyncio.gather(idler.closed(), waiter.closed(), ending)
    finally:
        process.kill()

    is_told = server.facts.shutdown != "kills"
    code = 1012 if is_told else 1006
    assert closed == also_closed == Closed(code)
    if is_told:
        assert hooks_of(idle) == ["on_connect", "say", f"on_disconnect {code}", "end"]
        assert hooks_of(waiting) == ["on_connect", "wait ended", f"on_disconnect {code}", "end"]
    if not server.facts.logs_shutdown:
        assert process.errors() == []


def hooks_of(conversation: Conversation) -> list[str]:
    """Return what happened, without the cancellation that some servers end it with."""
    return [entry for entry in conversation.printed_journal() if "Cancelled" not in entry]
