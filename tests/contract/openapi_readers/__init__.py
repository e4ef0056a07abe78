"""The reader of OpenAPI documents that makes types of them, and a compiler; they come from npm."""

from pathlib import Path
from typing import Final

from tests.npm import Packages

__all__ = ["OPENAPI_READERS"]

OPENAPI_READERS: Final = Packages(Path(__file__).parent)
