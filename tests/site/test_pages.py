"""Nothing is missing in the navigation, nor in the reference."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from tests.site.documented import MODULES
from wsendpoints.cli import main

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
REFERENCE: Final = DOCS / "reference"

CONFIG: Final[dict[str, Any]] = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))


def navigation(entries: Any) -> Iterator[str]:
    """Yield the pages of a navigation, in order."""
    if isinstance(entries, str):
        yield entries
    else:
        below = cast("dict[str, Any]", entries).values() if isinstance(entries, dict) else entries
        for entry in below:
            yield from navigation(entry)


def find(path: str) -> object:
    """Return what has a public path."""
    module, _, name = path.rpartition(".")
    found: object = getattr(importlib.import_module(module), name)
    return found


REFERRED: Final = [
    path
    for page in sorted(REFERENCE.glob("*.md"))
    for path in re.findall(r"^::: (\S+)$", page.read_text("utf-8"), re.M)
]


def test_each_page_is_in_the_navigation() -> None:
    """Each page is there once, and no other."""
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")]
    assert sorted(navigation(CONFIG["project"]["nav"])) == sorted(pages)


@pytest.mark.parametrize("module", MODULES)
def test_each_public_name_is_in_the_reference(module: str) -> None:
    """Under one of the paths by which it can be imported."""
    referred = [find(path) for path in REFERRED]
    names = importlib.import_module(module).__all__
    missing = [name for name in names if not any(find(f"{module}.{name}") is it for it in referred)]
    assert missing == []


def test_the_reference_has_each_name_once() -> None:
    """What is public by several paths stands under one of them."""
    assert len({*REFERRED}) == len(REFERRED)
    assert len({id(find(path)) for path in REFERRED}) == len(REFERRED)


def test_each_option_of_the_command_is_in_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has a section, whose table has all of its options, and no others."""
    page = (REFERENCE / "command.md").read_text("utf-8")
    told = {
        title: set(re.findall(r"^\| `(--[\w-]+)", text, re.M))
        for title, text in re.findall(r"^## (\w+)\n(.*?)(?=^## )", page, re.M | re.S)
    }
    options: dict[str, set[str]] = {}
    for command in re.findall(r"^    (\w+)", help_of(capsys), re.M):
        options[command] = set(re.findall(r"^  (--[\w-]+)", help_of(capsys, command), re.M))
    assert told == options
    assert len(options) >= 4


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """Return what `--help` prints."""
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out
