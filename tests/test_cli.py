"""The command that writes documents, compares them, and holds applications to them."""

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
from fastapi import FastAPI

from tests.contract.endpoints import Assistant, Calculator, Chat
from wsendpoints import Limits, WebSocketEndpoint, WebSocketRouter, cli
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
    found.Assistant = Assistant
    found.routes = {"/a": Assistant}
    found.abstract = WebSocketEndpoint
    found.wrong = {"/a": int}
    found.number = 5
    found.texts = ["a"]
    found.fastapi = FastAPI(title="Theirs", version="3.0.0")
    found.fastapi.websocket("/plain")(Assistant.as_route())
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
def test_document_of_an_application_of_a_framework(capsys: pytest.CaptureFixture[str]) -> None:
    """Its endpoints are found in its routes, and it is called as it calls itself."""
    found = printed(capsys, "application:fastapi")
    assert found == asyncapi({"/plain": Assistant}, title="Theirs", version="3.0.0")
    assert main(["typescript", "application:fastapi"]) == 0
    assert 'path: "/plain"' in capsys.readouterr().out


@pytest.mark.usefixtures("module")
def test_application_of_a_framework_is_checked_and_fuzzed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The other commands take it, too."""
    path = tmp_path / "asyncapi.json"
    assert main(["asyncapi", "application:fastapi", "--output", str(path)]) == 0
    assert main(["check", "application:fastapi", "--against", str(path)]) == 0
    assert capsys.readouterr().out == "0 breaking, 0 warnings\n"
    assert main(["fuzz", "application:fastapi", "--messages", "20", "--seed", "1"]) == 0


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


USE = (
    "use a router, an application of FastAPI, Starlette or Litestar, a subclass of "
    "WebSocketEndpoint, or a mapping of paths to such classes"
)


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


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the file of an older document."""
    path = tmp_path / "old.asyncapi.json"
    document = asyncapi({"/": Chat}, title="Chat", version="0.1.0")
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.usefixtures("module")
def test_compatible_is_zero(capsys: pytest.CaptureFixture[str], old: Path) -> None:
    """What breaks nobody is no failure."""
    assert main(["check", "application:Chat", "--against", str(old)]) == 0
    assert capsys.readouterr() == ("0 breaking, 0 warnings\n", "")


@pytest.mark.usefixtures("module")
def test_breaking_is_one(capsys: pytest.CaptureFixture[str], old: Path) -> None:
    """What breaks old clients is told, and is a failure."""
    assert main(["check", "application:routes", "--against", str(old)]) == 1
    assert capsys.readouterr() == (
        (
            "breaking: /: there is no endpoint at this path: clients can't connect\n"
            "1 breaking, 0 warnings\n"
        ),
        "",
    )


@pytest.mark.usefixtures("module")
def test_changes_are_told_as_json(capsys: pytest.CaptureFixture[str], old: Path) -> None:
    """For programs, each change has its parts."""
    command = ["check", "application:routes", "--against", str(old), "--format", "json"]
    assert main(command) == 1
    assert json.loads(capsys.readouterr().out) == {
        "compatible": False,
        "findings": [
            {
                "severity": "breaking",
                "channel": "/",
                "message": "",
                "where": "",
                "what": "there is no endpoint at this path",
                "why": "clients can't connect",
            }
        ],
    }


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory"),
        ("{", "Expecting property name"),
        ("[]", "is no document that `wsendpoints asyncapi` has written"),
    ],
)
def test_wrong_document_is_two(
    capsys: pytest.CaptureFixture[str], old: Path, content: str | None, told: str
) -> None:
    """What can't be compared is told apart from what is not compatible."""
    old.unlink()
    if content is not None:
        old.write_text(content, encoding="utf-8")
    assert main(["check", "application:Chat", "--against", str(old)]) == 2
    assert told in capsys.readouterr().err


def test_wrong_target_of_a_check_is_two(capsys: pytest.CaptureFixture[str], old: Path) -> None:
    """So is a module that is not there."""
    assert main(["check", "missing:router", "--against", str(old)]) == 2
    assert capsys.readouterr() == ("", "wsendpoints check: there is no module 'missing'\n")


FUZZ = ("--messages", "30", "--seed", "1")


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize("target", ["application:routes", "application:Assistant"])
def test_nothing_is_found(capsys: pytest.CaptureFixture[str], target: str) -> None:
    """A class, or a mapping, is served in this process."""
    assert main(["fuzz", target, *FUZZ]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("seed 1: 30 messages (")
    assert out.endswith("no failure\n")
    assert err == ""


def test_failure_is_one(capsys: pytest.CaptureFixture[str], module: Any) -> None:
    """What fails is told; a router is served as it is, and started."""
    module.failing = WebSocketRouter({"/calculator": Calculator})
    assert main(["fuzz", "application:failing", *FUZZ]) == 1
    assert "failure: /calculator: closed with 1011: it failed" in capsys.readouterr().out


@pytest.mark.usefixtures("module")
def test_time_and_headers_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A run may end by the time, and each has a seed that is told."""
    options = ("--time", "0", "--header", "Authorization: Bearer a", "--allow-code", "4000")
    assert main(["fuzz", "application:Chat", *options]) == 0
    assert capsys.readouterr().out.endswith(
        ": 0 messages (none) by 0 connections, 0 answers\nno failure\n"
    )


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--header", "nothing"), "--header 'nothing': use --header \"NAME: VALUE\""),
        (("--header", "a b: c"), "--header 'a b: c': use --header \"NAME: VALUE\""),
        (("--url", "a"), "'a': use a URL such as \"ws://localhost:8000/api\""),
    ],
)
def test_wrong_option_is_two(
    capsys: pytest.CaptureFixture[str], options: tuple[str, str], told: str
) -> None:
    """What leads nowhere is told apart from what fails."""
    assert main(["fuzz", "application:Chat", *options, *FUZZ]) == 2
    assert capsys.readouterr() == ("", f"wsendpoints fuzz: {told}\n")
