"""A picture as SVG, that is readable on light and on dark pages, and loads nothing."""

from html import escape
from typing import Final, Literal, TypeAlias

__all__ = ["Anchor", "Drawing"]

Anchor: TypeAlias = Literal["start", "middle", "end"]

# It has a ground of its own: a page may be dark where the system is light.
STYLE: Final = """\
svg { font: 13px system-ui, sans-serif; }
.ground { fill: #fcfcfd; stroke: #d5d8df; }
.box { fill: #eef1f8; stroke: #5b6b94; stroke-width: 1.5; }
.ours { fill: #3d55cc; }
.theirs { fill: #a9b1c6; }
.line { fill: none; stroke: #5b6b94; stroke-width: 1.5; }
.dashed { stroke-dasharray: 5 4; }
.head { fill: #5b6b94; }
text { fill: #1d2330; }
.soft { fill: #4c566e; font-size: 12px; }
.strong { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  .ground { fill: #14161d; stroke: #363b49; }
  .box { fill: #222838; stroke: #8e9dc9; }
  .ours { fill: #7f97ff; }
  .theirs { fill: #565f78; }
  .line { stroke: #8e9dc9; }
  .head { fill: #8e9dc9; }
  text { fill: #eceff6; }
  .soft { fill: #b3bbcf; }
}
"""


class Drawing:
    """One picture, to which things are added.

    Args:
        width: In pixels.
        height: In pixels.
        title: What it shows, for those who do not see it.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width = width
        self.height = height
        self.title = title
        self._parts: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, *lines: str) -> None:
        """Add a box with a name, and softer lines below it; `x` and `y` are its middle."""
        self._parts.append(
            f'<rect class="box" x="{x - width / 2:g}" y="{y - height / 2:g}" '
            f'width="{width:g}" height="{height:g}" rx="7"/>'
        )
        top = y - 8 * (len(lines) - 1) + 4
        for number, line in enumerate(lines):
            kind = "soft" if number else "strong"
            self.text(x, top + 16 * number, line, kind=kind, anchor="middle")

    def bar(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Add a bar; `x` and `y` are its corner."""
        self._parts.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" '
            f'width="{width:g}" height="{height:g}" rx="2"/>'
        )

    def text(
        self, x: float, y: float, text: str, *, kind: str = "", anchor: Anchor = "start"
    ) -> None:
        """Add a line of text at its baseline."""
        shown = f' class="{kind}"' if kind else ""
        self._parts.append(
            f'<text{shown} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[float, float], dashed: bool = False) -> None:
        """Add an arrow from the first point to the last."""
        kind = "line dashed" if dashed else "line"
        self._parts.append(f'<path class="{kind}" marker-end="url(#head)" d="{_path(points)}"/>')

    def line(self, *points: tuple[float, float], dashed: bool = False) -> None:
        """Add a line through points."""
        kind = "line dashed" if dashed else "line"
        self._parts.append(f'<path class="{kind}" d="{_path(points)}"/>')

    def __str__(self) -> str:
        size = f'width="{self.width}" height="{self.height}"'
        view = f'viewBox="0 0 {self.width} {self.height}"'
        ground = f'width="{self.width - 1}" height="{self.height - 1}" x="0.5" y="0.5" rx="8"'
        head = (
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker>'
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">',
                f"<title>{escape(self.title)}</title>",
                f"<style>\n{STYLE}</style>",
                f"<defs>{head}</defs>",
                f'<rect class="ground" {ground}/>',
                *self._parts,
                "</svg>\n",
            ]
        )


def _path(points: tuple[tuple[float, float], ...]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
