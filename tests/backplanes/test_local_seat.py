"""Workers of one machine know who of them is alive, wake each other, and leave nothing behind."""

import os
import select
import signal
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from wsendpoints import BackplaneError
from wsendpoints.backplanes import local_seat
from wsendpoints.backplanes.local_database import Broken
from wsendpoints.backplanes.local_seat import HELLO, Seat, forget_all, lock, owned, unlock


@pytest.fixture
def directory(short_path: Path) -> Path:
    """Return where nothing is yet."""
    return short_path / "workers"


@pytest.fixture
def sit(directory: Path) -> Iterator[Callable[[], Seat]]:
    """Return what takes seats, which are abandoned in the end."""
    with ExitStack() as stack:

        def take() -> Seat:
            seat = Seat(directory)
            stack.callback(seat.abandon)
            return seat

        yield take


def names(directory: Path) -> set[str]:
    """Return what is in a directory."""
    return {path.name for path in directory.iterdir()}


def files(*seats: Seat) -> set[str]:
    """Return what workers have there."""
    return {f"{seat.worker}{suffix}" for seat in seats for suffix in (".alive", ".wakes")}


def test_last_that_leaves_takes_the_directory_along(
    sit: Callable[[], Seat], directory: Path
) -> None:
    """Until then it is there, private, with what each has."""
    one, two = sit(), sit()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert names(directory) == files(one, two)
    one.open().close()
    one.leave()
    assert names(directory) == files(two) | {"groups.db", "making"}
    two.leave()
    assert not directory.exists()


def test_directory_that_holds_something_else_stays(
    sit: Callable[[], Seat], directory: Path
) -> None:
    """Nothing is removed that is not the workers'."""
    directory.mkdir(0o700)
    (directory / "notes.txt").write_text("mine")
    seat = sit()
    seat.open().close()
    seat.leave()
    assert names(directory) == {"notes.txt"}


def test_first_one_begins_anew(sit: Callable[[], Seat], directory: Path) -> None:
    """What those left that were killed is nobody's."""
    seat = sit()
    with closing(seat.open()) as store, store.writing():
        store.publish("a", b"1", None)
    seat.abandon()
    other = sit()
    assert names(directory) == files(other)
    with closing(other.open()) as store, store.reading():
        assert store.end() == 0


def test_store_is_there_while_anybody_is(sit: Callable[[], Seat]) -> None:
    """Also for those that come later."""
    one, two = sit(), sit()
    with closing(one.open()) as store, store.writing():
        store.publish("a", b"1", None)
    one.abandon()
    with closing(two.open()) as store, store.reading():
        assert store.end() == 1


def test_dead_are_found(sit: Callable[[], Seat], directory: Path) -> None:
    """Those whose lock is free."""
    one, two, three = sit(), sit(), sit()
    assert one.dead() == two.dead() == []
    two.abandon()
    assert one.dead() == three.dead() == [two.worker]
    one.remove(two.worker)
    assert names(directory) == files(one, three)
    assert one.dead() == []
    # Another one may do so meanwhile.
    one.remove(two.worker)


def test_dead_one_that_is_removed_meanwhile(
    sit: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is somebody else's."""
    one, two = sit(), sit()
    two.abandon()
    glob = [*one.directory.glob("*")]
    one.remove(two.worker)

    def stale(*_: object) -> list[Path]:
        return glob

    monkeypatch.setattr(Path, "glob", stale)
    assert one.dead() == []


def test_all_others_are_woken(sit: Callable[[], Seat]) -> None:
    """And not the one that wakes them."""
    one, two, three = sit(), sit(), sit()
    assert not two.woken()
    one.wake()
    assert select.select([one.wakes, two.wakes, three.wakes], [], [], 0)[0] == [
        two.wakes,
        three.wakes,
    ]
    assert not two.woken()
    assert select.select([two.wakes], [], [], 0)[0] == []
    three.wake(HELLO)
    one.wake()
    assert two.woken()
    four = sit()
    one.look_around()
    one.wake()
    assert select.select([four.wakes], [], [], 0)[0] == [four.wakes]


def test_garbage_only_wakes(sit: Callable[[], Seat]) -> None:
    """Whatever is sent, nothing of it is read."""
    seat = sit()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as stranger:
        for garbage in (b"", b"garbage" * 1000, b"\0\xff"):
            stranger.sendto(garbage, str(seat.directory / f"{seat.worker}.wakes"))
        assert not seat.woken()


def test_those_that_can_not_be_woken_are_no_obstacle(sit: Callable[[], Seat]) -> None:
    """One is full, one is dead, one is gone."""
    one, full, dead, gone, well = (sit() for _ in range(5))
    one.look_around()
    one.wake()
    assert not well.woken()
    dead.abandon()
    one.remove(gone.worker)
    for _ in range(2000):
        full.wakes.setblocking(False)
        one.wakes.sendto(b"!", str(one.directory / f"{well.worker}.wakes"))
        one.wake()
        assert not well.woken()
    assert not full.woken()


def test_nobody_is_woken_where_nothing_is(sit: Callable[[], Seat]) -> None:
    """The directory was removed."""
    seat = sit()
    local_seat.clear(seat.directory)
    seat.directory.rmdir()
    seat.wake()
    assert not seat.is_intact()
    with pytest.raises(Broken, match="No such file"):
        seat.open()
    assert seat.dead() == []
    seat.leave()


@pytest.mark.parametrize("suffix", [".alive", ".wakes"])
def test_seat_is_intact_while_all_of_it_is_there(sit: Callable[[], Seat], suffix: str) -> None:
    """Or the others would not find it."""
    seat = sit()
    assert seat.is_intact()
    (seat.directory / f"{seat.worker}{suffix}").unlink()
    assert not seat.is_intact()


def test_alive_file_of_another_life(sit: Callable[[], Seat]) -> None:
    """It is not the one that is locked."""
    seat = sit()
    path = seat.directory / f"{seat.worker}.alive"
    path.unlink()
    path.touch()
    assert not seat.is_intact()


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777], ids=oct)
def test_g15_directory_that_others_can_enter_is_refused(directory: Path, mode: int) -> None:
    """They could read what is said, or say something."""
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(BackplaneError, match=rf"with the mode {mode:o}: it must be ours"):
        Seat(directory)
    assert names(directory) == set()


