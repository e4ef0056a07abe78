"""The pictures of the documentation that are made of code.

`python -m tests.site.pictures` writes them into docs/images.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.site import bars, message_path, states

__all__ = ["IMAGES", "PICTURES"]

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"

PICTURES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "benchmarks.svg": bars.draw,
        "message-path.svg": message_path.draw,
        "states.svg": states.draw,
    }
)
"""What makes each of them."""


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (IMAGES / name).write_text(draw(), "utf-8")
