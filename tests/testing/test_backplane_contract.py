"""The contract test of backplanes: it passes those that keep it, and tells what others break."""

from typing import Any, ClassVar

import anyio
import pytest
from typing_extensions import override

from tests.groups.failing import Failing
from tests.testing.broken_connections import BROKEN_CONNECTIONS
from tests.testing.broken_histories import BROKEN_HISTORIES
from tests.testing.broken_messages import BROKEN_MESSAGES
from tests.testing.broken_users import BROKEN_USERS
from wsendpoints.backplanes import Backplane, History, Hub, MemoryBackplane
from wsendpoints.testing import backplane_nodes, check_backplane

pytestmark = pytest.mark.anyio


class Planes:
    """Backplanes of a class that share a hub, and can be cut off, one after the other."""

    def __init__(self, kind: type[Failing]) -> None:
        self.kind = kind
        self.hub = Hub()
        self.all: list[Failing] = []

    def connect(self) -> Backplane:
        """Make another one."""
        plane = self.kind(self.hub, seed=len(self.all))
        self.all.append(plane)
        return plane

    async def disrupt(self) -> None:
        """Cut all off that take part, and mend them: each loses what the next ones say."""
        planes = [plane for plane in self.all if plane.receiver is not None]
        assert planes
        for plane in planes:
            plane.cut()
            await anyio.sleep(0.05)
        for plane in planes:
            plane.mend()
            await anyio.sleep(0.05)


@pytest.mark.parametrize("seed", range(3))
async def test_memory_keeps_it(seed: int) -> None:
    """Several share a hub."""
    hub = Hub()
    await check_backplane(lambda: MemoryBackplane(hub), seed=seed)


@pytest.mark.parametrize("seed", range(2))
async def test_backplane_that_is_cut_off_keeps_it(seed: int) -> None:
    """It tells what it lost."""
    planes = Planes(Failing)
    await check_backplane(planes.connect, disrupt=planes.disrupt, messages=60, seed=seed)


async def test_backplane_that_publishes_while_it_is_deaf_keeps_it() -> None:
    """As one does that has a connection for each of the two."""

    class Deaf(Failing):
        @override
        async def publish(self, name: str, data: bytes, history: History | None) -> int:
            await self._turns()
            return await self.inner.publish(name, data, history)

    planes = Planes(Deaf)
    await check_backplane(planes.connect, disrupt=planes.disrupt, messages=24)


async def test_backplane_that_keeps_more_than_is_asked_for() -> None:
    """As one does that trims what it keeps now and then; with few messages, it may keep all."""
    planes = Planes(Failing)
    await check_backplane(planes.connect, messages=8)


async def test_backplane_without_users() -> None:
    """They are not asked for."""

    class Userless(Failing):
        presence: ClassVar[bool] = False

        @override
        async def enter(self, name: str, connection: str, user: str, **options: Any) -> bool:
            raise AssertionError("it was asked for users")

        @override
        async def users(self, name: str) -> list[str]:
            raise AssertionError("it was asked for users")

    await check_backplane(Planes(Userless).connect, messages=20)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the contract wait less long, for the publishers that go on meanwhile."""
    monkeypatch.setattr(backplane_nodes, "_PATIENCE", 2.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("kind", "told"),
    [*BROKEN_MESSAGES, *BROKEN_HISTORIES, *BROKEN_USERS],
    ids=lambda it: getattr(it, "__name__", ""),
)
async def test_broken_one_is_told(kind: type[Failing], told: str) -> None:
    """Whichever promise it breaks."""
    with pytest.raises(AssertionError, match=told):
        await check_backplane(Planes(kind).connect, messages=24)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("kind", "told"), BROKEN_CONNECTIONS, ids=lambda it: getattr(it, "__name__", "")
)
async def test_one_that_is_broken_when_connections_break_is_told(
    kind: type[Failing], told: str
) -> None:
    """And does all else."""
    planes = Planes(kind)
    with pytest.raises(AssertionError, match=told):
        await check_backplane(planes.connect, disrupt=planes.disrupt, messages=24)
