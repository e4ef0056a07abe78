"""Django with Channels: `uvicorn examples.mounting.django_app:app`."""

import django  # type: ignore[import-untyped]  # Django has no types
from channels.routing import ProtocolTypeRouter, URLRouter  # type: ignore[import-untyped]  # Channels has no types
from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]  # Django has no types
from django.urls import path  # type: ignore[import-untyped]  # Django has no types

from examples.mounting.greeter import Greeter

__all__ = ["app"]

# A project has these in its settings.py. Of a process that has others already they are none.
if not settings.configured:
    settings.configure(  # pyright: ignore[reportUnknownMemberType]  # it has no types
        SECRET_KEY="for this example only",  # noqa: S106 - it signs nothing
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        ROOT_URLCONF=__name__,
    )
django.setup()

urlpatterns: list[object] = []

app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter(
            [path("rooms/<str:room>", Greeter.as_asgi())]  # pyright: ignore[reportArgumentType]
        ),
    }
)
