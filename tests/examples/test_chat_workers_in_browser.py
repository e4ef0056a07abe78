"""The chat on four workers, in a browser: one of them is killed, and nobody misses anything."""

import os
import signal
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.examples.browsing import WITHIN, Server, browser, serving

__all__ = ["browser"]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Server]:
    """Serve the chat on four workers."""
    monkeypatch.setenv("CHAT_WORKERS", str(tmp_path))
    with serving("tests.examples.chat_telling:app", "--workers", "4") as server:
        yield server


class Window:
    """A window whose name is that of its user."""

    def __init__(self, browser: Browser, server: Server, stack: ExitStack, name: str) -> None:
        context = browser.new_context(user_agent=name)
        stack.callback(context.close)
        context.set_default_timeout(WITHIN)
        self.name = name
        self.page: Page = context.new_page()
        self.page.goto(f"{server.url}/?room=workers")
        self.page.get_by_role("textbox", name="Your name").fill(name)
        self.page.get_by_role("button", name="Join").click()
        expect(self.status).to_have_text("Connected")

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def said(self) -> Locator:
        return self.log.get_by_role("article")

    def say(self, text: str) -> None:
        message = self.page.get_by_role("textbox", name="Message")
        message.fill(text)
        message.press("Enter")


def test_g14_worker_is_killed_under_a_window(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    """Those on others go on; the one that lost its worker comes back, and has missed nothing."""
    with ExitStack() as stack:
        ada = Window(browser, server, stack, "Ada")
        worker_of = {"Ada": int((tmp_path / "Ada").read_text())}
        others: list[Window] = []
        # The system gives each connection to any of the workers.
        while len({*worker_of.values()}) == 1:
            name = f"Bob{len(others)}"
            others.append(Window(browser, server, stack, name))
            worker_of[name] = int((tmp_path / name).read_text())
        bob = others[-1]
        ada.say("before")
        expect(bob.said).to_contain_text(["before"])
        os.kill(worker_of["Ada"], signal.SIGKILL)
        expect(bob.log).to_contain_text("Ada left.")
        for text in ("one", "two"):
            bob.say(text)
            expect(bob.log).to_contain_text(text)
        expect(ada.status).to_have_text("Connected")
        expect(ada.said).to_contain_text(["before", "one", "two"])
        ada.say("after")
        for window in (ada, bob):
            expect(window.said).to_contain_text(["before", "one", "two", "after"])
            expect(window.said).to_have_count(4)
        assert int((tmp_path / "Ada").read_text()) != worker_of["Ada"]
