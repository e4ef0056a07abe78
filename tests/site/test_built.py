"""The site is built by one command, and what is wrong with a page ends the build."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, expect

from tests.examples.browsing import ObservedWindow, browser
from tests.ports import HOST

__all__ = ["browser"]

ROOT: Final = Path(__file__).parents[2]
ZENSICAL: Final = Path(sys.executable).with_name("zensical")

# It would be requested with the page: a link is not, until somebody follows it.
LOADED: Final = re.compile(
    r'<(?:script|img|iframe|source|object|link(?! rel="(?:canonical|next|prev)"))\b[^>]*?'
    r'\b(?:src|href|data)="([^"]+)"'
)


def build(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Build what is in a folder."""
    return subprocess.run(  # noqa: S603 - it is ours
        [ZENSICAL, "build", "--clean", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def is_elsewhere(link: str) -> bool:
    """Whether a link leads to no file of the site."""
    parts = urlsplit(link)
    return bool(parts.scheme or parts.netloc)


def copy(tmp_path: Path, *names: str) -> None:
    """Put files, and folders, of the repository into a folder."""
    for name in names:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)


def small_site(tmp_path: Path, *pages: str) -> Path:
    """Make a site of a few pages; return the first, which is there besides."""
    copy(tmp_path, "zensical.toml", "wsendpoints", "tests/site/documented.py")
    copy(tmp_path, *(f"docs/{page}" for page in pages))
    config = tmp_path / "zensical.toml"
    nav = f"nav = {['index.md', *pages]}\n"
    text = config.read_text("utf-8")
    config.write_text(re.sub(r"^nav = \[\n.*?^\]\n", nav, text, flags=re.M | re.S), "utf-8")
    index = tmp_path / "docs" / "index.md"
    index.parent.mkdir(exist_ok=True)
    index.write_text("# One page\n", "utf-8")
    return index


@contextmanager
def served(site: Path) -> Generator[str]:
    """Serve the site; yield its URL."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def hosts_asked(browser: Browser, url: str) -> set[str | None]:
    """Return whom a reader's browser asks for something, on a page with code, and in a search."""
    window = ObservedWindow(browser.new_context(), url)
    window.page.goto(f"{url}/reference/endpoint/")
    window.page.keyboard.press("/")
    window.page.keyboard.type("disconnect")
    results = window.page.get_by_role("link").filter(has_text="WebSocketDisconnect")
    expect(results.first).to_be_visible()
    assert window.complaints == []
    window.page.context.close()
    return window.hosts


def test_the_site_asks_no_other_host_and_each_link_leads_somewhere(
    tmp_path: Path, browser: Browser
) -> None:
    """All pages are built, and what they load, and lead to, is beside them."""
    copy(tmp_path, "zensical.toml", "wsendpoints", "tests/site/documented.py")
    copy(tmp_path, "docs", "examples", "CHANGELOG.md")
    done = build(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "build" / "site"
    pages = {page: page.read_text("utf-8") for page in site.rglob("*.html")}
    assert len(pages) >= len([*(ROOT / "docs").rglob("*.md")])
    loaded = {it for text in pages.values() for it in LOADED.findall(text)}
    assert [it for it in loaded if is_elsewhere(it)] == []
    styles = "".join(it.read_text("utf-8") for it in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?(?:https?:)?//|@import", styles) == []
    with served(site) as url:
        assert hosts_asked(browser, url) == {HOST}
    # The page for what is not there has its links from the root, wherever that is.
    pages.pop(site / "404.html")
    for page, text in pages.items():
        links: list[str] = re.findall(r'\b(?:href|src)="([^"]*)"', text)
        broken = [
            link
            for link in links
            if not is_elsewhere(link)
            and not (page.parent / unquote(urlsplit(link).path)).resolve().exists()
        ]
        assert broken == [], page


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    """To a page, to a part of one, or to a name."""
    index = small_site(tmp_path)
    assert build(tmp_path).returncode == 0
    with index.open("a", encoding="utf-8") as file:
        file.write("[page](nowhere.md) [part](#nowhere) [wsendpoints.Nowhere][]\n")
    done = build(tmp_path)
    assert done.returncode != 0
    assert "3 issues found" in done.stdout + done.stderr


def test_a_name_without_documentation_ends_the_build(tmp_path: Path) -> None:
    """The build says which it is."""
    small_site(tmp_path, "reference/errors.md")
    module = tmp_path / "wsendpoints" / "groups" / "gap.py"
    text = module.read_text("utf-8")
    module.write_text(re.sub(r'(class Gap:\n)    """.*?"""\n', r"\1", text, flags=re.S), "utf-8")
    done = build(tmp_path)
    assert done.returncode != 0
    told = re.search("there is no docstring for (.*)", done.stdout + done.stderr)
    assert told
    assert told[1].split(", ") == [
        "wsendpoints.groups.Gap",
        "wsendpoints.groups.gap.Gap.group",
        "wsendpoints.groups.gap.Gap.lost",
    ]
