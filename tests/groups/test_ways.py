"""How groups reach their members."""

from typing import Any

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.backplanes import Backplane, Hub, MemoryBackplane
from wsendpoints.groups.direct import Direct
from wsendpoints.groups.members import Members
from wsendpoints.groups.sharing import Sharing
from wsendpoints.groups.ways import way_of


@pytest.mark.parametrize(
    ("backplane", "kind"),
    [(None, Direct), (MemoryBackplane(), Direct), (MemoryBackplane(Hub()), Sharing)],
    ids=["none", "alone", "shared"],
)
def test_groups_of_one_process_share_nothing(backplane: Backplane | None, kind: type) -> None:
    """A backplane of its own only keeps histories."""
    assert type(way_of(Members(), backplane, "close")) is kind


def test_other_objects_are_refused() -> None:
    """By a text that says what it is given."""
    url: Any = "redis://"
    with pytest.raises(ConfigurationError, match=r"takes a backplane.*not 'redis://'"):
        way_of(Members(), url, "close")
