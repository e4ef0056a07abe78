"""The picture of the benchmarks, drawn from the tables of docs/performance.md."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.site.drawing import Drawing

__all__ = ["SECTIONS", "draw", "ratios_of"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"

SECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Five types, 100 B, one loop turn a message": "five types of messages, in this process",
        "Five types, 100 B, uvicorn, 50 connections": "five types of messages, over uvicorn",
        "Echo text, 100 B, uvicorn, 50 connections": "echo of text, over uvicorn",
    }
)
"""The sections of the page that are drawn, and what they are called there."""

LEFT: Final = 190
SCALE: Final = 100
"""Pixels for the time that the loop by hand takes."""
LONGEST: Final = 4.6
"""What takes more times than that is cut."""
ROW: Final = 22


def ratios_of(section: str) -> dict[str, float]:
    """Return a section's first ratio by contender, of those that were run."""
    page = PAGE.read_text("utf-8")
    table = page.partition(f"### {section}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([^|]+) \| [\d.]+ \| (reference|[\d.]+)", table, re.M)
    return {name: 1.0 if ratio == "reference" else float(ratio) for name, ratio in rows}


def draw() -> str:
    """Return the picture."""
    tables = {title: ratios_of(section) for section, title in SECTIONS.items()}
    height = sum(44 + ROW * len(table) for table in tables.values()) + 48
    drawing = Drawing(760, height, "Time a message, as multiples of a loop by hand: less is better")
    y = 12
    for title, table in tables.items():
        y += 24
        drawing.text(20, y, title, kind="strong")
        for name, ratio in table.items():
            y += ROW
            width = SCALE * min(ratio, LONGEST)
            drawing.text(LEFT - 10, y, name, anchor="end", kind="soft")
            drawing.bar(LEFT, y - 12, width, 15, "ours" if name == "wsendpoints" else "theirs")
            cut = "» " if ratio > LONGEST else ""
            drawing.text(LEFT + width + 8, y, f"{cut}{ratio:.2f}", kind="soft")
        y += 20
    drawing.text(
        20,
        y + 20,
        "Multiples of the time that a loop by hand takes: less is better. » is cut.",
        kind="soft",
    )
    return str(drawing)
