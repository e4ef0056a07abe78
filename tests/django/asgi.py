"""The application of the project, as `mysite/asgi.py` is in one."""

from wsendpoints.django import get_asgi_application

__all__ = ["application"]

application = get_asgi_application("tests.django.sockets.router")
