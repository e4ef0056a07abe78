"""Makes the screenshot of the README: `python -m tests.console.screenshot`.

It shows the console of `examples/chat.py`, after a message that is valid and one that is not.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from playwright.sync_api import expect, sync_playwright

from tests.console.windows import Window
from tests.examples.browsing import ARGUMENTS, serving

__all__ = ["main"]

TARGET: Final = Path(__file__).parents[2] / "docs" / "images" / "console.png"


def main() -> None:
    """Write the file."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with serving("examples.chat:app") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        window = Window(context, server.url)
        window.open()
        window.field("room").fill("lobby")
        window.button("Connect").click()
        expect(window.status).to_have_text("Connected")
        window.send("Join")
        expect(window.row("receivedWelcome")).to_be_visible()
        window.send("Say")
        expect(window.row("receivedSaid")).to_be_visible()
        window.send("Say", '{\n  "type": "say",\n  "text": 5\n}')
        window.row("receivedError").click()
        window.page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main()
