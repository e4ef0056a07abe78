"""Django Channels: a path of its router, and a router below one."""

# None of the three comes with types.
import django  # type: ignore[import-untyped]  # Django has no types
from channels.routing import ProtocolTypeRouter, URLRouter  # type: ignore[import-untyped]  # Channels has no types
from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]  # Django has no types
from django.urls import path  # type: ignore[import-untyped]  # Django has no types

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter

from .room import Room

__all__ = ["app"]

settings.configure(  # pyright: ignore[reportUnknownMemberType]
    SECRET_KEY="for the tests",  # noqa: S106 - it signs nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
)
django.setup()

urlpatterns: list[object] = []

app = Recording(
    ProtocolTypeRouter(
        {
            "http": get_asgi_application(),
            "websocket": URLRouter(
                [
                    path("path/<str:room>", Room.as_asgi()),  # pyright: ignore[reportArgumentType]  # no view
                    path("router/", WebSocketRouter({"/{room}": Room})),  # pyright: ignore[reportArgumentType]  # no view
                ]
            ),
        }
    )
)
