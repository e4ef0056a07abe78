"""What is compared: a module for each, written as its own documentation recommends.

A module says in `contender` what it is called, and the ASGI applications that it has: one that
echoes text, one that echoes JSON, one that answers the five types of `benchmarks.messages`, and
those whose instructions alone are counted. Where several forms are idiomatic, it has the fastest of
them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias

from benchmarks.messages import Answer, make_frames

__all__ = ["ITEM", "NAMES", "App", "Contender", "Dialect", "Task", "load", "load_all"]

App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application; each framework has types of its own for what it is called with."""

Task: TypeAlias = Literal["text", "json", "types"]
"""What an application does: echo text, echo JSON, or answer messages of five types."""

ITEM: Final = "x" * 100
"""What is pushed, or streamed, as often as the text of a message says."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a contender's five types look on the wire.

    Attributes:
        make_frames: Returns a frame of each, of so many bytes.
        read: Returns the answer that a frame holds.
    """

    make_frames: Callable[[int], list[str]] = make_frames
    read: Callable[[str], Answer] = Answer.model_validate_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to write a server's side.

    Attributes:
        name: What it is called in the tables.
        text: Echoes text; `None` if that makes no sense for it.
        json: Echoes JSON, read and written anew.
        types: Answers five types of messages.
        own_connect: Does so too, and accepts in a hook of its own.
        push: Sends `ITEM` as often as a message says, from a task beside the one that receives.
        stream: Sends it as often from an async generator.
        broadcast: Sends it as often to all that are connected.
        relay: Sends each message to all that are connected, its own client too.
        dialect: What its five types look like.
        needs_asyncio: Whether it does not run on trio.
        broadcast_needs_asyncio: Whether its broadcasts do not.
    """

    name: str
    text: App | None = None
    json: App | None = None
    types: App | None = None
    own_connect: App | None = None
    push: App | None = None
    stream: App | None = None
    broadcast: App | None = None
    relay: App | None = None
    dialect: Dialect = Dialect()
    needs_asyncio: bool = False
    broadcast_needs_asyncio: bool = False

    def app(self, task: Task) -> App | None:
        """Return the application for a task; `None` if there is none."""
        app: App | None = getattr(self, task)
        return app


NAMES: Final[Sequence[str]] = (
    "by_hand",
    "by_hand_on_core",
    "by_hand_on_msgspec",
    "ours",
    "ours_on_msgspec",
    "starlette_endpoint",
    "fastapi_function",
    "litestar_listener",
    "channels_consumer",
    "chanx_consumer",
)
"""The modules; the first is what all are compared with."""


def load(name: str) -> Contender:
    """Return the contender of a module of this package.

    Raises:
        ModuleNotFoundError: What it needs is not installed.
    """
    contender: Contender = import_module(f"{__name__}.{name}").contender
    return contender


def load_all(names: Sequence[str] = ()) -> tuple[dict[str, Contender], list[str]]:
    """Return the contenders by their modules, and a line for each that is not installed.

    Args:
        names: The modules to load after the first; by default all.
    """
    contenders: dict[str, Contender] = {}
    missing: list[str] = []
    for name in NAMES:
        if names and name not in {NAMES[0], *names}:
            continue
        try:
            contenders[name] = load(name)
        except ModuleNotFoundError as exc:
            if exc.name is None or exc.name.startswith(("benchmarks", "wsendpoints")):
                raise
            missing.append(f"{name} is not measured: {exc}; pip install -e '.[bench]' has it")
    return contenders, missing
