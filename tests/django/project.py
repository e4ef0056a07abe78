"""What the tests need of the project: its tables, and who is in them."""

# pyright: basic
# Django has no types.

from typing import Any

from django.contrib.auth import get_user_model  # type: ignore[import-untyped]  # Django has no types
from django.contrib.auth.models import Group, Permission  # type: ignore[import-untyped]  # Django has no types
from django.contrib.contenttypes.models import ContentType  # type: ignore[import-untyped]  # Django has no types
from django.contrib.sessions.models import Session  # type: ignore[import-untyped]  # Django has no types
from django.db import connection, connections  # type: ignore[import-untyped]  # Django has no types
from django.test import Client  # type: ignore[import-untyped]  # Django has no types

from examples.django_chat.models import Line

__all__ = ["Users", "cookie_of", "make_tables"]

Users: Any = get_user_model()
"""The class of users."""


def make_tables() -> None:
    """Make the tables of all models, as `manage.py migrate` does in a second."""
    with connection.schema_editor() as editor:
        for model in (ContentType, Permission, Group, Users, Session, Line):
            editor.create_model(model)
    connections.close_all()


def cookie_of(user: Any, *, keeps_connections: bool = False) -> dict[str, str]:
    """Log a user in, and return the header with which the browser is known."""
    client = Client()
    client.force_login(user)
    if not keeps_connections:
        connections.close_all()
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}"}
