"""Hostile frames."""

import random

from wsendpoints.fuzzing.hostile import hostile


def test_frames_are_of_each_kind() -> None:
    """There are texts and bytes, some at the limit, and some that are larger."""
    chance = random.Random(1)  # noqa: S311 - the same each time
    frames = [hostile(chance, 1000) for _ in range(2000)]
    assert {type(it) for it in frames} == {str, bytes}
    sizes = {len(it.encode() if isinstance(it, str) else it) for it in frames}
    assert {0, 1000, 1001} <= sizes
    assert "NaN" in frames
    assert b"\xff" in frames


def test_frames_are_bounded_without_a_limit() -> None:
    """Memory is not what it is about."""
    chance = random.Random(1)  # noqa: S311 - the same each time
    assert max(len(hostile(chance, None)) for _ in range(60)) <= 4 * 1024 * 1024 + 1
