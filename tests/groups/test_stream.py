"""How a message relates to the one before it: all that is lost is told, and nothing comes twice."""

import random
from collections.abc import Callable

import pytest

from wsendpoints.groups import Group, History
from wsendpoints.groups.stream import Missing, Stream

LIFE = 100_000


class Kept(Group[str]):
    """Has a history."""

    name = "kept"
    history = History(messages=7)


def fenced_at(head: int) -> Stream:
    """Return a stream that knows where it is."""
    stream = Stream("a", "a")
    assert stream.fenced(head) == 0
    return stream


def test_history_is_that_of_the_group() -> None:
    """A group that is a string has none."""
    assert Stream("kept", Kept()).history == History(messages=7)
    assert Stream("a", "a").history is None


@pytest.mark.parametrize(
    ("number", "missing"),
    [
        (101, 0),
        (102, 1),
        (100 + LIFE, LIFE - 1),
        (101 + LIFE, None),
        (3 * LIFE, None),
        (100, -1),
        (1, -1),
    ],
    ids=["follows", "one missing", "most missing", "new life", "newer life", "last", "first"],
)
def test_message_after_number_100(number: int, missing: Missing) -> None:
    """It follows, is known, has some missing before it, or is of another life."""
    assert fenced_at(100).before(number) == missing


@pytest.mark.parametrize("number", [1, 100, 101, 5 * LIFE])
def test_message_before_the_first_fence(number: int) -> None:
    """Nobody knows what came before it."""
    stream = Stream("a", "a")
    assert stream.before(number) == 0
    stream.reach(number)
    assert stream.fenced(number - 1) == 0
    assert stream.last == number


@pytest.mark.parametrize(
    ("number", "missing"),
    [(101, 0), (102, 1), (100, None), (99, None), (101 + LIFE, None)],
    ids=["follows", "one missing", "last", "one before it", "new life"],
)
def test_message_while_it_is_down(number: int, missing: Missing) -> None:
    """What comes then was published since: a number that was there has been rolled back."""
    stream = fenced_at(100)
    stream.went_down(stream.last)
    assert stream.before(number) == missing


def test_message_that_came_since_it_went_down() -> None:
    """It is known, and nothing is rolled back."""
    stream = fenced_at(100)
    stream.went_down(stream.last)
    stream.reach(101)
    stream.went_down(stream.last)
    assert stream.before(101) == -1
    assert stream.before(100) is None


@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize(
    ("head", "missing"),
    [(100, 0), (101, 1), (99 + LIFE, LIFE - 1), (100 + LIFE, None)],
    ids=["nothing missing", "one missing", "most missing", "new life"],
)
def test_fence_after_number_100(head: int, missing: Missing, *, is_down: bool) -> None:
    """It tells what was lost, if nothing is said after it."""
    stream = fenced_at(100)
    if is_down:
        stream.went_down(stream.last)
    assert stream.fenced(head) == missing


def test_fence_below_the_last_number() -> None:
    """It was overtaken; but after the backplane was down, it has been rolled back."""
    stream = fenced_at(100)
    assert stream.fenced(99) == 0
    stream.went_down(stream.last)
    assert stream.fenced(99) is None
    stream.begin_anew()
    stream.reach(99)
    assert stream.fenced(99) == 0
    assert stream.before(100) == 0


def test_roll_back_is_told_once() -> None:
    """By the first message since, and not by the fence again."""
    stream = fenced_at(100)
    stream.went_down(stream.last)
    assert stream.before(91) is None
    stream.begin_anew()
    stream.reach(90)
    assert stream.before(91) == 0
    stream.reach(91)
    assert stream.before(91) == -1
    assert stream.fenced(92) == 1


def test_own_messages_that_do_not_come_are_not_missing() -> None:
    """The members have them; those that have come do not count any more."""
    stream = fenced_at(100)
    for number in (101, 103, 100, 120):
        stream.had(number)
    assert stream.before(104) == 1
    assert stream.missing(103) == 1
    assert stream.fenced(104) == 2
    stream.reach(103)
    assert stream.missing(119) == 16
    assert stream.missing(120) == 16
    stream.begin_anew()
    assert stream.missing(120) == 17


