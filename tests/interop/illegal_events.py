"""How a server is asked what it does with each kind of illegal event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wsendpoints.testing.faults import Fault

from .clients import Closed
from .laboratory import ACCEPT, CLOSE, RECEIVE, Laboratory, Observation, event, say
from .scripted_app import PENDING, SILENCE, Step

__all__ = ["CASES", "OR", "Case"]

LAST: Final = "last"
"""A message after the illegal event: on a connection that still works, it arrives."""

OR: Final = ", or "
"""Between what the server does with several events, or from time to time."""

TEXT: Final = "illegal"
BYTES: Final = b"illegal"

START: Final = event("http.response.start", status=401, headers=[])
BODY: Final = event("http.response.body", body=b"no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A script with an illegal event in it.

    Attributes:
        before: The legal steps before.
        events: The illegal event; or several that are illegal in the same way, each for a script
            of its own.
        after: The legal steps after it.
        unharmed: What the client sees of the legal steps alone; `None` if that is not enough for
            a connection.
        races: Whether the connection may have ended when the event is sent, so that what
            happens is a matter of luck.
    """

    before: Sequence[Step] = ()
    events: Sequence[Any]
    after: Sequence[Step] = ()
    unharmed: int | Sequence[str | Closed] | None = None
    races: bool = False

    async def consequence(self, lab: Laboratory) -> str:
        """Return what the server does, in the words of the table of facts."""
        each = [await self._consequence(lab, event) for event in self.events]
        return OR.join(dict.fromkeys(each))

    async def exits(self, lab: Laboratory) -> bool:
        """Return whether the server ends because of the event."""
        return await lab.exits(RECEIVE, *self.before, ("must_send", self.events[0]), *self.after)

    async def _consequence(self, lab: Laboratory, event: Any) -> str:
        # An application that could not answer the handshake fails, rather than go on.
        step = "send" if self.unharmed else "must_send"
        steps = RECEIVE, *self.before, (step, event), *self.after
        observed = await lab.observe(*steps, last=LAST, subprotocols=["a", "b"])
        outcome = observed.outcomes[1 + len(self.before)]
        if self.unharmed and self.unharmed == (observed.seen or observed.status):
            return _in_words(outcome, None)
        if isinstance(self.unharmed, int) and observed.handshake == "accepted":
            return _in_words(outcome, "accepts the client")
        return _in_words(outcome, _effect(observed, event))


class _CaseAfterReturn(Case):
    """The same, once the app has returned."""

    async def _consequence(self, lab: Laboratory, event: Any) -> str:
        async with lab.run(RECEIVE, ACCEPT, ("send_after_return", event)) as run:
            closed = await run.closed()
            await run.tell("late")
            outcome = (await run.outcomes("sent late"))[-1]
            seen = [] if closed else await run.seen(TEXT)
        observed = Observation("accepted", seen=seen)
        return _in_words(outcome, _effect(observed, event) if seen else None)


def _in_words(outcome: Any, effect: str | None) -> str:
    does = {SILENCE: None, PENDING: "does not return"}
    raised = f"raises {outcome[0]}" if isinstance(outcome, list) else does[outcome]
    return ", and ".join(filter(None, (raised, effect))) or "drops it"


def _effect(observed: Observation, event: Any) -> str:
    match observed.handshake:
        case "none":
            return "leaves the client waiting"
        case "invalid":
            return "gives the client no valid answer"
        case "wrong subprotocol":
            return "sends it, and the client fails the handshake"
        case "refused":
            return f"answers {observed.status}"
        case "accepted":
            pass
    match observed.seen:
        case [Closed(code, ""), *_]:
            return f"gives the client {code}"
        case [Closed(code, reason), *_]:
            return f"gives the client {code} and a reason of {len(reason.encode())} bytes"
        case ["" | b"", *_]:
            return "sends an empty message"
        case [str(text), *_] if text != LAST:
            return "sends a text message"
        case [bytes(), *_]:
            return "sends a binary message"
        case _ if not event.get("headers"):
            return "accepts the client"
        case _:
            return "sends it" if "x-a" in observed.headers else "drops every header"


