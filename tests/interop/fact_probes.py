"""How a server is asked for its facts: each probe returns some of them, by the fields' names."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from wsendpoints.testing import Dialect
from wsendpoints.testing.scopes import DENIAL_EXTENSION, build_scope

from .clients import Closed
from .laboratory import ACCEPT, RECEIVE, Laboratory, event, say, send
from .scripted_app import PENDING, SILENCE, Step

__all__ = [
    "FIRST_PROBE",
    "HEAVY_PROBES",
    "LAST_PROBE",
    "LEGAL_CODES",
    "PROBES",
    "SLOW_PROBE",
    "Measured",
    "Probe",
]

Measured: TypeAlias = dict[str, Any]

UNTIL_DISCONNECT: Final[Step] = ("receive_disconnect",)

MEGABYTES: Final = 32
"""Far more than the buffers of any server, and of the system, hold."""

CLOSE_FRAME: Final = b"\x88\x82\0\0\0\0\x0f\xa1"
"""A client's close with 4001 (RFC 6455, section 5.2)."""

SHIELDED_FOR: Final = 1.0
"""Seconds that a client waits for a `send` to be cancelled; half of it is more than it takes."""

PAYLOAD: Final = bytes(1 << 16)
"""Not all in one frame, since some servers count frames."""

DEAD_AFTER: Final = 5.0
"""Seconds within which a server finds a dead client by its pings, as the test sets them."""

LEGAL_CODES: Final = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)
"""All close codes below 3000 that may be sent, and the bounds of those above."""


async def _scope(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ("describe",), ACCEPT) as run:
        _, scope, _ = await run.outcomes()
    everything = build_scope(
        "/", headers=None, subprotocols=(), dialect=Dialect(), overrides=None
    ).keys()
    return {
        "spec_version": scope["spec_version"],
        "missing_keys": frozenset(everything - set(scope["keys"])),
        "lists_addresses": scope["addresses"] == ["list", "list"],
        "text_ports": scope["ports"] == ["str", "str"],
        "denial_response": DENIAL_EXTENSION in scope["extensions"],
        "on_trio": scope["event_loop"] == "trio",
        "runs_lifespan": scope["started"],
    }


async def _accept_and_frames(lab: Laboratory) -> Measured:
    accept = send("accept", headers=[(b"x-a", b"1")])
    steps = RECEIVE, accept, RECEIVE, say(""), send("send", bytes=b""), say("end")
    async with lab.run(*steps) as run:
        await run.client.send("x")
        seen = await run.seen("end")
        frame = (await run.outcomes())[2]
        headers = run.client.headers
    return {
        "accept_headers": headers.get("x-a") == "1",
        "compresses": "permessage-deflate" in headers.get("sec-websocket-extensions", ""),
        "both_keys": frame.keys() == {"type", "text", "bytes"},
        "empty_messages": seen == ["", b"", "end"],
    }


async def _clients_close(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT, RECEIVE, ("receive_again",)) as run:
        await run.client.close(4001, "bye")
        *_, told, again = await run.outcomes()
    return {
        "told_code": None if told["code"] == 4001 else told["code"],
        "tells_reason": told.get("reason") == "bye",
        "second_receive": "blocks" if again == PENDING else "returns",
    }


async def _clients_close_without_a_code(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT, UNTIL_DISCONNECT) as run:
        await run.client.close(None)
        told = (await run.outcomes())[-1]
    return {"told_no_code": told["code"]}


async def _clients_reset(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT, UNTIL_DISCONNECT) as run:
        run.client.reset()
        told = (await run.outcomes())[-1]
    return {"told_reset": told["code"]}


async def _sends_after_disconnect(lab: Laboratory) -> Measured:
    sending: Step = "send_until_after", "disconnected", event("send", text="x")
    async with lab.run(RECEIVE, ACCEPT, sending, UNTIL_DISCONNECT, say("x")) as run:
        run.client.reset()
        await run.tell("disconnected")
        _, _, outcome, _, last_outcome = await run.outcomes()
    before_received, once_received = _send_outcome(outcome), _send_outcome(last_outcome)
    if before_received == "silent":
        before_received = _send_outcome(await _send_to_closing_client(lab))
    is_same = once_received == before_received
    return {
        "send_after_disconnect": before_received,
        "send_once_received": "same" if is_same else once_received,
    }


async def _send_to_closing_client(lab: Laboratory) -> Any:
    """Return the outcome of a send after the client's close, before TCP ends if possible.

    It is possible on a server that takes messages without a bound: TCP can't end before they are
    sent.
    """
    steps = RECEIVE, ACCEPT, ("flood", MEGABYTES), ("wait_for", "closed"), say("x")
    async with lab.run_raw(*steps) as (script, _, writer):
        is_bounded = (await script.outcomes("flooded"))[2:] != [None]
        if is_bounded:
            return SILENCE
        writer.write(CLOSE_FRAME)
        await script.tell("closed")
        return (await script.outcomes())[-1]


def _send_outcome(outcome: Any) -> Any:
    if outcome == SILENCE:
        return "silent"
    if "OSError" in outcome:
        return "oserror"
    return "runtime_error" if "RuntimeError" in outcome else outcome


async def _own_close(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT, send("close", code=4000, reason="bye"), RECEIVE) as run:
        closed = await run.client.closed()
        told = (await run.outcomes())[-1]
    assert closed.code == 4000
    return {
        "told_own_code": None if told["code"] == 4000 else told["code"],
        "close_reasons": closed.reason == "bye",
    }


