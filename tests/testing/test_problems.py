"""What went wrong with an app is told whole, and once."""

from collections.abc import Callable

import pytest

from wsendpoints.testing.problems import add_problems, raise_problems


def taken_from(*problems: BaseException) -> Callable[[], BaseException | None]:
    """Return what takes one of some problems after the other."""
    return iter([*problems, None]).__next__


def test_nothing_went_wrong() -> None:
    """Nothing is raised."""
    raise_problems(taken_from())


def test_first_is_raised_with_the_others_as_notes() -> None:
    """It is the same object, and none of its own notes."""
    first, second = ValueError("first"), OSError("second")
    with pytest.raises(ValueError, match="first") as caught:
        raise_problems(taken_from(first, second, first))
    assert caught.value is first
    assert first.__notes__ == ["Also, in the app under test:\nOSError: second"]


def test_problems_of_a_test_that_failed_itself() -> None:
    """They are notes of its exception."""
    own = ValueError("own")
    add_problems(own, taken_from(own, OSError("a"), OSError("b")))
    assert [note.splitlines()[-1] for note in own.__notes__] == ["OSError: a", "OSError: b"]