def _on_open_connection(*events: object) -> Case:
    return Case(before=[ACCEPT], events=events, after=[say(LAST)], unharmed=[LAST])


def _after_close(*events: object) -> Case:
    return Case(before=[ACCEPT, CLOSE], events=events, unharmed=[Closed(1000)], races=True)


def _after_denial(*events: object) -> Case:
    return Case(before=[CLOSE], events=events, after=[say(LAST)], unharmed=403, races=True)


def _as_answer(event: object, *after: Step) -> Case:
    return Case(events=[event], after=after or [say(LAST)])


_FRAME: Final = event("send", text=TEXT)
_ACCEPT: Final = event("accept")
_CLOSE: Final = event("close")

CASES: Final[Mapping[Fault, Case]] = {
    Fault.NOT_A_DICT: _on_open_connection(None, {}),
    Fault.UNKNOWN_TYPE: _on_open_connection(event("foo")),
    Fault.BEFORE_ACCEPT: Case(events=[_FRAME], after=[ACCEPT, say(LAST)], unharmed=[LAST]),
    Fault.IN_DENIAL: Case(
        before=[("send", START)],
        events=[START, _ACCEPT],
        after=[("send", BODY), say(LAST)],
        unharmed=401,
    ),
    Fault.ACCEPT_AFTER_DENIAL: _after_denial(_ACCEPT),
    Fault.AFTER_DENIAL: _after_denial(_FRAME, _CLOSE),
    Fault.SECOND_ACCEPT: _on_open_connection(_ACCEPT),
    Fault.LATE_DENIAL: _on_open_connection(START),
    Fault.SEND_AFTER_CLOSE: _after_close(_FRAME),
    Fault.SECOND_CLOSE: _after_close(_CLOSE),
    Fault.AFTER_RETURN: _CaseAfterReturn(events=[_FRAME]),
    Fault.NO_EXTENSION: _as_answer(START, ("send", BODY)),
    Fault.NO_FRAME: _on_open_connection(event("send"), event("send", text=None, bytes=None)),
    Fault.TWO_FRAMES: _on_open_connection(event("send", text=TEXT, bytes=BYTES)),
    Fault.TEXT_AS_BYTES: _on_open_connection(event("send", bytes=TEXT)),
    Fault.BYTES_AS_TEXT: _on_open_connection(event("send", text=BYTES)),
    Fault.BYTES_LIKE: _on_open_connection(event("send", bytes=bytearray(BYTES))),
    Fault.SURROGATE: _on_open_connection(event("send", text="\ud800")),
    Fault.CLOSE_CODE: _on_open_connection(
        *(event("close", code=code) for code in (999, 1004, 2000, 5000))
    ),
    Fault.RESERVED_CLOSE_CODE: _on_open_connection(
        *(event("close", code=code) for code in (1005, 1006, 1015))
    ),
    Fault.CLOSE_CODE_TYPE: _on_open_connection(event("close", code="1000")),
    Fault.LONG_REASON: _on_open_connection(event("close", reason="x" * 124)),
    Fault.REASON_TYPE: _on_open_connection(event("close", reason=b"x")),
    Fault.SUBPROTOCOL: _as_answer(event("accept", subprotocol="c")),
    Fault.SUBPROTOCOL_LINE: _as_answer(event("accept", subprotocol="c\r\nx-b: 2")),
    Fault.HEADERS: _as_answer(event("accept", headers=[("x-a", "1")])),
    Fault.HEADER_CASE: _as_answer(event("accept", headers=[(b"X-A", b"1")])),
    Fault.HEADER_LINE: _as_answer(event("accept", headers=[(b"x-a", b"1\r\nx-b: 2")])),
    Fault.HEADER_SUBPROTOCOL: _as_answer(
        event("accept", headers=[(b"sec-websocket-protocol", b"c")])
    ),
    Fault.STATUS: _as_answer(event("http.response.start", status=99, headers=[]), ("send", BODY)),
    Fault.BODY: Case(before=[("send", START)], events=[event("http.response.body", body="no")]),
}
