"""The arguments of a router: each is checked at once, and told what it is to be."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from wsendpoints.groups.groups import Groups
from wsendpoints.handshake.url import URL
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = [
    "check_lifespan",
    "check_live",
    "check_routes",
    "check_servers",
    "check_text",
    "groups_of",
]

_SERVER_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
"""AsyncAPI 3.0.0, "Servers Object"."""


def check_routes(routes: object) -> None:
    """Check that something is a mapping.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(routes, Mapping):
        raise ConfigurationError(
            f"routes={routes!r}: use a mapping from paths to endpoints, such as "
            "{'/chat/{room}': Chat}"
        )


def check_text(name: str, text: object, *, may_be_empty: bool = False) -> None:
    """Check that an argument is a text.

    Raises:
        ConfigurationError: It is none, or is empty and may not be.
    """
    if not isinstance(text, str) or not (text or may_be_empty):
        raise ConfigurationError(f"{name}={text!r}: use a text")


def check_servers(servers: Any) -> None:
    """Check where a router is served.

    Raises:
        ConfigurationError: It is no mapping from names to URLs.
    """
    if not isinstance(servers, Mapping):
        raise ConfigurationError(
            f"servers={servers!r}: use a mapping, such as {{'production': 'wss://example.com/api'}}"
        )
    for name, url in cast("Mapping[object, object]", servers).items():
        if not isinstance(name, str) or not _SERVER_NAME.fullmatch(name):
            raise ConfigurationError(
                f"servers: {name!r} is no name: use letters, digits, '-' and '_'"
            )
        if not isinstance(url, str) or not _is_base(URL(url)):
            raise ConfigurationError(
                f"servers[{name!r}] is {url!r}: use a URL of 'ws' or 'wss' with a host, and "
                "perhaps a path, such as 'wss://example.com/api'"
            )


def _is_base(url: URL) -> bool:
    extra = url.username or url.password or url.query or url.fragment
    return url.scheme in {"ws", "wss"} and url.hostname is not None and not extra


def groups_of(groups: Any) -> tuple[Groups, ...]:
    """Return the groups of an application as a tuple.

    Args:
        groups: `Groups`, or some of them.

    Raises:
        ConfigurationError: It is something else.
    """
    found = list(cast("Iterable[Any]", groups)) if isinstance(groups, Sequence) else [groups]
    if not all(isinstance(it, Groups) for it in found):
        raise ConfigurationError(
            f"groups={groups!r}: use the `Groups()` of the endpoints, or a list of such"
        )
    return tuple(found)


def check_lifespan(lifespan: object) -> None:
    """Check what a router starts with.

    Raises:
        ConfigurationError: It is no function, or an async generator without its decorator.
    """
    if lifespan is None:
        return
    if not callable(lifespan) or inspect.isasyncgenfunction(lifespan):
        raise ConfigurationError(
            f"lifespan={lifespan!r}: use a function that returns an async context manager, such as "
            "an async generator with `@asynccontextmanager` above it"
        )


def check_live(live: object, docs: str | None) -> None:
    """Check who may see what goes on.

    Raises:
        ConfigurationError: It is no function, or there is no console to see it in.
    """
    if live is None:
        return
    if not callable(live):
        raise ConfigurationError(
            f"live={live!r}: use a function that takes the request, and returns whether whoever "
            "sent it may see, and close, all connections"
        )
    if docs is None:
        raise ConfigurationError("live is a part of the console, and docs=None: give that a path")
