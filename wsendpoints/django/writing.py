"""What the commands have in common that write something of a project's router."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.core.management.base import CommandError  # type: ignore[import-untyped]  # Django has no types
from django.utils.module_loading import import_string  # type: ignore[import-untyped]  # Django has no types

from wsendpoints.contract import Description, describe
from wsendpoints.django.asgi import DjangoApplication, router_of
from wsendpoints.protocol.exceptions import ConfigurationError
from wsendpoints.router import WebSocketRouter

if TYPE_CHECKING:
    # A class whose base has no types would have none itself.
    BaseCommand = object
else:
    from django.core.management.base import BaseCommand

__all__ = ["WritingCommand"]


class WritingCommand(BaseCommand):
    """Writes something of a router, to stdout or into a file."""

    stdout: Any
    requires_system_checks: Sequence[str] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what all of them take."""
        parser.add_argument(
            "router",
            nargs="?",
            help="its dotted path, such as mysite.sockets.router; by default, that of the "
            "application in ASGI_APPLICATION",
        )
        parser.add_argument("--output", metavar="FILE", help="write it there, not to stdout")

    def handle(self, *args: Any, router: str | None, output: str | None, **options: Any) -> None:
        """Write it.

        Raises:
            CommandError: There is no such router; it has what can't be written; or the file can't
                be written.
        """
        try:
            text = self.text_of(_router_at(router), **options)
            if output is None:
                self.stdout.write(text, ending="")
            else:
                Path(output).write_text(text, encoding="utf-8")
        except (ConfigurationError, ImportError, OSError) as exc:
            raise CommandError(str(exc)) from exc

    def text_of(self, router: WebSocketRouter, **options: Any) -> str:
        """Return what is written of a router."""
        raise NotImplementedError

    def descriptions_of(self, router: WebSocketRouter) -> list[Description]:
        """Return what the endpoints of a router declare."""
        return [describe(it.endpoint, it.path, it.attributes) for it in router.endpoints()]


def _router_at(path: str | None) -> WebSocketRouter:
    if path is not None:
        return router_of(path)
    name = getattr(settings, "ASGI_APPLICATION", None)
    application: Any = None if name is None else import_string(name)
    if not isinstance(application, DjangoApplication):
        raise CommandError(
            f"ASGI_APPLICATION is {name!r}: set it to the dotted path of what "
            "wsendpoints.django.get_asgi_application(...) returned, or name the router, as in "
            "`manage.py asyncapi mysite.sockets.router`"
        )
    return application.router
