"""A worker as a process: it does what it reads, a line each, and prints what it is told.

`python -m tests.backplanes.local_worker DIRECTORY asyncio`
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from wsendpoints.backplanes import LocalBackplane

__all__: list[str] = []


def tell(*words: object) -> None:
    """Print something, as a line."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


class Telling:
    """Prints what is handed on."""

    def message(self, name: str, number: int, data: bytes) -> None:
        tell("message", name, number, data.decode())

    def fenced(self, heads: Mapping[str, int]) -> None:
        tell("fenced", dict(heads))

    def down(self) -> None:
        tell("down")


async def obey(backplane: LocalBackplane, verb: str, *words: Any) -> object:
    """Do something, and return what came of it."""
    match verb:
        case "subscribe":
            return backplane.subscribe(words)
        case "publish":
            name, text, times = words
            texts = [f"{text}{count}".encode() for count in range(times)]
            return [await backplane.publish(name, data, None) for data in texts][-1]
        case "enter":
            name, user = words
            return await backplane.enter(
                name,
                user,
                user,
                joined=f"+{user}".encode(),
                left=f"-{user}".encode(),
                most=None,
                history=None,
            )
        case _:
            return await backplane.users(*words)


async def main(directory: str) -> None:
    """Take part until the standard input ends."""
    backplane = LocalBackplane(Path(directory))
    async with anyio.create_task_group() as group:
        await group.start(backplane.run, Telling())
        tell("ready")
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            tell("done", await obey(backplane, *json.loads(line)))
        group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend=sys.argv[2])
