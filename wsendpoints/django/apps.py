"""The app `wsendpoints.django`, for INSTALLED_APPS: it has the commands, and no models."""

# It has no types.
from django.apps import AppConfig  # type: ignore[import-untyped]

__all__ = ["EndpointsConfig"]


class EndpointsConfig(AppConfig):  # type: ignore[misc]  # it has no types
    """The app."""

    name: str = "wsendpoints.django"
    # "django" would be taken for Django itself.
    label: str = "wsendpoints"
    verbose_name: str = "WebSocket endpoints"