class Play:
    """Plays a log to a stream, and does with what it says what `Incoming` does.

    Attributes:
        head: The number of the last message that was published.
        marks: What tells each message from all others, by its number.
        came: The marks of what was handed on.
        since: How many were handed on, since the numbers began.
        lost: How many were told to be lost, since the numbers began.
        unknown: How often nobody could know.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.stream = Stream("a", "a")
        self.head = self.base = 50 * LIFE
        self.marks: dict[int, int] = {}
        self.mark = 0
        self.came: list[int] = []
        self.since = 0
        self.lost = 0
        self.unknown = 0
        self.fence()

    def lose(self, number: int, missing: Missing) -> None:
        """Tell that some are lost."""
        if missing is None:
            self.unknown += 1
            self.base, self.lost, self.since = number, 0, 0
            self.stream.begin_anew()
        else:
            assert missing > 0
            assert missing == number - self.stream.last
            self.lost += missing
        self.stream.reach(number)

    def take(self, number: int) -> None:
        """Take a message."""
        missing = self.stream.before(number)
        if missing is None or missing > 0:
            self.lose(number - 1, missing)
            missing = self.stream.before(number)
            assert missing == 0
        if missing == 0:
            self.came.append(self.marks[number])
            self.since += 1
            self.stream.reach(number)

    def fence(self) -> None:
        """Take note of where the log is."""
        missing = self.stream.fenced(self.head)
        if missing != 0:
            self.lose(self.head, missing)
        self.stream.came_up()
        assert self.stream.last == self.head
        assert self.since + self.lost == self.head - self.base

    def publish(self, *, comes: bool) -> None:
        """Publish a message, which comes, or is lost."""
        self.head += 1
        self.mark += 1
        self.marks[self.head] = self.mark
        if comes:
            self.take(self.head)

    def some(self, most: int) -> None:
        """Publish some, of which some come."""
        for _ in range(self.random.randrange(most)):
            self.publish(comes=self.random.random() < 0.7)

    def go_down(self) -> None:
        """Have nothing come for a while, and then some, before the fence."""
        for _ in range(self.random.randrange(1, 3)):
            self.stream.went_down(self.stream.last)
            assert not self.stream.is_up
            for _ in range(self.random.randrange(4)):
                self.publish(comes=False)
            self.some(4)

    def come_again(self) -> None:
        """Have one come that came before."""
        before = len(self.came)
        if self.head > self.base:
            self.take(self.random.randrange(self.base, self.stream.last) + 1)
        assert len(self.came) == before

    def begin_anew(self) -> None:
        """Have the numbers begin above all there were."""
        self.stream.went_down(self.stream.last)
        self.head += self.random.randrange(2, 5) * LIFE
        self.some(4)

    def roll_back(self) -> None:
        """Have the log forget the last ones, and fewer be said since."""
        self.stream.went_down(self.stream.last)
        self.head -= self.random.randrange(5, 9)
        self.some(5)


@pytest.mark.parametrize("seed", range(200))
def test_what_is_lost_is_told_and_nothing_comes_twice(seed: int) -> None:
    """Whatever is lost, however often it goes down, and whenever the numbers begin anew."""
    play = Play(seed)
    begun = 0
    for _ in range(60):
        play.some(9)
        match play.random.randrange(8):
            case 0 | 1:
                play.go_down()
            case 2:
                play.fence()
                play.come_again()
                continue
            case 3:
                play.fence()
                play.begin_anew()
                begun += 1
            case 4:
                play.fence()
                play.roll_back()
                begun += 1
            case _:
                pass
        play.fence()
        assert play.unknown == begun
    assert play.came == sorted(set(play.came))


def test_waits_for_a_message() -> None:
    """Until it, or one after it, was handed on; or until it is forgotten."""
    stream = fenced_at(100)
    called: list[str] = []

    def when(number: int, name: str) -> Callable[[], None]:
        return stream.when(number, lambda: called.append(name))

    when(100, "there")()
    assert called == ["there"]
    when(101, "next")
    when(103, "later")
    forget = when(101, "forgotten")
    forget()
    forget()
    stream.reach(101)
    assert called == ["there", "next"]
    stream.reach(104)
    assert called == ["there", "next", "later"]
    stream.reach(105)
    assert called == ["there", "next", "later"]


def test_waits_for_the_message_that_is_being_handed_on() -> None:
    """The members have not all got what is before it, as long as that is so."""
    stream = fenced_at(100)
    called: list[int] = []
    stream.current = 101
    stream.when(100, lambda: called.append(100))
    assert called == []
    stream.reach(101)
    assert called == [100]


def test_waits_until_it_is_up() -> None:
    """Each time anew; or until it is forgotten."""
    stream = Stream("a", "a")
    called: list[int] = []
    stream.when_up(lambda: called.append(1))
    forget = stream.when_up(lambda: called.append(2))
    forget()
    forget()
    assert called == []
    stream.came_up()
    stream.when_up(lambda: called.append(3))()
    assert called == [1, 3]
    stream.went_down(stream.last)
    forget = stream.when_up(lambda: called.append(4))
    stream.came_up()
    stream.came_up()
    forget()
    assert called == [1, 3, 4]
