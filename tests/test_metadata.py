"""What PyPI shows of the package: the metadata that a build writes."""

import re
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import pytest
from hatchling.metadata import spec
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

ROOT: Final = Path(__file__).parents[1]

LINKS: Final = re.compile(r"\]\(([^)\s]+)\)")

AT: Final = "https://github.com/someone/wsendpoints"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the folder of the source as a clone has it: no distribution's metadata is there."""
    for path in ROOT.iterdir():
        if path.name != "PKG-INFO":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


def built(source: Path) -> Message:
    """Return the metadata of a wheel."""
    constructors = cast("Any", spec).get_core_metadata_constructors()
    construct: Any = constructors[max(constructors)]
    return message_from_string(construct(ProjectMetadata(f"{source}", PluginManager())))


def readme_of(metadata: Message) -> str:
    """Return the text that PyPI shows."""
    text = metadata.get_payload()
    assert isinstance(text, str)
    assert metadata["Description-Content-Type"] == "text/markdown"
    return text


def targets_of(text: str) -> list[str]:
    """Return where the links of a text lead."""
    return [str(link[1]) for link in LINKS.finditer(text)]


def test_links_lead_to_the_commit_that_was_built(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release has no files beside its README, and its pictures come from there too."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/wsendpoints")
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    metadata = built(source)
    text = readme_of(metadata)
    targets = targets_of(text)
    own = [it.removeprefix(f"{AT}/") for it in targets if it.startswith(AT)]
    assert len(own) > 30
    for target in own:
        kind, commit, path = urlsplit(target).path.split("/", 2)
        assert commit == "c0ffee"
        is_picture = path.startswith("docs/images/")
        is_folder = (ROOT / path).is_dir()
        assert (ROOT / path).exists()
        assert kind == ("raw" if is_picture else "tree" if is_folder else "blob")
    relative = [it for it in targets if not it.startswith(("https://", "http://", "#"))]
    assert relative == []
    assert (
        f"![The console: a connection to the chat, a message that is not valid, and the answer "
        f"that says why]({AT}/raw/c0ffee/docs/images/console.png)" in text
    )
    urls = dict(it.split(", ") for it in metadata.get_all("Project-URL", []))
    assert urls == {
        "Repository": AT,
        "Documentation": f"{AT}/blob/c0ffee/docs/index.md",
        "Changelog": f"{AT}/blob/c0ffee/CHANGELOG.md",
        "Issues": f"{AT}/issues",
    }


def test_links_are_text_where_nobody_knows_where_they_lead(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a wheel that someone builds at home."""
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    metadata = built(source)
    text = readme_of(metadata)
    assert [it for it in targets_of(text) if (ROOT / it.partition("#")[0]).is_file()] == []
    assert "has the rest" in text
    assert "Project-URL" not in metadata


def test_all_else_of_the_readme_stays(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that looks like a link, say."""
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    lines = {*readme_of(built(source)).splitlines()}
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = [link[0] for link in re.finditer(r"^```\w+\n.*?^```$", text, re.M | re.S)]
    assert len(blocks) > 10
    for block in blocks:
        assert lines.issuperset(block.splitlines())
