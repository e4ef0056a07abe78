"""An application is started and ended as a server does it."""

import pytest

from wsendpoints.fuzzing.lifespan import started
from wsendpoints.fuzzing.peers import MisbehaviourError
from wsendpoints.protocol.asgi import Receive, Scope, Send

pytestmark = pytest.mark.anyio

told: list[str] = []


async def whole(scope: Scope, receive: Receive, send: Send) -> None:
    """Start, share a state, and end."""
    told.append((await receive())["type"])
    scope["state"]["a"] = 1
    await send({"type": "lifespan.startup.complete"})
    told.append((await receive())["type"])
    await send({"type": "lifespan.shutdown.complete"})


async def test_application_is_started_and_ended() -> None:
    """What it shares is yielded."""
    told.clear()
    async with started(whole) as state:
        assert (state, told) == ({"a": 1}, ["lifespan.startup"])
    assert told == ["lifespan.startup", "lifespan.shutdown"]


async def without(scope: Scope, receive: Receive, send: Send) -> None:
    """Have no lifespan."""
    raise ValueError(scope["type"])


async def test_application_without_a_lifespan() -> None:
    """It is served all the same."""
    async with started(without) as state:
        assert state == {}


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail to start."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    raise OSError


async def test_application_that_can_not_start() -> None:
    """What it says is told."""
    with pytest.raises(MisbehaviourError, match="can't start: no database"):
        async with started(failing):
            pytest.fail("it has started")


async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail to end."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise LookupError("at the end")


async def test_application_that_fails_at_the_end() -> None:
    """What it raises is raised."""
    with pytest.raises(ExceptionGroup) as caught:
        async with started(breaking):
            pass
    assert str(caught.value.exceptions[0]) == "at the end"
