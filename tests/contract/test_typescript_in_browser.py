"""A client in TypeScript in Debian's Chromium, with a server that is killed, and drained."""

from typing import Final

from playwright.sync_api import Browser

from examples.chat import Chat
from tests.contract.clients import as_javascript
from tests.examples.browsing import WITHIN, browser, serving
from wsendpoints.contract.typescript import typescript

__all__ = ["browser"]

SETUP: Final = """
async (source) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { ChatClient } = await import(url);
    window.texts = [];
    window.client = new ChatClient({
        params: { room: "browser" },
        hello: ({ Talk }) => [{ type: "join", name: "Ada", after: Talk ?? null }],
    });
    window.codes = [];
    client.onState((state) => { if (state === "waiting") codes.push(client.lastClose.code); });
    client.on("said", ({ text }) => texts.push(text));
    client.send({ type: "say", text: "first" });
}
"""


def test_page_that_loses_its_server(browser: Browser) -> None:
    """It connects to its own origin, comes back by itself, and sends what was said meanwhile."""
    source = as_javascript(typescript({"/rooms/{room}": Chat}))
    with serving("examples.chat:app") as server:
        page = browser.new_page()
        page.set_default_timeout(WITHIN)
        page.goto(server.url)
        page.evaluate(SETUP, source)
        page.wait_for_function("texts.includes('first')")

        server.kill()
        page.wait_for_function("codes.includes(1006)")
        page.evaluate("client.send({ type: 'say', text: 'killed' })")
        server.start()
        page.wait_for_function("texts.includes('killed')")

        server.stop()
        page.wait_for_function("codes.includes(1012)")
        page.evaluate("client.send({ type: 'say', text: 'drained' })")
        server.start()
        page.wait_for_function("texts.includes('drained')")

        assert page.evaluate("texts") == ["first", "killed", "drained"]
        assert page.evaluate("client.close(3000, 'enough'); client.lastClose") == {
            "code": 3000,
            "reason": "enough",
        }
        page.close()
