"""The URLs of the project."""

from django.http import HttpRequest, HttpResponse  # type: ignore[import-untyped]  # Django has no types
from django.urls import path  # type: ignore[import-untyped]  # Django has no types

__all__: list[str] = []


def page(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with the path."""
    return HttpResponse(f"the page {name}".encode())


urlpatterns = [path("<path:name>", page)]
