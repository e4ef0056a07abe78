"""A process of its own, with users in a group, until it is killed."""

import sys

import anyio

from wsendpoints.backplanes import RedisBackplane

from .nodes import running


async def main(url: str, ttl: float, name: str, users: list[str]) -> None:
    """Enter the users, say so, and stay."""
    async with running(RedisBackplane(url, presence_ttl=ttl)) as (node,):
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
    anyio.run(main, sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:])
