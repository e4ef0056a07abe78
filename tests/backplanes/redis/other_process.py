"""A process of its own, with users in a group, until it is killed."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from tests.clocks import GENEROUS
from wsendpoints.backplanes import RedisBackplane

from .nodes import running

__all__ = ["other_process"]


@contextmanager
def other_process(
    url: str, ttl: float, name: str, *users: str, is_cluster: bool = False
) -> Generator["subprocess.Popen[str]"]:
    """Start a process with some users in a group."""
    kind = "cluster" if is_cluster else "server"
    process = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", __name__, url, kind, str(ttl), name, *users],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        yield process
    finally:
        process.kill()
        process.wait(GENEROUS)
        if process.stdout is not None:
            process.stdout.close()


async def main(url: str, kind: str, ttl: float, name: str, users: list[str]) -> None:
    """Enter the users, say so, and stay."""
    backplane = RedisBackplane(url, cluster=kind == "cluster", presence_ttl=ttl)
    async with running(backplane) as (node,):
        for user in users:
            await node.backplane.enter(
                name,
                user,
                user,
                joined=b"+" + user.encode(),
                left=b"-" + user.encode(),
                most=None,
                history=None,
            )
        sys.stdout.write("there\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


if __name__ == "__main__":
    url, kind, ttl, name, *users = sys.argv[1:]
    anyio.run(main, url, kind, float(ttl), name, users)
