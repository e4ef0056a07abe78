"""Workers of one server meet in one directory, and no others."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsendpoints.backplanes import local_place
from wsendpoints.backplanes.local_place import place, remove_stale, server
from wsendpoints.backplanes.local_seat import Seat

NO_PROCESS = 2**22 + 1
"""More than any process id of Linux."""

FORKED = """
import os, sys
from wsendpoints.backplanes.local_place import server
if "--daemon" in sys.argv and os.fork():
    os._exit(0)
for _ in range(2):
    if not os.fork():
        print("forked", server() == os.getppid(), flush=True)
        os._exit(0)
    os.wait()
print("itself", server() == os.getpid())
"""

SPAWNED = """
import multiprocessing, os, sys
from wsendpoints.backplanes.local_place import server

def work(parent):
    print("spawned", server() == parent, flush=True)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    for _ in range(2):
        process = context.Process(target=work, args=(os.getpid(),))
        process.start()
        process.join()
    print("itself", server() == os.getpid())
"""

ORPHAN = """
import os, sys
from wsendpoints.backplanes.local_place import server
read, write = os.pipe()
parent = os.getpid()
if os.fork():
    os._exit(0)
os.close(write)
while os.getppid() == parent:
    os.sched_yield()
print("itself", server() == os.getpid())
"""


def run(tmp_path: Path, script: str, *arguments: str) -> list[str]:
    """Run a script, and return what it prints."""
    path = tmp_path / "script.py"
    path.write_text(script)
    command: Sequence[str] = [sys.executable, "-W", "ignore", str(path), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    # The commands are those above.
    return subprocess.check_output(command, env=environment, text=True).splitlines()  # noqa: S603


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who was forked")


@linux
def test_forked_workers_are_those_of_their_parent(tmp_path: Path) -> None:
    """As those of gunicorn are."""
    assert run(tmp_path, FORKED) == ["forked True"] * 2 + ["itself True"]


@linux
def test_forked_workers_of_a_daemon_are_those_of_their_parent(tmp_path: Path) -> None:
    """Which is forked itself, and whose own parent is no server."""
    assert run(tmp_path, FORKED, "--daemon") == ["forked True"] * 2 + ["itself True"]


@pytest.mark.parametrize("how", multiprocessing.get_all_start_methods())
def test_workers_of_multiprocessing_are_those_of_their_parent(tmp_path: Path, how: str) -> None:
    """As those of uvicorn, granian and hypercorn are."""
    assert run(tmp_path, SPAWNED, how) == ["spawned True"] * 2 + ["itself True"]


def test_orphan_is_a_server_of_its_own(tmp_path: Path) -> None:
    """Whoever its parent is now."""
    assert run(tmp_path, ORPHAN) == ["itself True"]


def test_program_that_was_started_by_a_command_is_a_server_of_its_own() -> None:
    """Also if its parent runs the same program: this one is run by pytest, or by its workers."""
    code = "import os; from wsendpoints.backplanes.local_place import server as s; print(s())"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert int(process.communicate()[0]) == process.pid


def stat_of(flags: int, started: int = 7) -> str:
    """Return a process's state, as Linux tells it."""
    return f"1 (a ) b) S 2 3 4 5 6 {flags} " + "0 " * 12 + f"{started} 0 0"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what says how a process looks, in a `/proc` where else is none."""
    monkeypatch.setattr(local_place, "_PROC", tmp_path)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)

    def tell(
        pid: int, *, flags: int = 0x40, command: bytes | None = None, program: str | None = None
    ) -> None:
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(stat_of(flags))
        if command is not None:
            (folder / "cmdline").write_bytes(command)
        if program is not None:
            (folder / "exe").symlink_to(program)

    return tell


@pytest.mark.parametrize(
    ("mine", "theirs", "is_theirs"),
    [
        ((b"gunicorn app", "python"), (b"gunicorn app", None), True),
        ((b"gunicorn: worker", "python"), (b"gunicorn: master", "python"), True),
        ((b"gunicorn app", "python"), (b"init", "systemd"), False),
        ((b"gunicorn app", "python"), (None, None), False),
        ((None, None), (None, None), False),
    ],
    ids=["of another user", "shown otherwise", "other program", "unknown", "both unknown"],
)
def test_fork_is_known_by_what_it_runs(
    proc: Callable[..., None],
    mine: tuple[bytes | None, str | None],
    theirs: tuple[bytes | None, str | None],
    *,
    is_theirs: bool,
) -> None:
    """By its command line, or its program."""
    proc(os.getpid(), command=mine[0], program=mine[1])
    proc(os.getppid(), command=theirs[0], program=theirs[1])
    assert server() == (os.getppid() if is_theirs else os.getpid())


def test_child_of_multiprocessing_is_known_by_its_parent(
    proc: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forked it, as a server of forks does."""
    proc(os.getpid(), command=b"python")
    proc(os.getppid(), command=b"python")
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(pid=5))
    assert server() == 5
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(pid=None))
    assert server() == os.getppid()


