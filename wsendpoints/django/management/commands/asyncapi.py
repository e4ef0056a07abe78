"""`manage.py asyncapi`: the AsyncAPI document of a project's endpoints."""

import json
from argparse import ArgumentParser
from typing import Any, get_args

from wsendpoints.contract.asyncapi import Perspective, Spec, document_of
from wsendpoints.django.writing import WritingCommand
from wsendpoints.router import WebSocketRouter

__all__ = ["Command"]


class Command(WritingCommand):
    """Writes the document that the router serves."""

    help: str = "Writes the AsyncAPI document of the WebSocket endpoints."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what it takes."""
        super().add_arguments(parser)
        # `--version` is that of Django.
        parser.add_argument("--spec", choices=get_args(Spec), default="3.0.0", help="of AsyncAPI")
        parser.add_argument(
            "--perspective",
            choices=get_args(Perspective),
            default="server",
            help="whose application it is of: what a server receives, a client sends",
        )

    def text_of(self, router: WebSocketRouter, **options: Any) -> str:
        """Return the document."""
        document = document_of(
            self.descriptions_of(router),
            title=router.title,
            version=router.version,
            description=router.description,
            servers=router.servers,
            spec=options["spec"],
            perspective=options["perspective"],
        )
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
