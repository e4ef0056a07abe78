"""The command that writes documents."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.contract.endpoints import Assistant, Chat
from wsendpoints import Limits, WebSocketEndpoint, cli
from wsendpoints.cli import main
from wsendpoints.contract import describe
from wsendpoints.contract.asyncapi import asyncapi, document_of

LIMITS = Limits(max_message_size=500)


@dataclass
class Route:
    """An endpoint at its path."""

    path: str
    endpoint: Any
    attributes: Any


class Router:
    """What knows its endpoints, as `WebSocketRouter` does."""

    title = "Chats"
    version = "2.0.0"
    description = "All of them."
    servers: Any = {"here": "wss://example.com/ws"}  # noqa: RUF012 - not shared

    def endpoints(self) -> Iterator[Route]:
        yield Route("/chat/{room}", Chat, {})
        yield Route("/assistant", Assistant, {"limits": LIMITS})


class Holder:
    """What has routes, and nothing else to say."""

    title = 5
    routes: Any = {"/chat/{room}": Chat}  # noqa: RUF012 - not shared


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module that the command finds."""
    found: Any = ModuleType("application")
    found.router = Router()
    found.holder = Holder()
    found.Chat = Chat
    found.routes = {"/a": Assistant}
    found.abstract = WebSocketEndpoint
    found.wrong = {"/a": int}
    found.number = 5
    found.texts = ["a"]
    monkeypatch.setitem(sys.modules, "application", found)
    return found  # type: ignore[no-any-return]  # made above


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what the command prints."""
    assert main(["asyncapi", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("module")
def test_document_of_a_router_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """What the router says of itself is in it."""
    assert printed(capsys, "application:router") == document_of(
        [describe(Chat, "/chat/{room}"), describe(Assistant, "/assistant", {"limits": LIMITS})],
        title="Chats",
        version="2.0.0",
        description="All of them.",
        servers={"here": "wss://example.com/ws"},
    )


@pytest.mark.usefixtures("module")
def test_document_of_what_says_nothing_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """A class is at `/`, and a mapping, or what has one, has paths alone."""
    found = printed(capsys, "application:Chat")
    assert found == asyncapi({"/": Chat}, title="Chat", version="0.1.0")
    routes = {"/chat/{room}": Chat}
    found = printed(capsys, "application:holder")
    assert found == asyncapi(routes, title="WebSocket API", version="0.1.0")
    found = printed(capsys, "application:holder.routes")
    assert found == asyncapi(routes, title="WebSocket API", version="0.1.0")


@pytest.mark.usefixtures("module")
def test_options_are_taken(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The document may be of a client, in a newer version, and in a file."""
    path = tmp_path / "asyncapi.json"
    options = ("--version", "3.1.0", "--perspective", "client", "--output", str(path))
    assert main(["asyncapi", "application:Chat", *options]) == 0
    assert capsys.readouterr() == ("", "")
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    expected: Any = {"title": "Chat", "version": "0.1.0", "spec": "3.1.0", "perspective": "client"}
    assert json.loads(text) == asyncapi({"/": Chat}, **expected)


USE = "use a router, a subclass of WebSocketEndpoint, or a mapping of paths to such classes"


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("application", "'application' is no MODULE:ATTRIBUTE, such as chat.app:router"),
        (":router", "':router' is no MODULE:ATTRIBUTE, such as chat.app:router"),
        ("missing.module:router", "there is no module 'missing'"),
        ("wsendpoints.missing:router", "there is no module 'wsendpoints.missing'"),
        ("application:missing", "application has no attribute 'missing'"),
        ("application:router.missing", "application has no attribute 'router.missing'"),
        ("application:number", f"application:number is 5: {USE}"),
        ("application:wrong", f"application:wrong is {{'/a': <class 'int'>}}: {USE}"),
        ("application:texts", f"application:texts is ['a']: {USE}"),
        ("application:abstract", "WebSocketEndpoint is abstract: serve a subclass of it"),
    ],
)
def test_failure_is_told(capsys: pytest.CaptureFixture[str], target: str, text: str) -> None:
    """What leads nowhere is told in one line, without a traceback."""
    assert main(["asyncapi", target]) == 1
    assert capsys.readouterr() == ("", f"wsendpoints asyncapi: {text}\n")


@pytest.mark.usefixtures("module")
def test_file_that_can_not_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the system says is told."""
    output = str(tmp_path / "missing" / "asyncapi.json")
    assert main(["asyncapi", "application:Chat", "--output", output]) == 1
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["openapi"], ["asyncapi"], ["asyncapi", "a:b", "--version", "2.6.0"]]
)
def test_wrong_argument(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """How the command is used is told, with the exit code of argparse."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: wsendpoints")


def test_module_that_fails_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the application keeps its traceback."""
    (tmp_path / "failing_application.py").write_text("import not_there_at_all\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", *sys.path])
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        main(["asyncapi", "failing_application:router"])


def test_command_finds_modules_of_its_folder(tmp_path: Path) -> None:
    """As installed, it looks where it is called."""
    (tmp_path / "here.py").write_text(
        "from wsendpoints import WebSocketEndpoint\n\n"
        "class Echo(WebSocketEndpoint):\n    encoding = 'text'\n",
        encoding="utf-8",
    )
    code = "import sys; sys.path.remove(''); from wsendpoints.cli import main; sys.exit(main())"
    done = subprocess.run(  # noqa: S603 - it is ours
        [sys.executable, "-c", code, "asyncapi", "here:Echo"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout)["channels"]["Echo"]["address"] == "/"


def test_command_is_installed() -> None:
    """The package has the command, which is this function."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    scripts = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"wsendpoints": "wsendpoints.cli:main"}
    assert cli.main is main