async def _close_codes(lab: Laboratory) -> Measured:
    async def is_refused(code: int) -> bool:
        async with lab.run(RECEIVE, ACCEPT, send("close", code=code), say("open")) as run:
            seen = await run.seen("open")
            raised = bool((await run.outcomes())[2] != SILENCE)
        assert seen == (["open"] if raised else [Closed(code)])
        return raised

    refused = await asyncio.gather(*map(is_refused, LEGAL_CODES))
    pairs = zip(LEGAL_CODES, refused, strict=True)
    return {"refused_codes": {code for code, is_one in pairs if is_one}}


async def _close_while_receiving(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT, ("send_while_receiving", event("close"))) as run:
        await run.outcomes("sending")
        closed = await run.closed()
        await run.tell("enough")
    return {"close_awaits_receive": closed is None}


async def _denial(lab: Laboratory) -> Measured:
    start = send("http.response.start", status=401, headers=[])
    more, last = (
        send("http.response.body", body=b"no", more_body=has_more) for has_more in (True, False)
    )
    whole, parts = await asyncio.gather(
        lab.observe(RECEIVE, start, last), lab.observe(RECEIVE, start, more, last)
    )
    can_stream = parts.body == b"nono"
    assert can_stream or parts.body == whole.body
    assert can_stream or whole.status != 401 or "RuntimeError" in parts.outcomes[2]
    return {"single_denial_body": whole.status == 401 and not can_stream}


async def _return(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT) as run:
        closed = await run.closed()
    return {
        "return_code": closed.code if closed else None,
        "return_stays_open": closed is None,
    }


async def _failure(lab: Laboratory) -> Measured:
    async with lab.run(RECEIVE, ACCEPT, ("fail",)) as run:
        closed = await run.client.closed()
    return {"failure_code": closed.code}


async def _no_answer(lab: Laboratory) -> Measured:
    returned, failed = await asyncio.gather(lab.observe(RECEIVE), lab.observe(RECEIVE, ("fail",)))
    return {"return_status": returned.status, "failure_status": failed.status}


async def _client_that_does_not_read(lab: Laboratory) -> Measured:
    # The other client reads ahead.
    async with lab.run(RECEIVE, ACCEPT, ("flood", MEGABYTES), client="aiohttp") as run:
        await run.outcomes("flooded")
        with contextlib.suppress(TimeoutError):
            await run.outcomes(within=SHIELDED_FOR)
        # This ends a send that even a cancellation can't end.
        run.client.reset()
        seconds = (await run.outcomes())[-1]
    return {
        "bounds_outbound": seconds is not None,
        "shields_sends": seconds is not None and seconds > SHIELDED_FOR / 2,
    }


async def _app_that_does_not_receive(lab: Laboratory) -> Measured:
    # This client does not compress, which would take most of the time.
    steps = RECEIVE, ACCEPT, ("wait_for", "released")
    async with lab.run(*steps, client="aiohttp") as run:
        is_bounded = False
        try:
            for _ in range(MEGABYTES << 4):
                async with asyncio.timeout(1):
                    await run.client.send(PAYLOAD)
        except TimeoutError:
            is_bounded = True
        run.client.reset()
        await run.tell("released")
    return {"bounds_inbound": is_bounded}


async def _dead_client(lab: Laboratory) -> Measured:
    async with lab.run_raw(RECEIVE, ACCEPT, UNTIL_DISCONNECT) as (_, reader, _):
        try:
            async with asyncio.timeout(DEAD_AFTER):
                await _read_until_close(reader)
        except TimeoutError:
            return {"finds_dead_clients": False}
    return {"finds_dead_clients": True}


async def _read_until_close(reader: asyncio.StreamReader) -> None:
    close = CLOSE_FRAME[0]
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
        first = None
        while first != close:
            first, size = await reader.readexactly(2)
            await reader.readexactly(size)


async def _denials_in_the_log(lab: Laboratory) -> Measured:
    printed = lab.process.printed()
    start = send("http.response.start", status=401, headers=[])
    await lab.observe(RECEIVE, start, send("http.response.body", body=b"no"))
    return {"logs_denials": lab.process.errors(printed) != []}


async def _shutdown(lab: Laboratory) -> Measured:
    printed = lab.process.printed()
    step: Step = "receive_disconnect_or_close", event("close", code=4012)
    async with lab.run(RECEIVE, ACCEPT, step) as run:
        lab.process.terminate()
        closed, _ = await asyncio.gather(run.client.closed(), asyncio.to_thread(lab.process.wait))
    seen = {1012: "disconnects", 4012: "cancels", 1006: "kills"}
    return {
        "shutdown": seen.get(closed.code, closed),
        "logs_shutdown": lab.process.errors(printed) != [],
    }


Probe: TypeAlias = Callable[[Laboratory], Awaitable[Measured]]

PROBES: Final[Sequence[Probe]] = [
    _scope,
    _accept_and_frames,
    _clients_close,
    _clients_close_without_a_code,
    _clients_reset,
    _own_close,
    _close_codes,
    _close_while_receiving,
    _denial,
    _return,
    _failure,
    _no_answer,
]
"""Probes that can run at once."""

SLOW_PROBE: Final[Probe] = _dead_client
"""A probe that waits for long, and can do so whatever else runs."""

FIRST_PROBE: Final[Probe] = _denials_in_the_log
"""A probe that needs the log for itself."""

HEAVY_PROBES: Final[Sequence[Probe]] = [
    _sends_after_disconnect,
    _client_that_does_not_read,
    _app_that_does_not_receive,
]
"""Probes that keep the server busy, so that each is to run alone."""

LAST_PROBE: Final[Probe] = _shutdown
"""A probe that ends the server."""
