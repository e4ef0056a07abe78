"""Warnings that point at the class statement."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from wsendpoints import ConfigurationWarning
from wsendpoints.messages.class_statement import warn


def base_of(depth: int) -> Any:
    """Return a class that warns of its subclasses, through so many levels of classes."""

    class Base:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            if depth == 0:
                warn("not as meant")

    return Base if depth == 0 else type("Between", (Base, base_of(depth - 1)), {})


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_warning_points_at_the_class_statement(depth: int) -> None:
    """It does so whatever is between."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        base = base_of(depth)
        caught.clear()

        class Chat(base):  # type: ignore[misc, valid-type]  # made at run time
            name = "Chat"

    (warning,) = caught
    assert (warning.category, str(warning.message)) == (ConfigurationWarning, "not as meant")
    assert warning.filename == __file__
    line = Path(__file__).read_text(encoding="utf-8").splitlines()[warning.lineno - 1]
    assert line.strip().startswith("class Chat(base)")
    assert Chat.name == "Chat"
