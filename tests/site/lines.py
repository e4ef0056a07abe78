"""How many lines the applications of docs/comparison.md have.

`python -m tests.site.lines` writes them into the page.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = ["NAMES", "PAGE", "count", "with_lines"]

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "examples" / "comparison"
PAGE: Final = ROOT / "docs" / "comparison.md"

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "wsendpoints": "wsendpoints",
        "FastAPI alone": "fastapi",
        "Django Channels": "channels",
        "chanx": "chanx",
        "python-socketio": "socketio",
    }
)
"""Those that are compared: in the page, and in the names of their files."""

ROWS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "lines of code": [f"with_{it}" for it in NAMES.values()],
        "… and its messages": [
            "messages_of_chanx" if it == "chanx" else "messages" for it in NAMES.values()
        ],
    }
)
"""The rows of the page, and the files that each counts."""

_NO_CODE: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


def count(source: str) -> int:
    """Return how many lines have code, other than imports, `__all__` and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line
        for token in tokens
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines.difference(_left_out(source)))


def _left_out(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Import()
                | ast.ImportFrom()
                | ast.Expr(value=ast.Constant(value=str()))
                | ast.Assign(targets=[ast.Name(id="__all__")])
            ):
                yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)
            case _:
                pass


def with_lines(page: str) -> str:
    """Return the page with the lines as they are."""
    for row, files in ROWS.items():
        counts = [str(count((FOLDER / f"{it}.py").read_text("utf-8"))) for it in files]
        line = " | ".join([row, *counts])
        page = re.sub(rf"^\| {row} \|.*$", f"| {line} |", page, flags=re.M)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_lines(PAGE.read_text("utf-8")), "utf-8")
