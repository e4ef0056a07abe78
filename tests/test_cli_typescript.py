"""The command that writes clients in TypeScript."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.contract.endpoints import Assistant, Chat
from wsendpoints import Limits, WebSocketEndpoint, WebSocketRouter
from wsendpoints.cli import main
from wsendpoints.contract import describe
from wsendpoints.contract.typescript import client_of, typescript

LIMITS = Limits(close_codes={"rate": 4429})


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module that the command finds."""
    found: Any = ModuleType("application")
    app = Assistant.as_asgi(limits=LIMITS)
    found.router = WebSocketRouter({"/chat/{room:path}": Chat, "/assistant": app})
    found.Chat = Chat
    found.routes = {"/a": Assistant}
    found.abstract = WebSocketEndpoint
    found.number = 5
    monkeypatch.setitem(sys.modules, "application", found)
    return found  # type: ignore[no-any-return]  # made above


@pytest.mark.usefixtures("module")
def test_client_of_a_router_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """It knows the paths as the router has them, and what is given there."""
    assert main(["typescript", "application:router"]) == 0
    assert capsys.readouterr().out == client_of(
        [
            describe(Chat, "/chat/{room:path}"),
            describe(Assistant, "/assistant", {"limits": LIMITS}),
        ]
    )


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("target", "routes"),
    [("Chat", {"/": Chat}), ("routes", {"/a": Assistant})],
)
def test_client_of_classes(
    target: str, routes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A class alone is at `/`. It may be written to a file."""
    path = tmp_path / "client.ts"
    assert main(["typescript", f"application:{target}", "--output", str(path)]) == 0
    assert capsys.readouterr() == ("", "")
    assert path.read_text(encoding="utf-8") == typescript(routes)


USE = (
    "use a router, an application of FastAPI, Starlette or Litestar, a subclass of "
    "WebSocketEndpoint, or a mapping of paths to such classes"
)


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("application", "'application' is no MODULE:ATTRIBUTE, such as chat.app:router"),
        ("missing.module:router", "there is no module 'missing'"),
        ("application:router.missing", "application has no attribute 'router.missing'"),
        ("application:number", f"application:number is 5: {USE}"),
        ("application:abstract", "WebSocketEndpoint is abstract: serve a subclass of it"),
    ],
)
def test_failure_is_told(capsys: pytest.CaptureFixture[str], target: str, text: str) -> None:
    """What leads nowhere is told in one line, without a traceback."""
    assert main(["typescript", target]) == 1
    assert capsys.readouterr() == ("", f"wsendpoints typescript: {text}\n")


@pytest.mark.usefixtures("module")
def test_file_that_can_not_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the system says is told."""
    output = str(tmp_path / "missing" / "client.ts")
    assert main(["typescript", "application:Chat", "--output", output]) == 1
    assert "No such file or directory" in capsys.readouterr().err


def test_module_that_fails_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the application keeps its traceback. Modules are found where the command is."""
    (tmp_path / "failing_client.py").write_text("import not_there_at_all\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [it for it in sys.path if it])
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        main(["typescript", "failing_client:router"])
