"""`manage.py typescript`: a client in TypeScript of a project's endpoints."""

from typing import Any

from wsendpoints.contract.typescript import client_of
from wsendpoints.django.writing import WritingCommand
from wsendpoints.router import WebSocketRouter

__all__ = ["Command"]


class Command(WritingCommand):
    """Writes a client, for pages."""

    help: str = "Writes a client in TypeScript of the WebSocket endpoints."

    def text_of(self, router: WebSocketRouter, **options: Any) -> str:
        """Return the client."""
        return client_of(self.descriptions_of(router))
