"""The settings of the project: `DJANGO_SETTINGS_MODULE=tests.django.settings`."""

import os
from pathlib import Path
from typing import Any

__all__: list[str] = []

DATA = Path(os.environ.get("WSENDPOINTS_TEST_DATA", "/nonexistent"))
GROUPS_DIRECTORY = DATA / "groups"

SECRET_KEY = "for the tests"  # noqa: S105 - it signs nothing
ALLOWED_HOSTS = ["testserver", "127.0.0.1", ".example.com"]
ROOT_URLCONF = "tests.django.urls"
ASGI_APPLICATION = "tests.django.asgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "wsendpoints.django",
    # With its own settings it is on real servers: tests/interop/test_django.py.
    "examples.django_chat",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "tests.django.database",
        # A file, since each thread has a connection of its own.
        "NAME": DATA / "db.sqlite3",
    }
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