def test_process_that_was_started_by_a_command_is_no_fork(proc: Callable[..., None]) -> None:
    """Though its parent runs the same."""
    proc(os.getpid(), flags=0x400000, command=b"python")
    proc(os.getppid(), command=b"python")
    assert server() == os.getpid()


def test_system_without_proc(proc: Callable[..., None], short_path: Path) -> None:
    """Nobody knows who was forked, nor when a process was started."""
    assert server() == os.getpid()
    assert place().name == f"wsendpoints-{os.geteuid()}-{os.getpid()}-0"


@pytest.fixture
def runtime(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory that is `XDG_RUNTIME_DIR`."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_path))
    return short_path


def test_place_is_in_the_runtime_directory(proc: Callable[..., None], runtime: Path) -> None:
    """Named by the user, the server, and when that was started."""
    proc(os.getpid())
    assert place() == runtime / f"wsendpoints-{os.geteuid()}-{os.getpid()}-7"


@pytest.mark.parametrize("mode", [None, 0o755], ids=["missing", "not private"])
def test_place_is_where_temporary_files_are(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None
) -> None:
    """If there is no runtime directory, or others can enter it."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/somewhere")
    if mode is None:
        runtime.rmdir()
    else:
        runtime.chmod(mode)
    assert place().parent == Path("/somewhere")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert place().parent == Path("/somewhere")


def test_stale_directories_are_removed(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this user's servers that are gone, if no worker is left in them."""
    me, mine = os.geteuid(), place().name.rpartition("-")[2]
    stale = [
        f"wsendpoints-{me}-{NO_PROCESS}-1",
        # Another process has its id now.
        f"wsendpoints-{me}-{os.getpid()}-{int(mine) + 1}",
    ]
    live = [
        f"wsendpoints-{me}-{os.getpid()}-{mine}",
        f"wsendpoints-{me + 1}-{NO_PROCESS}-1",
        f"wsendpoints-{me}-{NO_PROCESS}-x",
        f"wsendpoints-{me}-{NO_PROCESS}-2",
        f"wsendpoints-{me}-{NO_PROCESS}-3",
        f"wsendpoints-{me}-{10**30}-1",
        "wsendpoints-notes",
        "other",
    ]
    for name in stale + live:
        (runtime / name).mkdir(0o700)
        (runtime / name / "groups.db").touch()
    (runtime / live[3]).chmod(0o755)
    survivor = Seat(runtime / live[4])
    (runtime / live[4] / "groups.db").touch()
    another = runtime / f"wsendpoints-{me}-{NO_PROCESS}-4"
    another.write_bytes(b"")
    remove_stale()
    survivor.abandon()
    assert {path.name for path in runtime.iterdir()} == {*live, another.name}
    assert (runtime / live[4] / "groups.db").exists()


def test_server_of_another_user_is_alive(
    proc: Callable[..., None], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers have this one's rights, as those of a gunicorn that root has started."""

    def kill(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", kill)
    proc(5)
    for started in (7, 8):
        (runtime / f"wsendpoints-{os.geteuid()}-5-{started}").mkdir(0o700)
    remove_stale()
    assert [path.name for path in runtime.iterdir()] == [f"wsendpoints-{os.geteuid()}-5-7"]
