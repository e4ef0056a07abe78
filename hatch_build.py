"""The README as PyPI shows it: a link to a file leads to where the package was built from.

GitHub tells its workflows the repository and the commit. Of what is built elsewhere nobody knows
where the files are, and links to them are their text alone.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["LinkedReadme", "linked"]

_LINK: Final = re.compile(
    r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^()\s#]+)(?P<part>#\S+)?\)"
)
"""Of Markdown, without links that lead to a place in the same text."""


class LinkedReadme(MetadataHookInterface):
    """Adds the README and the project's URLs to the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add them."""
        root = Path(self.root)
        address = _address(os.environ)
        text = (root / "README.md").read_text("utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": linked(text, root, address),
        }
        if address is not None:
            repository, commit = address
            metadata["urls"] = {
                "Repository": repository,
                "Documentation": f"{repository}/blob/{commit}/docs/index.md",
                "Changelog": f"{repository}/blob/{commit}/CHANGELOG.md",
                "Issues": f"{repository}/issues",
            }


def linked(text: str, root: Path, address: tuple[str, str] | None) -> str:
    """Return a text with links that lead anywhere from anywhere.

    Args:
        text: Markdown.
        root: The folder that its links start from.
        address: The URL of the repository, and the commit; `None` if nobody knows.
    """

    def rewrite(link: re.Match[str]) -> str:
        image, words, target, part = link.group("image", "text", "target", "part")
        path = root / target
        if not path.exists():
            # A URL, or code that looks like a link.
            return link[0]
        if address is None:
            return str(words)
        repository, commit = address
        kind = "raw" if image else "tree" if path.is_dir() else "blob"
        return f"{image}[{words}]({repository}/{kind}/{commit}/{target}{part or ''})"

    return _LINK.sub(rewrite, text)


def _address(environment: Mapping[str, str]) -> tuple[str, str] | None:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
    server, repository, commit = (environment.get(name) for name in names)
    return (f"{server}/{repository}", commit) if server and repository and commit else None
