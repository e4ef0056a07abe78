import os

from wsendpoints.django import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_chat.settings")

application = get_asgi_application("examples.django_chat.sockets.router")
