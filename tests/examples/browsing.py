"""A browser, and a server for it: Debian's Chromium, and uvicorn."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.ports import HOST, reserve_port

__all__ = ["WITHIN", "ObservedWindow", "Server", "browser", "opened", "serving"]

WITHIN: Final = 60_000
"""Milliseconds in which everything happens that is waited for, however busy the machine is."""

ROOT: Final = Path(__file__).parents[2]

ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Start the browser; its windows share nothing."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.fail(
            "this test needs Chromium: run `apt-get install chromium`, or set the variable "
            "CHROMIUM to the path of its executable"
        )
    expect.set_options(timeout=WITHIN)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


class ObservedWindow:
    """One window, with its own cookies and storage; it records what goes wrong in it.

    Args:
        context: The window's alone.
        url: Of the server.

    Attributes:
        page: What is in it.
        url: Of the server.
        complaints: What was logged, raised, or asked in a dialog.
        hosts: What was sent requests, or connected to.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.complaints: list[str] = []
        self.hosts: set[str | None] = set()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda it: self.hosts.add(urlsplit(it.url).hostname))
        self.page.on("websocket", lambda it: self.hosts.add(urlsplit(it.url).hostname))


class Server:
    """uvicorn, in a process of its own, on a port that stays the same.

    Args:
        app: The module of the application, and its name there.
        options: More options of its command line.
    """

    def __init__(self, app: str, *options: str) -> None:
        self._app = app
        self._options = options
        # Also while it is stopped, to be started again.
        self._reserved = reserve_port()
        self.port: int = self._reserved.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--host", HOST, "--port", str(self.port), "--log-level", "warning"]
        self._process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
            [sys.executable, "-m", "uvicorn", self._app, *options, *self._options], cwd=ROOT
        )
        deadline = time.monotonic() + WITHIN / 1000
        while True:
            assert self._process.poll() is None, "uvicorn ended: its output tells why"
            assert time.monotonic() < deadline, "uvicorn takes no connection"
            try:
                socket.create_connection((HOST, self.port), 1).close()
            except OSError:
                time.sleep(0.02)  # until the process listens: nothing tells it to wait for
            else:
                return

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(WITHIN / 1000)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it at once, so that nothing is closed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it, and give up its port."""
        try:
            self.stop()
        finally:
            self._reserved.close()


@contextmanager
def serving(app: str, *options: str) -> Generator[Server]:
    """Serve an example."""
    server = Server(app, *options)
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def opened(
    browser: Browser, url: str, number: int, status: str = "Connected"
) -> Generator[list[Page]]:
    """Open a page so often, and check in the end that nothing was logged in it."""
    context = browser.new_context()
    context.set_default_timeout(WITHIN)
    complaints: list[str] = []
    pages = [context.new_page() for _ in range(number)]
    for page in pages:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        expect(page.get_by_role("status")).to_have_text(status)
    yield pages
    context.close()
    assert complaints == []
