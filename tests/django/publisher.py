"""A process that runs no event loop: `python -m tests.django.publisher ADDRESS`."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from pydantic import BaseModel

from wsendpoints.backplanes import Backplane, LocalBackplane
from wsendpoints.django.broadcasting import broadcast
from wsendpoints.groups import Group, Groups, RedisBackplane

__all__ = ["News", "Said", "plane_of"]


class Said(BaseModel):
    """What is said."""

    type: Literal["said"] = "said"
    text: str


class News(Group[Said]):
    """The news."""

    name = "news"


def plane_of(address: str) -> Backplane:
    """Return the backplane at an address."""
    return RedisBackplane(address) if "://" in address else LocalBackplane(address)


def main() -> None:
    """Broadcast from several threads at once, and print which threads are left."""
    groups = Groups(plane_of(sys.argv[1]))
    with ThreadPoolExecutor(4) as pool:
        said = [pool.submit(broadcast, groups, News(), Said(text="hello")) for _ in range(20)]
    sys.stdout.write(f"{[it.result() for it in said]} {_threads()}\n")


def _threads() -> list[str]:
    # What a backplane works in ends by itself.
    return sorted(it.name for it in threading.enumerate() if not it.name.startswith("AnyIO"))


if __name__ == "__main__":
    main()
