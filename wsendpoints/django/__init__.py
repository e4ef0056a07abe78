"""WebSocket endpoints in a Django project: mounted beside it, with its users and its database.

It needs Django: `pip install "wsendpoints[django]"`.
"""

from wsendpoints.django.asgi import DjangoApplication, get_asgi_application
from wsendpoints.django.broadcasting import broadcast, close_group
from wsendpoints.django.endpoint import DjangoEndpoint
from wsendpoints.django.identity import aget_user, get_session

__all__ = [
    "DjangoApplication",
    "DjangoEndpoint",
    "aget_user",
    "broadcast",
    "close_group",
    "get_asgi_application",
    "get_session",
]
