"""The files of the page: where they are, how large, and what they may load."""

import gzip
import re
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import pytest

from tests.console.tools import PAGE
from wsendpoints.console.assets import page_at

MAX_SIZE: Final = 60_000
"""Bytes of the whole page, compressed."""

MAX_LINES: Final = 400

SCRIPTS: Final = sorted(path for path in PAGE.glob("*.js") if path.name != "vendor.js")


def references(path: str) -> list[str]:
    """Return the URLs that the page refers to."""
    return re.findall(r'(?:href|src|data-root)="(?!data:)(.*?)"', page_at(path)[path].decode())


@pytest.mark.parametrize("before", ["", "/root", "/a/b"], ids=["alone", "mounted", "deep"])
@pytest.mark.parametrize("path", ["/docs", "/api/docs", "/a/b/c", "/päge", "/a:b", "/a&'\"<b"])
def test_page_refers_to_its_files_wherever_it_is(path: str, before: str) -> None:
    """Each URL is relative, and leads to a file, or to the root of the router."""
    *files, root = references(path)
    assert urljoin(f"http://host{before}{path}", root) == f"http://host{before}/"
    names = {urljoin(f"http://host{before}/{'x/' * (path.count('/') - 1)}docs", it) for it in files}
    assert len(names) == len(files)


def test_page_loads_all_of_its_files_at_once() -> None:
    """It names each style and script, so that none waits for what imports it."""
    found = [urljoin("/docs", it) for it in references("/docs")[:-1]]
    assert sorted(found) == sorted(it for it in page_at("/docs") if it.endswith((".js", ".css")))


def test_all_files_are_below_the_page() -> None:
    """What is in the folder is served, and nothing else."""
    found = page_at("/some/docs")
    names = {path.name for path in PAGE.iterdir()} - {"index.html"}
    assert {*found} == {"/some/docs", *(f"/some/docs/{name}" for name in names)}
    assert found["/some/docs/vendor.js"] == (PAGE / "vendor.js").read_bytes()


def test_page_is_small() -> None:
    """All that a browser loads for it is below 60 kB, compressed."""
    loaded = [body for path, body in page_at("/docs").items() if not path.endswith(".txt")]
    assert sum(len(gzip.compress(body)) for body in loaded) < MAX_SIZE


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_read_by_people(path: Path) -> None:
    """A module says what it is for, and is short; it makes no markup of texts."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= 110
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", text)


def test_modules_import_one_another_alone() -> None:
    """Each import is of a file beside it, and each file but the first is imported."""
    imported = {"main.js"}
    for path in SCRIPTS:
        found = re.findall(r'from "(.*?)"', path.read_text(encoding="utf-8"))
        assert all(re.fullmatch(r"\./\w+\.js", it) for it in found)
        imported |= {it.removeprefix("./") for it in found}
    assert imported == {path.name for path in PAGE.glob("*.js")}
