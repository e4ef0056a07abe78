"""Where the files of the page are, and the packages from npm that it is made and checked with."""

from pathlib import Path
from typing import Final

from tests.npm import Packages

__all__ = ["PAGE", "TOOLS"]

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "wsendpoints" / "console" / "page"
TOOLS: Final = Packages(ROOT / "tools" / "console")
