"""`fuzz`: send messages to a server until one is not answered as it is declared."""

from collections.abc import Collection, Mapping
from typing import Any, Final, final

from anyio import current_time

from wsendpoints.contract.reading import read_document
from wsendpoints.fuzzing.judging import Judge
from wsendpoints.fuzzing.peers import Ended, MisbehaviourError, Opener, Peer, RefusedError
from wsendpoints.fuzzing.plan import ROUND, Handshake, Plan, Sent
from wsendpoints.fuzzing.report import Failure, Report
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["fuzz"]

_MOST_ANSWERS: Final = 50
"""How many frames are looked at before the next message is sent: there may be any number."""

_FAILED: Final = 500


async def fuzz(
    document: Mapping[str, Any],
    opener: Opener,
    *,
    seed: int = 0,
    messages: int | None = None,
    seconds: float | None = None,
    codes: Collection[int] = (),
) -> Report:
    """Send messages to a server until one is not answered as it is declared.

    They are valid, nearly valid and hostile, and the same for the same seed. An endpoint may
    answer with what it declares, and close with the codes that it documents, but 1011; and it has
    to answer a valid message, if it declares to. A connection that is closed is opened again.

    Cancelling it closes the connection.

    Args:
        document: The document of the server, as `asyncapi` makes it.
        opener: The way to it.
        seed: What the messages are made of.
        messages: How many are sent; `None` for any number.
        seconds: After how many seconds it ends; `None` for never.
        codes: Close codes that the application closes with itself.

    Raises:
        ConfigurationError: The document is none, or has no endpoint; or there is no end.
    """
    channels = read_document(document, "the document")
    if not channels:
        raise ConfigurationError("the document has no endpoint")
    if messages is None and seconds is None:
        raise ConfigurationError("fuzz(...): say how many messages, or seconds, it takes")
    report = Report(seed)
    run = _Run(Plan(channels, seed), opener, report, frozenset(codes))
    end = None if seconds is None else current_time() + seconds
    number = 0
    while report.failure is None and (messages is None or number < messages):
        if end is not None and current_time() >= end:
            break
        until = (number // ROUND + 1) * ROUND
        number = await run.connection(number, until if messages is None else min(until, messages))
    if report.failure is None and report.connections == 0 and report.refused:
        what = "refused each handshake: give the headers that it needs"
        report.failure = Failure(channels[0].address, 0, None, None, 0, what)
    return report


@final
class _Run:
    def __init__(self, plan: Plan, opener: Opener, report: Report, codes: frozenset[int]) -> None:
        self._plan = plan
        self._opener = opener
        self._report = report
        self._codes = codes

    async def connection(self, number: int, until: int) -> int:
        """Send messages by one connection, and return the number of the next one."""
        handshake = self._plan.handshake(number)
        first, sent = number, None
        try:
            async with self._opener.open(handshake) as peer:
                self._report.connections += 1
                judge = Judge(handshake.channel, handshake.encoding, self._codes)
                is_over = await self._listen(peer, judge, handshake, None, first)
                while not is_over and number < until:
                    sent = self._plan.message(number)
                    self._report.sent[sent.kind] += 1
                    await peer.send(sent.frame)
                    is_over = await self._listen(peer, judge, handshake, sent, first)
                    number += 1
        except RefusedError as exc:
            self._report.refused[exc.status] += 1
            if exc.status >= _FAILED and exc.status not in handshake.channel.refusals:
                self._fail(handshake, None, first, f"refused the handshake with {exc.status}")
            return until
        except MisbehaviourError as exc:
            what = f"{exc}"
            if (failure := self._report.failure) is not None:
                what = f"{failure.what}: {what}"
            self._fail(handshake, sent, first, what)
        # A connection that is closed before any message would be opened for ever.
        return number if number > first else until

    async def _listen(
        self, peer: Peer, judge: Judge, handshake: Handshake, sent: Sent | None, first: int
    ) -> bool:
        """Take what comes, and return whether the connection is over, or has failed."""
        is_due = sent is not None and sent.is_answered
        for _ in range(_MOST_ANSWERS):
            came = await peer.receive(is_due=is_due)
            if came is None:
                if is_due:
                    self._fail(handshake, sent, first, "did not answer in time")
                return is_due
            is_due = False
            if isinstance(came, Ended):
                self._report.closed[came.code] += 1
                wrong = judge.code(came.code)
            else:
                self._report.answers += 1
                wrong = judge.frame(came)
            if wrong is not None:
                self._fail(handshake, sent, first, wrong)
            if wrong is not None or isinstance(came, Ended):
                return True
        return False

    def _fail(self, handshake: Handshake, sent: Sent | None, first: int, what: str) -> None:
        address = handshake.channel.address
        if sent is None:
            what = f"{what}, at {handshake.path}"
            self._report.failure = Failure(address, first, None, None, 0, what)
        else:
            earlier = sent.number - first
            self._report.failure = Failure(
                address, sent.number, sent.kind, sent.frame, earlier, what
            )
