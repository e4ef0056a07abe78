"""Each test of groups begins, and ends, without members."""

from collections.abc import Iterator

import pytest

from tests.groups.chat import Chat, groups


@pytest.fixture(autouse=True)
def nothing_remains() -> Iterator[None]:
    """Every connection leaves by itself, however it ends."""
    Chat.members.clear()
    Chat.closed.clear()
    yield
    assert groups.names == ()
    assert groups._memberships.is_empty  # pyright: ignore[reportPrivateUsage]  # nothing else tells of it
