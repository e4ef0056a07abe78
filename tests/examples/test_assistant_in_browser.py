"""The assistant on two workers, in Chromium: reloaded, in two tabs, stopped from another."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.examples.browsing import Server, browser, serving
from tests.examples.unending import UNENDING

__all__ = ["browser"]

LAST = "the rest is never made."


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve the example on two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECONDS_PER_TOKEN", "0.05")
        patch.delenv("OPENAI_API_KEY", raising=False)
        patch.delenv("REDIS_URL", raising=False)
        with serving("tests.examples.unending:assistant_app", "--workers", "2") as server:
            yield server


def ask(page: Page, question: str) -> None:
    """Ask a question."""
    page.get_by_role("textbox", name="Your question").fill(question)
    page.get_by_role("button", name="Ask").click()


def test_answer_survives_a_reload_and_is_stopped_from_another_tab(
    browser: Browser, server: Server
) -> None:
    """Whichever workers serve the tabs: they see the same, once."""
    context = browser.new_context()
    one = context.new_page()
    one.goto(server.url)
    expect(one.get_by_role("status")).to_have_text("Connected")
    ask(one, "Why?")
    answer = one.get_by_role("article").first
    expect(answer).to_contain_text("You asked: 'Why?'")
    one.reload()
    expect(answer).to_contain_text(LAST)
    expect(answer).to_contain_text("Done.")
    whole = answer.get_by_role("paragraph").inner_text()
    assert whole.count("You asked") == whole.count(LAST) == 1

    two = context.new_page()
    two.goto(one.url)
    expect(two.get_by_role("article").first.get_by_role("paragraph")).to_have_text(whole)
    ask(one, UNENDING)
    stop = two.get_by_role("article").nth(1).get_by_role("button", name="Stop")
    stop.click()
    for page in (one, two):
        expect(page.get_by_role("article").nth(1)).to_contain_text("Stopped.")
    texts = [
        p.get_by_role("article").nth(1).get_by_role("paragraph").inner_text() for p in (one, two)
    ]
    assert texts[0] == texts[1]
    assert LAST not in texts[0]
    context.close()
