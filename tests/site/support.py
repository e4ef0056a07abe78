"""The table of the servers in docs/support.md, from the facts.

`python -m tests.site.support` writes it into the page.
"""

import re
from pathlib import Path
from typing import Final

from tests.testing.tables import SUPPORT, render

__all__ = ["PAGE", "with_servers"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "support.md"
TABLE: Final = re.compile(r"(?<=^## Servers\n\n)(.*?\n\n)(?:\|.*?\n)+", re.M | re.S)


def with_servers(page: str) -> str:
    """Return the page with the table of the servers as it is."""
    return TABLE.sub(lambda found: found[1] + render(SUPPORT), page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_servers(PAGE.read_text("utf-8")), "utf-8")
