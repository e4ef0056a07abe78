"""The changelog tells of the version that is there, and of names that are there."""

import pkgutil
import re
from importlib.metadata import version
from inspect import get_annotations
from pathlib import Path

import pytest

CHANGELOG = (Path(__file__).parents[1] / "CHANGELOG.md").read_text()
VERSIONS = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", CHANGELOG, re.MULTILINE)
NAMES = sorted({*re.findall(r"`(wsendpoints\.[\w.]*\w)", CHANGELOG)})


def test_newest_version_is_this_one() -> None:
    """It has a number and a date."""
    assert VERSIONS[0] == version("wsendpoints")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_there(name: str) -> None:
    """Each leads to a module, a class, or something of it."""
    owner, _, attribute = name.rpartition(".")
    if attribute not in get_annotations(pkgutil.resolve_name(owner)):
        assert pkgutil.resolve_name(name) is not None
