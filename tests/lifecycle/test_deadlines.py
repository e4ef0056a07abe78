"""The time limits of one connection: when each begins, when it ends, and which one has passed."""

import logging
import math
import time
from collections.abc import Callable
from random import Random
from typing import Any, Final

import anyio
import pytest

from tests.connection.connections import S, connection_in
from tests.fake_server import FakeServer
from wsendpoints import Limits
from wsendpoints.lifecycle.deadlines import Deadlines, strictest
from wsendpoints.lifecycle.tasks import Tasks
from wsendpoints.protocol.deadline import Deadline
from wsendpoints.protocol.limits import OUTCOMES, Period

pytestmark = pytest.mark.anyio

BOUND: Final = 1000.0
LATER: Final = BOUND * 20
TIMES: Final = [
    "connect_timeout",
    "first_message_timeout",
    "idle_timeout",
    "handler_timeout",
    "send_timeout",
    "grace",
    "inbox_timeout",
]

Step = Callable[[Deadlines], None]


def limits_of(**limits: Any) -> Limits:
    """Return limits, of which no other counts any time."""
    none: dict[str, Any] = dict.fromkeys(TIMES)
    return Limits(**{**none, **limits})


class Play:
    """Plays what happens to a connection, each step after some seconds.

    Attributes:
        seconds: After how many seconds the connection was ended; infinite if it was not.
        passed: The time limit that had passed by then.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.seconds = math.inf
        self.passed: Deadline | None = None

    async def run(self, *steps: Step | float) -> None:
        """Take the steps, each at once, or wait so many seconds."""
        tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
        deadlines = Deadlines(self.limits, tasks, anyio.current_time)
        began = anyio.current_time()
        is_over = False
        async with tasks.group:
            for step in (*steps, LATER):
                if callable(step):
                    step(deadlines)
                else:
                    await anyio.sleep(step)
            is_over = True
            tasks.end()
        if not is_over:
            self.seconds = anyio.current_time() - began
        self.passed = deadlines.passed()


async def ended(limits: Limits, *steps: Step | float) -> tuple[float, str | None]:
    """Return after how many seconds the connection ended, and for which limit."""
    play = Play(limits)
    await play.run(*steps)
    return round(play.seconds, 3), play.passed and play.passed.limit


NEVER: Final = (math.inf, None)


def send_waits(deadlines: Deadlines) -> None:
    """Have a send take long."""
    deadlines.sending()


def send_ended(deadlines: Deadlines) -> None:
    """Have no send under way."""
    deadlines.sent()


def disconnected(deadlines: Deadlines) -> None:
    """Have the client disconnect."""
    deadlines.ended(is_shutdown=False)


def shut_down(deadlines: Deadlines) -> None:
    """Have the server shut down."""
    deadlines.ended(is_shutdown=True)


# The periods.

BEGINNINGS: Final[dict[str, tuple[str, Step]]] = {
    "connecting": ("connect_timeout", Deadlines.connecting),
    "accepted": ("first_message_timeout", Deadlines.accepted),
    "connected": ("idle_timeout", Deadlines.connected),
    "handled": ("idle_timeout", Deadlines.handled),
    "a handler waits for a message": ("idle_timeout", Deadlines.idling),
    "handling": ("handler_timeout", Deadlines.handling),
    "replying": ("send_timeout", Deadlines.replying),
    "send waits": ("send_timeout", send_waits),
    "inbox filled": ("inbox_timeout", Deadlines.inbox_filled),
    "disconnected": ("grace", disconnected),
}

ENDS: Final[dict[str, tuple[str, Step, Step]]] = {
    "accept": ("connect_timeout", Deadlines.connecting, Deadlines.accepted),
    "on_connect is done": ("connect_timeout", Deadlines.connecting, Deadlines.connected),
    "first message": ("first_message_timeout", Deadlines.accepted, Deadlines.message_came),
    "message": ("idle_timeout", Deadlines.connected, Deadlines.message_came),
    "later message": ("idle_timeout", Deadlines.handled, Deadlines.message_came),
    "message for a handler": ("idle_timeout", Deadlines.idling, Deadlines.idled),
    "handler is done": ("handler_timeout", Deadlines.handling, Deadlines.handled),
    "reply is sent": ("send_timeout", Deadlines.replying, Deadlines.handled),
    "send is done": ("send_timeout", send_waits, send_ended),
    "room in the inbox": ("inbox_timeout", Deadlines.inbox_filled, Deadlines.inbox_emptied),
}


@pytest.mark.parametrize("name", BEGINNINGS)
async def test_period_ends_the_connection_at_its_limit(name: str) -> None:
    """Its seconds count from where it begins, and it ends nothing where there is no limit."""
    limit, begin = BEGINNINGS[name]
    assert await ended(limits_of(**{limit: BOUND}), 5.0, begin) == (BOUND + 5, limit)
    assert await ended(limits_of(), begin) == NEVER
    others: dict[str, Any] = dict.fromkeys({*TIMES} - {limit}, BOUND)
    assert await ended(limits_of(**others), begin) == NEVER


@pytest.mark.parametrize("name", ENDS)
async def test_period_that_ended_in_time_counts_for_nothing(name: str) -> None:
    """Begun again, it has the whole time."""
    limit, begin, end = ENDS[name]
    limits = limits_of(**{limit: BOUND})
    assert await ended(limits, begin, BOUND - 1, end) == NEVER
    assert await ended(limits, begin, BOUND - 1, end, 3.0, begin) == (2 * BOUND + 2, limit)


def limiting(*, is_open: bool = True, awaits_first: bool = True, **limits: Any) -> Step:
    """Return the step that changes the limits."""
    return lambda deadlines: deadlines.limit_by(
        limits_of(**limits), is_open=is_open, awaits_first=awaits_first
    )


@pytest.mark.parametrize("before", [{}, {"connect_timeout": 10.0, "idle_timeout": 9.0}])
async def test_limits_that_change_before_the_accept(before: dict[str, Any]) -> None:
    """The handshake has the time of the new ones, from then on."""
    steps = (Deadlines.connecting, 5.0, limiting(is_open=False, connect_timeout=BOUND))
    assert await ended(limits_of(**before), *steps) == (BOUND + 5, "connect_timeout")
    steps = (*steps[:2], limiting(is_open=False))
    assert await ended(limits_of(**before), *steps) == NEVER


@pytest.mark.parametrize("before", [{}, {"first_message_timeout": 10.0}])
async def test_limits_that_change_before_the_first_message(before: dict[str, Any]) -> None:
    """It has the time of the new ones, from then on, unless it has come already."""
    limits = limits_of(**before)
    change = limiting(first_message_timeout=BOUND)
    assert await ended(limits, Deadlines.accepted, 5.0, change) == (
        BOUND + 5,
        "first_message_timeout",
    )
    change = limiting(awaits_first=False, first_message_timeout=BOUND)
    assert await ended(limits, Deadlines.accepted, 5.0, change) == NEVER


@pytest.mark.parametrize(
    ("limit", "begin"),
    [
        pytest.param("idle_timeout", Deadlines.idling, id="idle"),
        pytest.param("send_timeout", Deadlines.sending, id="send"),
        pytest.param("inbox_timeout", Deadlines.inbox_filled, id="inbox"),
    ],
)
async def test_limits_that_change_meanwhile(limit: str, begin: Step) -> None:
    """What is counted begins again, and what is not does not."""
    short: dict[str, Any] = {limit: 10.0}
    long: dict[str, Any] = {limit: BOUND}
    assert await ended(limits_of(**short), begin, 5.0, limiting(**long)) == (BOUND + 5, limit)
    assert await ended(limits_of(**short), begin, 5.0, limiting()) == NEVER
    assert await ended(limits_of(**short), 5.0, limiting(**long)) == NEVER
    assert await ended(limits_of(), limiting(**long), begin) == (BOUND, limit)


async def test_limits_that_change_decide_which_messages_are_timed() -> None:
    """As those do that a connection begins with."""
    found: list[tuple[bool, bool]] = []

    def note(deadlines: Deadlines) -> None:
        found.append((deadlines.await_messages, deadlines.time_messages))

    first = limiting(awaits_first=False, first_message_timeout=BOUND)
    idle = limiting(awaits_first=False, idle_timeout=BOUND)
    await ended(limits_of(), first, note, idle, note, limiting(), note)
    assert found == [(True, False), (True, True), (False, False)]


@pytest.mark.parametrize(
    ("limit", "begin"),
    [
        pytest.param("connect_timeout", Deadlines.connecting, id="connecting"),
        pytest.param("idle_timeout", Deadlines.idling, id="a handler waits for a message"),
        pytest.param("handler_timeout", Deadlines.handling, id="handling"),
        pytest.param("send_timeout", Deadlines.replying, id="replying"),
        pytest.param("grace", disconnected, id="disconnected"),
    ],
)
async def test_period_that_is_told_again_is_not_put_off(limit: str, begin: Step) -> None:
    """The second wait of a handler, or of a send, belongs to the same time."""
    assert await ended(limits_of(**{limit: BOUND}), begin, 400.0, begin) == (BOUND, limit)


@pytest.mark.parametrize(
    ("limit", "begin"),
    [
        pytest.param("idle_timeout", Deadlines.handled, id="idle"),
        pytest.param("inbox_timeout", Deadlines.inbox_filled, id="inbox"),
        pytest.param("send_timeout", send_waits, id="sends"),
    ],
)
async def test_period_that_begins_anew_is_put_off(limit: str, begin: Step) -> None:
    """Each message that is handled or taken, and each send that ends, begins it anew."""
    assert await ended(limits_of(**{limit: BOUND}), begin, 400.0, begin) == (BOUND + 400, limit)


async def test_each_of_several_sends_has_its_whole_time() -> None:
    """Once one has ended, the time of the next begins; a reply's is its own."""
    limits = limits_of(send_timeout=BOUND)
    assert await ended(limits, send_waits, 400.0, send_waits) == (BOUND + 400, "send_timeout")
    assert await ended(limits, send_waits, 400.0, send_ended) == NEVER
    replying = Deadlines.replying
    assert await ended(limits, replying, 400.0, send_waits, 1.0, send_ended, replying) == (
        BOUND,
        "send_timeout",
    )


