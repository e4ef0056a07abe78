"""The settings of the project: `DJANGO_SETTINGS_MODULE=tests.django.settings`."""

import os
from typing import Any

__all__: list[str] = []

SECRET_KEY = "for the tests"  # noqa: S105 - it signs nothing
ALLOWED_HOSTS = ["testserver", "127.0.0.1", ".example.com"]
ROOT_URLCONF = "tests.django.urls"
ASGI_APPLICATION = "tests.django.asgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "wsendpoints.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "tests.django.database",
        # A file, since each thread has a connection of its own.
        "NAME": os.environ.get("WSENDPOINTS_TEST_DATABASE", "/nonexistent"),
    }
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
