"""Who a client is: Django's session and user, by the cookie of a connection or of a request."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.contrib import auth  # type: ignore[import-untyped]  # Django has no types

from wsendpoints.django.work import Work
from wsendpoints.handshake.request import Request

__all__ = ["aget_user", "get_session"]

_settings: Any = settings
_auth: Any = auth


def get_session(request: Request) -> Any:
    """Return the session of a client, as Django's `SessionMiddleware` does.

    It is that of `SESSION_ENGINE`, by the cookie `SESSION_COOKIE_NAME`, and empty without one. What
    is in it is read when it is asked for: in async code by `await session.aget("key")`. There is no
    response that it would be saved with, so save what is changed: `await session.asave()`.

    Within Channels' `SessionMiddlewareStack` it is the session of that.

    Args:
        request: The WebSocket, or the request that `WebSocketRouter(live=...)` asks for.
    """
    scope = request.scope
    if "session" not in scope:
        engine = import_module(_settings.SESSION_ENGINE)
        scope["session"] = engine.SessionStore(request.cookies.get(_settings.SESSION_COOKIE_NAME))
    return scope["session"]


async def aget_user(request: Request) -> Any:
    """Return the user of a client, as `await request.auser()` does in a view of Django's.

    It is whom the session was logged in for, by one of `AUTHENTICATION_BACKENDS`, or an
    `AnonymousUser`; looked up the first time, and the same from then on. Within Channels'
    `AuthMiddlewareStack` it is the user of that.

    ```python
    async def is_staff(request: Request) -> bool:
        return (await aget_user(request)).is_staff


    router = WebSocketRouter({...}, live=is_staff)
    ```

    Args:
        request: The WebSocket, or the request that `WebSocketRouter(live=...)` asks for.
    """
    scope = request.scope
    if "user" not in scope:
        session = get_session(request)
        async with Work():
            with _keeping_its_key(session):
                scope["user"] = await _auth.aget_user(_Asked(session))
    return scope["user"]


class _Asked:
    """What Django's function looks at of a request."""

    def __init__(self, session: Any) -> None:
        self.session: Any = session


@contextmanager
def _keeping_its_key(session: Any) -> Generator[None]:
    """Have a session keep its key, which would change here after a change of `SECRET_KEY`.

    No cookie can tell the client of the new one. The next request of its pages can.
    """

    def keep() -> None:
        """Do nothing."""

    async def akeep() -> None:
        """Do nothing."""

    session.cycle_key, session.acycle_key = keep, akeep
    try:
        yield
    finally:
        del session.cycle_key, session.acycle_key