async def test_handler_is_not_to_blame_for_a_send_that_is_held_up() -> None:
    """Its time stands still meanwhile, and goes on once the last send has ended."""
    limits = limits_of(handler_timeout=BOUND)
    handling, replying = Deadlines.handling, Deadlines.replying
    assert await ended(limits, handling, 400.0, send_waits) == NEVER
    held = (handling, 400.0, send_waits, 300.0, send_waits, 5.0, send_ended)
    assert await ended(limits, *held) == (BOUND + 305, "handler_timeout")
    assert await ended(limits, *held, 100.0, handling) == (BOUND + 305, "handler_timeout")
    assert await ended(limits, handling, 400.0, replying) == NEVER
    assert await ended(limits, handling, send_waits, 5.0, Deadlines.handled, send_ended) == NEVER
    again = (handling, send_waits, 5.0, Deadlines.handled, send_ended, handling)
    assert await ended(limits, *again) == (BOUND + 5, "handler_timeout")
    assert await ended(limits, handling, send_waits, 5.0, handling) == NEVER


@pytest.mark.parametrize("name", [name for name in BEGINNINGS if name != "disconnected"])
@pytest.mark.parametrize("grace", [None, BOUND * 2], ids=["no grace", "a grace"])
async def test_l08_no_other_limit_cuts_the_grace(name: str, grace: float | None) -> None:
    """Once the connection has ended, whether a period began before or begins after that."""
    limit, begin = BEGINNINGS[name]
    limits = limits_of(**{limit: BOUND}, grace=grace)
    cut = NEVER if grace is None else (grace + 5, "grace")
    assert await ended(limits, begin, 5.0, disconnected) == cut
    assert await ended(limits, 5.0, disconnected, begin) == cut


