import os
import tempfile
from pathlib import Path

DATA = Path(os.environ.get("DJANGO_CHAT_DATA", Path(tempfile.gettempdir()) / "django_chat"))
DATA.mkdir(mode=0o700, exist_ok=True)

SECRET_KEY = "for this example only"  # noqa: S105 - it signs nothing that matters
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "examples.django_chat.urls"
ASGI_APPLICATION = "examples.django_chat.asgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "wsendpoints.django",
    "examples.django_chat",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/"
# Where the workers of a server, and the commands, find each other's groups.
GROUPS_DIRECTORY = DATA / "groups"
