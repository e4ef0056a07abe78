"""What a browser sees of a refusal: the table of docs/authentication.md."""

from collections.abc import Generator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from tests.examples.browsing import WITHIN, browser, serving

__all__ = ["browser"]

CONNECT: Final = """
(path) => new Promise((resolve) => {
  const socket = new WebSocket(`ws://${location.host}${path}`);
  let opened = false;
  socket.onopen = () => { opened = true; };
  socket.onclose = ({ code, reason }) => resolve([opened, code, reason]);
})
"""

NOTHING: Final = [False, 1006, ""]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Generator[Page]:
    """Open a page that the endpoints take for one of theirs."""
    with serving("tests.site.refusing:app", "--log-level", "critical") as server:
        context = browser.new_context()
        context.set_default_timeout(WITHIN)
        page = context.new_page()
        page.goto(server.url)
        yield page
        context.close()


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/denied/401", NOTHING),
        ("/denied/403", NOTHING),
        ("/elsewhere", NOTHING),
        ("/nowhere", NOTHING),
        ("/strict?number=none", NOTHING),
        ("/failing", NOTHING),
        ("/closing", [True, 4401, "expired"]),
        ("/failing-later", [True, 1011, ""]),
    ],
)
def test_what_a_page_is_told(page: Page, path: str, seen: list[Any]) -> None:
    """Whether it was open, and the code and the reason of its close."""
    assert page.evaluate(CONNECT, path) == seen