async def test_first_of_several_limits_ends_the_connection() -> None:
    """Whichever began last, and whether it comes once or recurs."""
    limits = limits_of(handler_timeout=BOUND, send_timeout=300, inbox_timeout=500, grace=50)
    begun = (Deadlines.handling, Deadlines.inbox_filled, 10.0, send_waits)
    assert await ended(limits, *begun) == (310, "send_timeout")
    assert await ended(limits, *begun, disconnected) == (60, "grace")
    assert await ended(limits, *begun, send_ended) == (500, "inbox_timeout")
    longer = (Deadlines.inbox_filled, 10.0, Deadlines.handling, Deadlines.inbox_emptied)
    assert await ended(limits, *longer) == (BOUND + 10, "handler_timeout")


async def test_what_ended_is_watched_again() -> None:
    """After a time in which no limit ran, the next one is counted as the first was."""
    limits = limits_of(send_timeout=BOUND)
    steps = (send_waits, 10.0, send_ended, 5000.0, send_waits)
    assert await ended(limits, *steps) == (BOUND + 5010, "send_timeout")


async def test_accept_that_comes_too_late_does_not_end_the_limit() -> None:
    """A period that has passed has cancelled what would end it, and is the one to be told of."""
    limits = limits_of(connect_timeout=BOUND)
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    deadlines = Deadlines(limits, tasks, anyio.current_time)
    async with tasks.group:
        deadlines.connecting()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(BOUND + 1)
        deadlines.connected()
        await anyio.sleep_forever()
    assert deadlines.passed() == strictest(limits, Period.CONNECTING)


