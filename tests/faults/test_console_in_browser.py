"""The console in a browser, against what is hostile: P01 to P04, P06 and P07."""

import re
from typing import Final

from playwright.sync_api import expect

from tests.console.hostile import HARMLESS, MARKUP
from tests.console.tools import PAGE
from tests.console.windows import OpenWindow, Window, browser, open_window, server

__all__ = ["browser", "open_window", "server"]

SKELETON: Final = """
(function skeleton(it) {
    const names = [...it.attributes].map((one) => one.name).sort();
    return `${it.localName}[${names}](${[...it.children].map(skeleton).join('')})`;
})(document.documentElement)
"""


EVIL: Final = (
    "url=http://evil.example/x.json&spec=http://evil.example/x.json&configUrl=//evil.example"
)


def opened(window: Window, path: str) -> Window:
    """Open a page, and all that may be opened there."""
    window.page.goto(f"{window.url}{path}")
    window.page.get_by_text("What it declares").click()
    window.page.locator(".about summary").first.click()
    window.page.get_by_text("Saved messages").click()
    window.button("Save").click()
    expect(window.page.locator("#saved option")).to_have_count(2)
    return window


def test_p01_markup_is_text(open_window: OpenWindow) -> None:
    """The page has the same elements and attributes as with a harmless text, and shows it."""
    pages = [opened(open_window(), f"/{it}/docs").page for it in ("hostile", "harmless")]
    assert pages[0].evaluate(SKELETON) == pages[1].evaluate(SKELETON)
    for page, text in zip(pages, (MARKUP, HARMLESS), strict=True):
        shown = {
            it: page.evaluate(f"document.querySelector({it!r}).textContent")
            for it in ("h1", ".version", "header p", "nav b", "#message option", ".about summary b")
        }
        assert set(shown.values()) == {text}
        assert page.title() == f"{text}: console"


def test_p02_what_comes_is_text_and_is_cut(open_window: OpenWindow) -> None:
    """Markup, escapes and what turns text around are shown; of 10 MiB the beginning is."""
    window = open_window()
    window.connect("Odd")
    expect(window.rows).to_have_count(7)
    before = window.page.locator("img, a, script").count()
    expect(window.rows.nth(1)).to_contain_text("</script></title></textarea><img src=x onerror")
    expect(window.rows.nth(3)).to_contain_text("␛[31mred␛[0m ␀ \\u202egnp.exe")
    expect(window.rows.nth(5)).to_contain_text("00 01 02 03")
    expect(window.rows.nth(6)).to_contain_text("10.5 MB")
    shown = window.details.get_by_role("region", name="Content")
    for number in range(1, 7):
        window.rows.nth(number).click()
        expect(window.details.get_by_role("heading")).to_contain_text(f"#{number + 1}")
        assert len(shown.inner_text()) < 110_000
    expect(window.details).to_contain_text("of which the rest was not kept")
    expect(window.button("Edit")).to_be_disabled()
    window.rows.nth(4).click()
    expect(shown).to_have_text("[ 1, 12345678901234567890123, 1.10 ]")
    assert window.page.locator("img, a, script").count() == before == 1


def test_p03_there_is_no_link(open_window: OpenWindow) -> None:
    """No URL of the application's can be followed, whatever it is one of."""
    window = opened(open_window(), "/hostile/docs")
    assert window.page.evaluate("document.links.length") == 0
    assert "javascript:" not in window.page.evaluate(
        "[...document.querySelectorAll('[href], [src], [action]')]"
        ".map((it) => it.href ?? it.src ?? it.action).join()"
    )


def test_p04_files_name_no_other_origin() -> None:
    """What loads something has a relative URL, or data of its own."""
    loading = re.compile(
        r"""(?:\b(?:src|href|action)\s*=|@import|\burl\(|\bfrom|\bimport\(?|\bfetch\()\s*["'`]?\s*"""
        r"(?:https?:)?//"
    )
    for path in PAGE.iterdir():
        assert not loading.search(path.read_text(encoding="utf-8")), path.name


def test_p04_browser_keeps_the_page_from_other_origins(open_window: OpenWindow) -> None:
    """Even a script on the page could not ask another host, run a text, or put a style in."""
    window = open_window()
    window.open()
    other = window.url.replace("127.0.0.1", "localhost")
    blocked = window.page.evaluate(
        """async (other) => {
            const found = [];
            addEventListener('securitypolicyviolation', (it) => found.push(it.effectiveDirective));
            await fetch(other).catch(() => {});
            try { new WebSocket(other.replace('http', 'ws')); } catch {}
            const script = document.createElement('script');
            script.textContent = 'window.isRun = true';
            const image = new Image();
            image.src = `${other}/x.png`;
            const style = document.createElement('p');
            style.setAttribute('style', 'color: red');
            const frame = document.createElement('iframe');
            frame.src = other;
            document.body.append(script, image, style, frame);
            while (found.length < 6) await new Promise((resolve) => setTimeout(resolve, 10));
            return [found.sort(), window.isRun ?? false];
        }""",
        other,
    )
    directives = ["connect-src", "connect-src", "frame-src", "img-src"]
    assert blocked == [[*directives, "script-src-elem", "style-src-attr"], False]
    complaints, window.complaints[:] = window.complaints[:], []
    assert all("Content Security Policy" in it for it in complaints)
    # They were asked for, and never left the browser.
    window.hosts.discard("localhost")


def shown_at(window: Window, suffix: str) -> tuple[str, set[str]]:
    """Return the skeleton of the page with a suffix of its URL, and what it asked for."""
    asked: set[str] = set()
    window.page.on("request", lambda it: asked.add(re.split("[?#]", it.url)[0]))
    window.page.goto(f"{window.url}/docs{suffix}")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("All of it")
    expect(window.page.locator(".url")).to_have_text(re.compile(r"^ws://[^?#]*/rooms/$"))
    return window.page.evaluate(SKELETON), asked


def test_p06_query_and_hash_are_ignored_by_the_page(open_window: OpenWindow) -> None:
    """It asks for the same things, and shows the same."""
    window = open_window()
    usual = shown_at(window, "")
    for suffix in (f"?{EVIL}#/{EVIL}", f"#<img src=x onerror=alert(1)>&{EVIL}"):
        window.page.goto("about:blank")
        assert shown_at(window, suffix) == usual


def test_p07_page_works_below_a_path(open_window: OpenWindow) -> None:
    """It finds its files, the document and the endpoints where it is itself."""
    window = open_window()
    window.open("Bytes", path="/deep/down/docs")
    expect(window.page.locator(".url")).to_have_text(re.compile(r"^ws://[^/]+/deep/down/bytes$"))
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    window.send("Binary")
    expect(window.row("received")).to_have_count(1)
