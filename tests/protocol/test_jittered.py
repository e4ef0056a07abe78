"""Times that are drawn."""

import dataclasses
import math
import pickle
from typing import Any

import pytest

from wsendpoints import ConfigurationError, Jittered


def test_times_lie_evenly_between_the_two() -> None:
    """Half of them are in each half, and none is outside."""
    time = Jittered(3600, 600)
    drawn = [time.draw() for _ in range(10_000)]
    assert min(drawn) >= time.least == 3000
    assert max(drawn) <= time.most == 4200
    for tenth in range(10):
        low = 3000 + tenth * 120
        # A thousand are expected in each; so far off it is once in 10^20 runs.
        assert 700 < sum(low <= it < low + 120 for it in drawn) < 1300
    assert len({*drawn}) > 9000


BAD: list[Any] = [0, -1, math.inf, math.nan, True, "5", None]


@pytest.mark.parametrize("value", BAD, ids=repr)
@pytest.mark.parametrize("name", ["seconds", "jitter"])
def test_both_are_seconds(name: str, value: Any) -> None:
    """Above 0, and finite."""
    values: dict[str, Any] = {"seconds": 3600, "jitter": 600, name: value}
    with pytest.raises(ConfigurationError) as caught:
        Jittered(**values)
    assert str(caught.value) == (
        f"Jittered({values['seconds']!r}, {values['jitter']!r}): use seconds, and fewer seconds, "
        "above 0, that they differ by"
    )


def test_no_time_is_below_nothing() -> None:
    """So the jitter is the smaller one."""
    with pytest.raises(ConfigurationError):
        Jittered(600, 600)


def test_it_is_a_value() -> None:
    """Equal, hashed, copied and pickled by what it holds; it does not change."""
    time: Any = Jittered(3600, 600)
    assert time == Jittered(seconds=3600, jitter=600) != Jittered(3600, 60)
    assert hash(time) == hash(Jittered(3600, 600))
    assert pickle.loads(pickle.dumps(time)) == time  # noqa: S301 - our own
    assert repr(time) == "Jittered(seconds=3600, jitter=600)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        time.jitter = 5