async def test_limit_that_has_not_passed_is_not_told() -> None:
    """A connection that ends for another cause has no limit that ended it."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    deadlines = Deadlines(limits_of(grace=BOUND), tasks, anyio.current_time)
    async with tasks.group:
        assert deadlines.passed() is None
        disconnected(deadlines)
        await anyio.sleep(BOUND - 1)
        assert deadlines.passed() is None
        await anyio.sleep(BOUND)
    assert deadlines.passed() is not None


@pytest.mark.parametrize(
    ("limits", "awaits", "times"),
    [
        pytest.param(limits_of(), False, False, id="none"),
        pytest.param(limits_of(first_message_timeout=1), True, False, id="first_message_timeout"),
        pytest.param(limits_of(idle_timeout=1), True, True, id="idle_timeout"),
        pytest.param(limits_of(handler_timeout=1, send_timeout=1), False, False, id="others"),
    ],
)
async def test_messages_are_told_where_that_is_of_interest(
    limits: Limits, awaits: bool, times: bool
) -> None:
    """A message costs nothing unless a limit counts it."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    deadlines = Deadlines(limits, tasks, anyio.current_time)
    assert (deadlines.await_messages, deadlines.time_messages) == (awaits, times)


@pytest.mark.parametrize("wait", [Deadlines.handling, Deadlines.replying], ids=["handler", "reply"])
@pytest.mark.parametrize("idle", [None, BOUND])
async def test_message_whose_handling_waits_is_told(wait: Step, idle: float | None) -> None:
    """Its end is to be told once; after that only if the time between messages counts."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    limits = limits_of(handler_timeout=BOUND, idle_timeout=idle)
    deadlines = Deadlines(limits, tasks, anyio.current_time)
    async with tasks.group:
        deadlines.connected()
        deadlines.message_came()
        wait(deadlines)
        assert deadlines.time_messages
        deadlines.handled()
        assert deadlines.time_messages is (idle is not None)
        tasks.end()


async def test_first_message_may_come_before_any_other_time_is_counted() -> None:
    """As where the client says nothing until there is a conversation."""
    tasks = Tasks(await connection_in(S.OPEN, FakeServer()))
    deadlines = Deadlines(limits_of(idle_timeout=BOUND), tasks, anyio.current_time)
    async with tasks.group:
        deadlines.handled()
        assert deadlines.time_messages
        tasks.end()


def await_remaining(deadlines: Deadlines) -> None:
    """Wait for what the client sent before it disconnected."""
    deadlines.await_remaining()


def remaining_came(deadlines: Deadlines) -> None:
    """Have some of it come."""
    deadlines.remaining_came()


async def test_server_has_a_second_for_what_remains() -> None:
    """Each message that was sent before the disconnect may take so long, and has its own grace."""
    limits = limits_of(grace=30)
    assert await ended(limits, await_remaining) == (1, "remaining messages")
    assert (await ended(limits, await_remaining, 0.5, remaining_came))[1] is None
    again = (await_remaining, 0.5, remaining_came, 0.4)
    assert await ended(limits, *again, *again, await_remaining) == (2.8, "remaining messages")


# The grace at a shutdown, and the expiry.


@pytest.mark.parametrize(("grace", "seconds"), [(None, 1), (30, 1), (0.5, 0.5)])
async def test_f23_handler_has_a_second_at_a_shutdown(grace: float | None, seconds: float) -> None:
    """The server waits for it before it can exit; the log tells of the shutdown anyway."""
    play = Play(limits_of(grace=grace))
    await play.run(shut_down)
    assert play.seconds == pytest.approx(seconds)
    assert play.passed == Deadline("grace", seconds, 1006, logging.DEBUG)


async def test_shutdown_during_the_grace_shortens_it() -> None:
    """A client that disconnected before does not make the server wait longer."""
    limits = limits_of(grace=30)
    assert await ended(limits, disconnected, 10.0, shut_down) == (11, "grace")
    assert await ended(limits, disconnected, 29.5, shut_down) == (30, "grace")


def expires_in(seconds: float | None) -> Step:
    """Have the connection expire in so many seconds."""

    def set_expiry(deadlines: Deadlines) -> None:
        deadlines.expires_at(None if seconds is None else time.time() + seconds)

    return set_expiry


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        pytest.param([expires_in(BOUND)], BOUND, id="once"),
        pytest.param([expires_in(BOUND), expires_in(500)], 500, id="sooner"),
        pytest.param([expires_in(BOUND), 400.0, expires_in(BOUND)], BOUND + 400, id="later"),
        pytest.param([expires_in(BOUND), expires_in(None)], math.inf, id="never again"),
        pytest.param([expires_in(None)], math.inf, id="never"),
    ],
)
async def test_connection_expires_at_its_moment(steps: list[Step | float], seconds: float) -> None:
    """The last moment that was set counts, and no limit is needed for it."""
    play = Play(limits_of())
    await play.run(*steps)
    # The calendar goes on while the test runs.
    assert play.seconds == pytest.approx(seconds, abs=60)
    if seconds == math.inf:
        assert play.passed is None
    else:
        assert play.passed is not None
        assert (play.passed.limit, play.passed.code, play.passed.level) == (
            "expires_at",
            4401,
            logging.INFO,
        )


@pytest.mark.parametrize("seed", range(20))
async def test_last_moment_that_was_set_counts(seed: int) -> None:
    """Whatever was set before: sooner, later, never, or in the past; and however often."""
    random = Random(seed)  # noqa: S311 - no secret
    now, expected = 0.0, math.inf
    steps: list[Step | float] = []
    for _ in range(random.randrange(1, 12)):
        wait = random.choice([0.0, 100.0, 500.0])
        # They never pass just when the next one is set.
        moment = random.choice([None, None, -5.0, 50.0, 350.0, 950.0, 1050.0])
        steps += [wait, expires_in(moment)]
        if expected <= now + wait:
            break
        now += wait
        expected = math.inf if moment is None else now + max(0, moment)
    play = Play(limits_of())
    await play.run(*steps)
    # The calendar goes on while the test runs; the moments are further apart.
    assert play.seconds == pytest.approx(expected, abs=20)
    assert (play.passed is None) is (expected == math.inf)


async def test_moment_of_the_past_is_now() -> None:
    """A connection that has expired already is ended at once, after 0 seconds."""
    play = Play(limits_of())
    await play.run(expires_in(-5))
    assert play.seconds == pytest.approx(0)
    deadline = Deadline("expires_at", 0, 4401, logging.INFO)
    assert play.passed == deadline
    assert deadline.reason == "expires_at: 0 s"


# The grace of what is handled where the connection is left.

DRAINED: Final = Deadline("drain", 20, 1012, logging.DEBUG)


def leave(deadlines: Deadlines) -> None:
    """Have it left once nothing is handled."""
    deadlines.leave(DRAINED)


async def test_handler_of_a_connection_that_is_left_has_its_grace() -> None:
    """However often it is left; the deadline tells why."""
    play = Play(limits_of(grace=30))
    await play.run(Deadlines.handling, leave, 10.0, leave)
    assert play.seconds == pytest.approx(30)
    assert play.passed == DRAINED


async def test_no_grace_is_no_limit_where_it_is_left() -> None:
    """And a connection that has ended has the grace of its end."""
    assert await ended(limits_of(), leave) == NEVER
    assert await ended(limits_of(grace=30), leave, 10.0, disconnected) == (40, "grace")
    assert await ended(limits_of(grace=30), disconnected, 10.0, leave) == (30, "grace")


# The strictest of several limits.


@pytest.mark.parametrize("limit", TIMES)
async def test_limit_has_the_outcome_of_its_row(limit: str) -> None:
    """The close code and the log level are those of the table, and the reason names the limit."""
    outcome = OUTCOMES[limit]
    deadline = Deadline(limit, 1.5, outcome.code, outcome.level)
    assert strictest(limits_of(**{limit: 1.5}), *Period) == deadline
    assert deadline.reason == f"{limit}: 1.5 s"


async def test_strictest_of_several_periods() -> None:
    """The shortest time counts; of two that are equal, that of the period named first."""
    both = (Period.CONNECTING, Period.SENDING)

    def name(**limits: float) -> str | None:
        deadline = strictest(limits_of(**limits), *both)
        return deadline and deadline.limit

    assert name() is None
    assert name(idle_timeout=1) is None
    assert name(connect_timeout=2, send_timeout=1) == "send_timeout"
    assert name(connect_timeout=1, send_timeout=2) == "connect_timeout"
    assert name(connect_timeout=1, send_timeout=1) == "connect_timeout"
    assert name(send_timeout=1) == "send_timeout"


# Handlers beside the loop.


def began(handler: str) -> Step:
    """Return the step in which a handler begins beside the loop."""
    return lambda deadlines: deadlines.handler_began(handler)


def finished(handler: str) -> Step:
    """Return the step in which it ends."""
    return lambda deadlines: deadlines.handler_ended(handler)


def busy_no_more(deadlines: Deadlines) -> None:
    """The last handler beside the loop has ended, and the loop does nothing."""
    deadlines.busy_no_more(is_idle=True)


def loop_goes_on(deadlines: Deadlines) -> None:
    """It has, and the loop is at work."""
    deadlines.busy_no_more(is_idle=False)


async def test_each_handler_beside_the_loop_has_its_own_time() -> None:
    """From its beginning to its end, whatever the others do."""
    limits = limits_of(handler_timeout=BOUND)
    both = (Deadlines.busy, began("a"), 400.0, began("b"))
    assert await ended(limits, *both) == (BOUND, "handler_timeout")
    assert await ended(limits, *both, finished("a")) == (BOUND + 400, "handler_timeout")
    assert await ended(limits, *both, finished("a"), finished("b")) == NEVER


async def test_time_of_all_handlers_stands_still_while_a_send_waits() -> None:
    """Also of those that begin or end meanwhile."""
    limits = limits_of(handler_timeout=BOUND)
    held = (Deadlines.busy, began("a"), 400.0, send_waits, 300.0)
    assert await ended(limits, *held) == NEVER
    assert await ended(limits, *held, send_ended) == (BOUND + 300, "handler_timeout")
    assert await ended(limits, *held, finished("a"), send_ended) == NEVER
    busy = Deadlines.busy
    both = (busy, began("a"), 400.0, began("b"), send_waits, 5.0, send_ended, finished("a"))
    assert await ended(limits, *both) == (BOUND + 405, "handler_timeout")
    late = (busy, send_waits, began("a"), 300.0, send_ended)
    assert await ended(limits, *late) == (BOUND + 300, "handler_timeout")


async def test_connection_is_not_idle_while_handlers_run_beside_the_loop() -> None:
    """Nor while the loop is at work, when the last of them ends."""
    limits = limits_of(idle_timeout=BOUND)
    connected, handled = Deadlines.connected, Deadlines.handled
    busy = (connected, Deadlines.busy, handled, 400.0)
    assert await ended(limits, *busy) == NEVER
    assert await ended(limits, *busy, busy_no_more) == (BOUND + 400, "idle_timeout")
    assert await ended(limits, *busy, loop_goes_on) == NEVER
    assert await ended(limits, *busy, loop_goes_on, 5.0, handled) == (BOUND + 405, "idle_timeout")
    assert await ended(limits_of(), *busy, busy_no_more) == NEVER


async def test_handlers_beside_the_loop_may_have_all_the_time() -> None:
    """Where no limit counts it, and once limits that `on_connect` assigns say so."""
    steps = (Deadlines.busy, began("a"), 400.0, finished("a"), busy_no_more)
    assert await ended(limits_of(), *steps) == NEVER
    assert await ended(limits_of(handler_timeout=5), limiting(), *steps) == NEVER
