"""Warnings that point at the class statement, however deep below it they are found."""

import inspect
import types
import warnings

from wsendpoints.protocol.exceptions import ConfigurationWarning

__all__ = ["warn"]


def warn(text: str) -> None:
    """Warn of what the class that is being made declares."""
    warnings.warn(text, ConfigurationWarning, stacklevel=_level_of_class_statement())


def _level_of_class_statement() -> int:
    """Return the `stacklevel` at which a warning points at the class that is being made."""
    level = 0
    frame = inspect.currentframe()
    while frame is not None and _is_between(frame):
        level += 1
        frame = frame.f_back
    return level


def _is_between(frame: types.FrameType) -> bool:
    """Whether a call lies between a class statement and here; `abc` is what makes the class."""
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith(("wsendpoints.", "abc")) or frame.f_code.co_name == "__init_subclass__"
