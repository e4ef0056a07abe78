"""The assistant for clients of others, with a model that tells in which process it is."""

import os
from collections.abc import AsyncGenerator

import anyio
from typing_extensions import override

from examples import assistant
from tests.interop.journal import DeliberateError
from wsendpoints.groups import Groups, RedisBackplane

__all__ = ["STUCK", "WORDS", "app"]

WORDS = 40
STUCK = 8


class Model(assistant.FakeModel):
    """Counts, after its process; breaks off, or takes its time, where it is asked to."""

    @override
    async def generate(self, text: str) -> AsyncGenerator[str]:
        if text == "late":
            await anyio.sleep(0.2)
        yield f"{os.getpid()}"
        for number in range(WORDS):
            is_stuck = text == "slow" or (text == "stuck" and number == STUCK)
            await anyio.sleep(60 if is_stuck else 0.01)
            if text == "fail" and number == 3:
                raise DeliberateError
            yield f" {number}"


assistant.runs.model = Model()
if url := os.environ.get("REDIS_URL"):
    # So that a process that was killed is missed soon.
    assistant.groups = Groups(RedisBackplane(url, presence_ttl=1))

from examples.assistant_clients import app  # noqa: E402 - its router takes the groups from there
