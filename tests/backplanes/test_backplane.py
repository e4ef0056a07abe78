"""A backplane that does not count users says so to whoever has it do that."""

from collections.abc import Collection
from typing import Any

import pytest
from anyio import TASK_STATUS_IGNORED, sleep_forever
from anyio.abc import TaskStatus
from typing_extensions import override

from wsendpoints import ConfigurationError
from wsendpoints.backplanes import Backplane, History, Receiver


class Minimal(Backplane):
    """Has what a backplane has to have."""

    @override
    async def run(
        self, receiver: Receiver, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        task_status.started()
        await sleep_forever()

    @override
    def subscribe(self, names: Collection[str]) -> None:
        raise NotImplementedError

    @override
    def unsubscribe(self, names: Collection[str]) -> None:
        raise NotImplementedError

    @override
    async def publish(self, name: str, data: bytes, history: History | None) -> int:
        raise NotImplementedError

    @override
    async def read(self, name: str, after: int | None) -> list[tuple[int, bytes]]:
        raise NotImplementedError


@pytest.mark.anyio
async def test_users_are_not_counted() -> None:
    """Unless the class does."""
    plane = Minimal()
    assert not plane.presence
    options: dict[str, Any] = {"joined": b"", "left": b"", "most": None, "history": None}
    for call in (
        plane.enter("a", "1", "ada", **options),
        plane.depart("a", "1"),
        plane.users("a"),
    ):
        with pytest.raises(ConfigurationError, match=r"^Minimal does not count users$"):
            await call


@pytest.mark.parametrize("name", ["run", "subscribe", "unsubscribe", "publish", "read"])
def test_rest_is_not_optional(name: str) -> None:
    """A class that lacks one of them can't be used."""
    lacking = type("Lacking", (Minimal,), {name: getattr(Backplane, name)})
    with pytest.raises(TypeError, match=rf"abstract method '?{name}'?"):
        lacking()
