"""The session and the user of a client."""

from typing import Any

import anyio
import pytest
from channels.auth import AuthMiddlewareStack  # type: ignore[import-untyped]  # it has no types
from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.test.utils import override_settings  # type: ignore[import-untyped]  # it has no types

from tests.django.project import Users, cookie_of
from wsendpoints import WebSocket, WebSocketEndpoint
from wsendpoints.django import aget_user, get_session
from wsendpoints.handshake.request import Request
from wsendpoints.testing import connect

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


def request_with(headers: dict[str, str]) -> Request:
    """Return a request with some headers."""
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "path": "/", "headers": pairs})


@pytest.fixture
def ada() -> Any:
    """Return a user of her own."""
    user, _ = Users.objects.get_or_create(username="ada")
    return user


def test_user_is_the_one_who_logged_in(ada: Any) -> None:
    """Asked once, it is the same from then on."""
    request = request_with(cookie_of(ada))

    async def ask() -> None:
        user = await aget_user(request)
        assert user == ada
        assert await aget_user(request) is user
        assert request.scope["user"] is user
        assert await get_session(request).aget("_auth_user_id") == str(ada.pk)

    anyio.run(ask)


@pytest.mark.parametrize(
    "headers", [{}, {"cookie": "sessionid=nobody"}, {"cookie": "sessionid="}], ids=str
)
async def test_anybody_else_is_anonymous(headers: dict[str, str]) -> None:
    """With an empty session."""
    request = request_with(headers)
    user = await aget_user(request)
    assert not user.is_authenticated
    assert await get_session(request).ahas_key("_auth_user_id") is False


async def test_settings_are_kept() -> None:
    """The name of the cookie, and the engine."""
    with override_settings(
        SESSION_COOKIE_NAME="key", SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"
    ):
        first = get_session(request_with({}))
        await first.aset("a", 1)
        await first.asave()
        again = get_session(request_with({"cookie": f"key={first.session_key}"}))
        assert await again.aget("a") == 1


def test_user_whose_password_changed_is_signed_out(ada: Any) -> None:
    """As in a view."""
    headers = cookie_of(ada)
    ada.set_password("another")
    ada.save()
    assert not anyio.run(aget_user, request_with(headers)).is_authenticated
    # The session has ended, for pages too.
    assert anyio.run(get_session(request_with(headers)).akeys) == {}.keys()


def test_session_keeps_its_key_when_the_secret_changes(ada: Any) -> None:
    """A new one could not be told to the client."""
    headers = cookie_of(ada)
    changed = {"SECRET_KEY": "another", "SECRET_KEY_FALLBACKS": [settings.SECRET_KEY]}
    with override_settings(**changed):
        for _ in range(2):
            assert anyio.run(aget_user, request_with(headers)) == ada


def test_channels_middleware_is_used(ada: Any) -> None:
    """Its user and session are those of the scope."""
    headers = cookie_of(ada)

    class Who(WebSocketEndpoint):
        """Tells who it is."""

        encoding = "json"

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            user = await aget_user(websocket)
            assert user is websocket.scope["user"]
            assert get_session(websocket) is websocket.scope["session"]
            await self.push(user.username)

    # Its types are those of asgiref, which fit no others.
    app: Any = AuthMiddlewareStack(Who.as_asgi())

    async def ask() -> None:
        async with connect(app, headers=headers) as client:
            assert await client.receive_json() == "ada"

    anyio.run(ask)
