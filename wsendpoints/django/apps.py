"""The app `wsendpoints.django`, for INSTALLED_APPS: it has the commands, and no models."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # A class whose base has no types would have none itself.
    AppConfig = object
else:
    from django.apps import AppConfig

__all__ = ["EndpointsConfig"]


class EndpointsConfig(AppConfig):
    """The app."""

    name: str = "wsendpoints.django"
    # "django" would be taken for Django itself.
    label: str = "wsendpoints"
    verbose_name: str = "WebSocket endpoints"
