"""Who is here, in a browser: Debian's Chromium, with uvicorn as the server."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.examples.browsing import Server, browser, opened, serving

__all__ = ["browser"]


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve the example."""
    with serving("examples.presence:app") as server:
        yield server


@pytest.fixture
def pages(browser: Browser, server: Server) -> Generator[list[Page]]:
    """Open the page three times."""
    with opened(browser, server.url, 3, status="") as pages:
        yield pages


def come_in(page: Page, name: str) -> None:
    """Enter a name."""
    page.get_by_role("textbox", name="Your name").fill(name)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_role("status")).to_have_text(f"You are here as {name}")


def here(page: Page) -> Locator:
    """Return the list."""
    return page.get_by_role("list", name="Who is here").get_by_role("listitem")


def test_user_of_two_windows_is_one(pages: list[Page]) -> None:
    """It is in the list until the last of them is closed."""
    ada, bob, again = pages
    name = "<b>Bob"
    come_in(ada, "Ada")
    come_in(bob, name)
    come_in(again, name)
    for page in pages:
        expect(here(page)).to_have_text(["Ada", name])
    bob.close()
    expect(here(ada)).to_have_text(["Ada", name])
    again.reload()
    expect(here(ada)).to_have_text(["Ada"])
    come_in(again, "Cyd")
    expect(here(ada)).to_have_text(["Ada", "Cyd"])
