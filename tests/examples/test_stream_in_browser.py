"""Answers that are stopped in a browser: Debian's Chromium, with uvicorn as the server."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.examples.browsing import Server, browser, opened, serving
from tests.examples.unending import UNENDING

__all__ = ["browser"]


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve the example."""
    with serving("tests.examples.unending:stream_app") as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Generator[Page]:
    """Open the page."""
    with opened(browser, server.url, 1) as (page,):
        yield page


def ask(page: Page, question: str) -> None:
    """Ask a question."""
    page.get_by_role("textbox", name="Your question").fill(question)
    page.get_by_role("button", name="Ask").click()


def test_stop_button_stops_one_answer_and_the_others_go_on(page: Page) -> None:
    """It comes token by token until the button is clicked; another is answered to its end."""
    ask(page, UNENDING)
    ask(page, "What else?")
    newer, older = page.get_by_role("article").nth(0), page.get_by_role("article").nth(1)
    expect(older).to_contain_text(f"You asked: '{UNENDING}' I am")
    older.get_by_role("button", name="Stop").click()
    expect(older.get_by_text("Stopped.", exact=True)).to_be_visible()
    stopped_at = older.get_by_role("paragraph").inner_text()
    assert "nobody reads" not in stopped_at

    expect(newer).to_contain_text("nobody pays for words that nobody reads.")
    expect(newer).to_contain_text("tokens")
    # All tokens of the other came after the stop, and in this one there is none more.
    assert older.get_by_role("paragraph").inner_text() == stopped_at


def test_text_of_a_question_is_no_markup(page: Page) -> None:
    """What a user writes is shown as it is."""
    ask(page, "<img src=x onerror=alert(1)>")
    heading = page.get_by_role("article").get_by_role("heading")
    expect(heading).to_have_text("<img src=x onerror=alert(1)>")
