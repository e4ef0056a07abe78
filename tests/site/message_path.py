"""The picture of the path of a message, and of where it may leave it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.site.drawing import Drawing

__all__ = ["STEPS", "Step", "draw"]


class Step(NamedTuple):
    """One on the path.

    Attributes:
        name: What is done.
        detail: With what.
        leaves: What becomes of a message that does not get through it.
    """

    name: str
    detail: str
    leaves: str


STEPS: Final[Sequence[Step]] = (
    Step("receive", "from the server", ""),
    Step("size, rate", "limits", "close 1009, 1008"),
    Step("decode", "JSON, UTF-8 …", "close 1007, 1003"),
    Step("validate", "the annotation", "an error message"),
    Step("handler", "your method", "ErrorReply, close 1011"),
    Step("encode", "what it returns", ""),
    Step("send", "to the server", ""),
)

WIDTH: Final = 112
GAP: Final = 18
TOP: Final = 70


def draw() -> str:
    """Return the picture."""
    width = len(STEPS) * (WIDTH + GAP) + GAP
    drawing = Drawing(width, 170, "The path of a message, and where it may leave it")
    for number, step in enumerate(STEPS):
        x = GAP + WIDTH / 2 + number * (WIDTH + GAP)
        drawing.box(x, TOP, WIDTH, 52, step.name, step.detail)
        if number:
            drawing.arrow((x - WIDTH / 2 - GAP, TOP), (x - WIDTH / 2, TOP))
        if step.leaves:
            drawing.arrow((x, TOP + 26), (x, TOP + 60), dashed=True)
            drawing.text(x, TOP + 78, step.leaves, kind="soft", anchor="middle")
    drawing.text(GAP, 26, "one function, top to bottom: no task, no queue, no lock", kind="soft")
    return str(drawing)
