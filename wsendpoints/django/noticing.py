"""What tells of connections to the database that an endpoint opens, and nothing closes.

An endpoint that is no `DjangoEndpoint` is none of Django's: nothing happens around its handlers. It
need not ask the database, so that nothing can be said before one does.
"""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakSet

from django.db.backends.signals import (  # type: ignore[import-untyped]  # Django has no types
    connection_created,
)

from wsendpoints.django.work import closes_connections

__all__ = ["notice_connections", "noticing"]

logger: logging.Logger = logging.getLogger("wsendpoints")

# A thread that works for a connection, by `sync_to_async` or as a handler, has its context.
_SERVED: Final[ContextVar[type | None]] = ContextVar("wsendpoints.django.served", default=None)

_told: Final[WeakSet[type]] = WeakSet()


@contextmanager
def noticing(endpoint: object) -> Generator[None]:
    """Know, while a connection is served, whose it is."""
    token = _SERVED.set(type(endpoint))
    try:
        yield
    finally:
        _SERVED.reset(token)


def notice_connections() -> None:
    """Be told of each connection to the database; again it does nothing more."""
    created: Any = connection_created
    created.connect(_tell, dispatch_uid="wsendpoints")


def _tell(**_: object) -> None:
    cls = _SERVED.get()
    if cls is None or closes_connections() or cls in _told:
        return
    _told.add(cls)
    logger.warning(
        "%s opened a connection to the database in the thread %r, where nothing closes it, or "
        "replaces it once it broke: derive from DjangoEndpoint, and ask the database by its async "
        "methods, by sync_to_async, or in a handler that is a plain function",
        cls.__qualname__,
        threading.current_thread().name,
    )
