"""What the tests need of the project: its tables, and who is in them."""

# pyright: basic
# Django has no types.

from django.contrib.auth import get_user_model  # type: ignore[import-untyped]
from django.contrib.auth.models import Group, Permission  # type: ignore[import-untyped]
from django.contrib.contenttypes.models import ContentType  # type: ignore[import-untyped]
from django.contrib.sessions.models import Session  # type: ignore[import-untyped]
from django.db import connection, connections  # type: ignore[import-untyped]

__all__ = ["make_tables"]


def make_tables() -> None:
    """Make the tables of all models, as `manage.py migrate` does in a second."""
    with connection.schema_editor() as editor:
        for model in (ContentType, Permission, Group, get_user_model(), Session):
            editor.create_model(model)
    connections.close_all()