def test_g15_directory_of_another_user_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be somebody's who waits for us."""
    directory.mkdir(0o700)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(BackplaneError, match=f"belongs to user {os.getuid()}, with the mode 700"):
        Seat(directory)


def test_g15_link_is_refused(directory: Path) -> None:
    """Somebody else may have put it there."""
    (directory.parent / "other").mkdir(0o700)
    directory.symlink_to(directory.parent / "other")
    with pytest.raises(BackplaneError, match="is no directory"):
        Seat(directory)


def test_path_that_can_not_be_used(directory: Path) -> None:
    """The text says why."""
    directory.write_bytes(b"")
    with pytest.raises(BackplaneError, match="workers is no directory"):
        Seat(directory)
    with pytest.raises(BackplaneError, match=r"workers/nowhere can't be used: .*Not a directory"):
        Seat(directory / "nowhere")


@contextmanager
def held(path: Path) -> Generator[int]:
    """Hold a lock, as a worker does that was stopped while it did."""
    fd = os.open(path, os.O_RDONLY | os.O_CREAT * (not path.is_dir()))
    assert lock(fd)
    yield fd
    os.close(fd)


def test_worker_that_is_stopped_as_it_leaves(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it for ever."""
    monkeypatch.setattr(local_seat, "_PATIENCE", 0.02)
    directory.mkdir(0o700)
    with (
        held(directory),
        pytest.raises(BackplaneError, match="held by a worker that does not go on"),
    ):
        Seat(directory)


def test_worker_that_is_stopped_as_it_makes_the_store(
    sit: Callable[[], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it for ever."""
    monkeypatch.setattr(local_seat, "_PATIENCE", 0.02)
    seat = sit()
    with (
        held(seat.directory / "making"),
        pytest.raises(BackplaneError, match="making is held by a worker that does not go on"),
    ):
        seat.open()
    seat.open().close()


def at_pause(monkeypatch: pytest.MonkeyPatch, step: Callable[[], object]) -> list[float]:
    """Do something as soon as somebody pauses, once; return all pauses."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            step()

    monkeypatch.setattr("time.sleep", sleep)
    return pauses


def test_worker_that_comes_as_the_last_one_leaves(
    sit: Callable[[], Seat], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for that, and makes the directory anew."""
    directory.mkdir(0o700)
    before = directory.stat().st_ino
    fd = owned(directory)
    assert lock(fd)

    # The number of one that is still open is not given to another one.
    def go() -> None:
        directory.rmdir()
        unlock(fd)

    pauses = at_pause(monkeypatch, go)
    seat = sit()
    assert pauses
    assert seat.is_intact()
    assert directory.stat().st_ino != before
    os.close(fd)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_directory_that_is_removed_as_a_worker_comes(
    sit: Callable[[], Seat],
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_replaced: bool,
) -> None:
    """It tries again, whether or not it has opened it."""
    calls: list[Path] = []

    def removed(path: Path) -> int:
        calls.append(path)
        if len(calls) > 1:
            return owned(path)
        if not is_replaced:
            path.rmdir()
            return owned(path)
        fd = owned(path)
        path.rmdir()
        path.mkdir(0o700)
        return fd

    monkeypatch.setattr(local_seat, "owned", removed)
    seat = sit()
    assert calls == [directory] * 2
    assert seat.is_intact()


def test_two_that_find_themselves_alone(
    sit: Callable[[], Seat], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lets go for a moment may be swept away by another: it tries again."""
    seats: list[Seat] = []

    def swept(fd: int, *, shared: bool = False) -> bool:
        if shared and not seats:
            unlock(fd)
            monkeypatch.setattr(local_seat, "lock", lock)
            seats.append(sit())
        return lock(fd, shared=shared)

    monkeypatch.setattr(local_seat, "lock", swept)
    seat = sit()
    assert seat.is_intact()
    assert seats[0].is_intact()
    assert names(directory) == files(seat, *seats)
    assert seat.dead() == []


def test_failure_leaves_nothing_open(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what is not an error of the system."""

    def fail(_: Seat) -> float:
        return 1 / 0

    monkeypatch.setattr(Seat, "is_intact", fail)
    before = os.listdir("/dev/fd")
    with pytest.raises(ZeroDivisionError):
        Seat(directory)
    assert os.listdir("/dev/fd") == before


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_g14_child_that_was_forked_does_not_keep_its_parent_alive(
    sit: Callable[[], Seat], directory: Path
) -> None:
    """What it has of the locks it lets go."""
    one, two = sit(), sit()
    child = os.fork()
    if not child:
        signal.pause()
        os._exit(0)
    try:
        # The child does so as the very first thing, which is soon.
        two.abandon()
        one.abandon()
        fd = owned(directory)
        while not lock(fd):
            os.sched_yield()
        os.close(fd)
        assert sorted(sit().dead()) == []
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_g14_child_lets_go_of_all_seats(sit: Callable[[], Seat]) -> None:
    """As the child of the test above does."""
    one, two = sit(), sit()
    forget_all()
    other = sit()
    assert other.dead() == []
    assert names(other.directory) == files(other)
    one.abandon()
    two.abandon()
