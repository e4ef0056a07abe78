"""What the tests of backplanes share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a directory of our own whose path has room for sockets."""
    path = Path(tempfile.mkdtemp(prefix="wse"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
