"""The files that the console's page is made of, by the paths that they are served at."""

from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from string import Template
from typing import Final
from urllib.parse import quote

__all__ = ["page_at"]

_INDEX: Final = "index.html"


def page_at(path: str, *, has_live: bool = False) -> dict[str, bytes]:
    """Return all files, by their paths.

    The page refers to the others, and to the router, by relative URLs: it knows neither the host
    nor what a proxy or a framework puts before the path.

    Args:
        path: That of the page, relative to where the router is: `"/docs"`. The others are below it.
        has_live: Whether the page asks what goes on.
    """
    assets = _read()
    folder = quote(PurePosixPath(path).name)
    root = "../" * (path.count("/") - 1) or "./"
    index = Template(assets[_INDEX].decode()).substitute(
        folder=f"./{folder}", root=root, live="on" if has_live else "off"
    )
    others = {f"{path}/{name}": body for name, body in assets.items() if name != _INDEX}
    return {path: index.encode(), **others}


@cache
def _read() -> dict[str, bytes]:
    folder = files("wsendpoints.console") / "page"
    return {it.name: it.read_bytes() for it in folder.iterdir()}
