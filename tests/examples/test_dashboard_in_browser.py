"""The dashboard in a browser: Debian's Chromium, with uvicorn as the server."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.examples.browsing import Server, browser, opened, serving

__all__ = ["browser"]


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve the example."""
    with serving("examples.dashboard:app") as server:
        yield server


@pytest.fixture
def pages(browser: Browser, server: Server) -> Generator[list[Page]]:
    """Open the page twice."""
    with opened(browser, server.url, 2) as pages:
        yield pages


PRICE = """symbol => parseFloat(
    [...document.querySelectorAll("tbody tr")]
        .find(row => row.cells[0].innerText === symbol)?.cells[1].innerText
)"""


def test_price_that_is_set_shows_on_all_pages(pages: list[Page]) -> None:
    """From then on it changes by 2 % at the most, so that it is known again."""
    one, _ = pages
    one.get_by_role("combobox", name="Symbol").select_option("GLOBEX")
    one.get_by_role("spinbutton", name="New price").fill("900000")
    one.get_by_role("button", name="Set").click()
    expect(one.get_by_role("status")).to_have_text("2 dashboards were told")
    for page in pages:
        page.wait_for_function(f"symbol => ({PRICE})(symbol) > 500000", arg="GLOBEX")


def test_prices_change_by_themselves(pages: list[Page]) -> None:
    """A task of the server's changes them."""
    page = pages[0]
    before = page.locator("tbody").inner_text()
    page.wait_for_function(
        "before => document.querySelector('tbody').innerText !== before", arg=before
    )
