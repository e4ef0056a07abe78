"""WebSocket endpoints in a Django project: mounted beside it, with its users and its database.

It needs Django: `pip install "wsendpoints[django]"`.
"""

from wsendpoints.django.asgi import DjangoApplication, get_asgi_application
from wsendpoints.django.broadcasting import broadcast

__all__ = ["DjangoApplication", "broadcast", "get_asgi_application"]
