"""The python blocks of the documentation run."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parent.parent / "docs"
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(DOCS)} {number}")
    for page in sorted(DOCS.rglob("*.md"))
    # Those have tests of their own: tests/testing/test_docs.py, tests/site, tests/django.
    if page.name not in ("django.md", "testing.md", "tutorial.md")
    and page.parent.name != "migrating"
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S)
    )
]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block of Python in the documentation runs."""
    module = ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(block, "docs", "exec"), module.__dict__)  # noqa: S102 - our own
