"""Raises what went wrong with an app, so that the test tells all of it."""

import traceback
from collections.abc import Callable
from typing import Final

__all__ = ["add_problems", "raise_problems"]

# pytest leaves the frames of this module out of its tracebacks.
__tracebackhide__: Final = True


def raise_problems(take: Callable[[], BaseException | None]) -> None:
    """Raise the first of what went wrong, with the others as notes; nothing if there is none.

    Args:
        take: Returns the next that was not told yet.
    """
    problem = take()
    if problem is not None:
        add_problems(problem, take)
        raise problem


def add_problems(exc: BaseException, take: Callable[[], BaseException | None]) -> None:
    """Add what went wrong to an exception, as notes.

    Args:
        exc: The exception.
        take: Returns the next that was not told yet.
    """
    while (problem := take()) is not None:
        if problem is not exc:
            text = "".join(traceback.format_exception(problem)).rstrip()
            exc.add_note(f"Also, in the app under test:\n{text}")
