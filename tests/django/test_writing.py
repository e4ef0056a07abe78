"""What a command writes, and of which router."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command  # type: ignore[import-untyped]  # Django has no types
from django.test.utils import override_settings  # type: ignore[import-untyped]  # Django has no types

from tests.django.asgi import application
from wsendpoints import WebSocketRouter
from wsendpoints.django import writing
from wsendpoints.django.writing import WritingCommand


class Command(WritingCommand):
    """Writes the title."""

    def text_of(self, router: WebSocketRouter, **options: Any) -> str:
        return f"{router.title}, of {len(self.descriptions_of(router))}\n"


def run(*arguments: str) -> str:
    """Run it, and return what it printed."""
    stdout = StringIO()
    call_command(Command(), *arguments, stdout=stdout)
    return stdout.getvalue()


def test_router_is_that_of_the_project() -> None:
    """Unless another one is named."""
    assert run() == "Rooms, of 1\n"
    assert run("tests.django.sockets.routes") == "WebSocket API, of 1\n"
    with override_settings(ASGI_APPLICATION="tests.django.test_writing.application"):
        assert run() == "Rooms, of 1\n"
    assert application.router.title == "Rooms"


def test_it_may_be_written_to_a_file(tmp_path: Path) -> None:
    """And is not printed then."""
    path = tmp_path / "file"
    assert run("--output", str(path)) == ""
    assert path.read_text() == "Rooms, of 1\n"


@pytest.mark.parametrize("name", [None, "tests.django.sockets.router"])
def test_project_without_an_application_names_its_router(name: str | None) -> None:
    """It is told how."""
    with override_settings(ASGI_APPLICATION=name), pytest.raises(CommandError) as caught:
        run()
    assert str(caught.value) == (
        f"ASGI_APPLICATION is {name!r}: set it to the dotted path of what "
        "wsendpoints.django.get_asgi_application(...) returned, or name the router, as in "
        "`manage.py asyncapi mysite.sockets.router`"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing.at.all"], "No module named 'nothing'"),
        (["tests.django.sockets.Chat"], "'tests.django.sockets.Chat' is no router"),
        (["--output", "/nonexistent/file"], "No such file"),
    ],
)
def test_what_leads_nowhere_is_told(arguments: list[str], text: str) -> None:
    """Without a traceback."""
    with pytest.raises(CommandError, match=text):
        run(*arguments)


def test_each_command_says_what_it_writes() -> None:
    """The class alone writes nothing."""
    with pytest.raises(NotImplementedError):
        call_command(writing.WritingCommand())
