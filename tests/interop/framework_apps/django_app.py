"""Django: its own application, with the example of a chat, and the room beside it."""

# pyright: basic
# Django has no types.

import os
from pathlib import Path

from django.apps import apps  # type: ignore[import-untyped]  # Django has no types
from django.db import connection  # type: ignore[import-untyped]  # Django has no types

from tests.interop.journal import Recording
from wsendpoints import WebSocketRouter
from wsendpoints.django import get_asgi_application

from .room import Room

__all__ = ["app"]

# A folder for each server, which the test knows, too: its workers are in one process group.
DATA = Path(os.environ["WSENDPOINTS_DJANGO"]) / str(os.getpgrp())
os.environ["DJANGO_CHAT_DATA"] = str(DATA)
os.environ["DJANGO_SETTINGS_MODULE"] = "examples.django_chat.settings"
is_new = not DATA.exists()

chat = get_asgi_application("examples.django_chat.sockets.router")

if is_new:
    # As `migrate` does in a second.
    with connection.schema_editor() as editor:
        for model in apps.get_models(include_auto_created=False):
            editor.create_model(model)
    connection.close()

app = Recording(get_asgi_application(WebSocketRouter({"/room/{room}": Room, "/chat": chat.router})))
