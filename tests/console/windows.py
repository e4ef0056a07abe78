"""The console in a browser, with what goes wrong there."""

from collections.abc import Callable, Generator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.console.tools import TOOLS
from tests.examples.browsing import WITHIN, ObservedWindow, Server, browser, serving

__all__ = ["OpenWindow", "Window", "browser", "open_window", "server"]

PHONE: Final = {"width": 360, "height": 740}

# What a browser logs itself where a handshake is refused: no page can keep it from that.
REFUSED: Final = "Error during WebSocket handshake"


class Window(ObservedWindow):
    """A window on the console."""

    def open(self, endpoint: str = "", path: str = "/docs") -> None:
        """Open the page, and choose an endpoint by its title."""
        self.page.goto(f"{self.url}{path}")
        if endpoint:
            self.choose(endpoint)

    def choose(self, endpoint: str) -> None:
        self.page.get_by_role("navigation").get_by_role("button", name=endpoint).click()
        expect(self.page.get_by_role("heading", level=2)).to_contain_text(endpoint)

    def connect(self, endpoint: str) -> None:
        self.open(endpoint)
        self.button("Connect").click()
        expect(self.status).to_have_text("Connected")

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status").first

    @property
    def rows(self) -> Locator:
        return self.page.get_by_role("listbox", name="Frames").get_by_role("option")

    @property
    def details(self) -> Locator:
        return self.page.get_by_role("region", name="Frame #")

    @property
    def content(self) -> Locator:
        return self.page.get_by_role("textbox", name="Content")

    @property
    def validity(self) -> Locator:
        return self.page.locator("#validity")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        return self.page.get_by_label(name, exact=True)

    def row(self, text: str) -> Locator:
        return self.rows.filter(has_text=text)

    def send(self, message: str, content: str | None = None) -> None:
        self.field("Message").select_option(label=message)
        if content is not None:
            self.content.fill(content)
        self.page.get_by_role("form", name="Write").locator("[type=submit]").click()

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong with the page as it is."""
        TOOLS.install()
        script = TOOLS.folder / "node_modules" / "axe-core" / "axe.min.js"
        self.page.evaluate(script.read_text(encoding="utf-8") + "; 0")
        found: Any = self.page.evaluate(
            "axe.run().then(({violations}) => violations.flatMap("
            "({id, nodes}) => nodes.map((it) => `${id}: ${it.html} ${it.failureSummary}`)))"
        )
        return list(found)

    def check_quiet(self) -> None:
        """Check that it logged nothing, and asked no other host for anything."""
        complaints = [it for it in self.complaints if REFUSED not in it]
        assert complaints == [], complaints
        assert self.hosts - {None} <= {"127.0.0.1"}, "a request to another machine"


OpenWindow = Callable[..., Window]


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve the application of the tests."""
    with serving("tests.console.app:app") as server:
        yield server


@pytest.fixture
def open_window(browser: Browser, server: Server) -> Generator[OpenWindow]:
    """Return a function that opens a window; all are closed, and checked, after the test."""
    windows: list[Window] = []
    contexts: list[BrowserContext] = []

    def open_window(url: str = "", **options: Any) -> Window:
        context = browser.new_context(**options)
        context.set_default_timeout(WITHIN)
        contexts.append(context)
        windows.append(Window(context, url or server.url))
        return windows[-1]

    yield open_window
    for context in contexts:
        context.close()
    for window in windows:
        window.check_quiet()
