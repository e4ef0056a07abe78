"""The readers of AsyncAPI documents that others wrote; they come from npm."""

from pathlib import Path
from typing import Final

from tests.npm import Packages

__all__ = ["READERS"]

READERS: Final = Packages(Path(__file__).parent)
