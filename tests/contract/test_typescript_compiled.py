"""The clients in TypeScript, compiled: what must compile does, and what must not doesn't."""

import importlib
import inspect
import pkgutil
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

import examples
from tests.contract import endpoints
from tests.contract.clients import SCRIPTS, compile_all
from tests.contract.clients.app import router
from tests.contract.clients.hostile import HOSTILE
from tests.contract.clients.zoo import Zoo
from wsendpoints import WebSocketEndpoint, WebSocketRouter
from wsendpoints.contract.typescript import typescript

Classes = Mapping[str, type[WebSocketEndpoint[Any]]]


def classes_in(*modules: Any) -> Classes:
    """Return the endpoint classes that modules define, by paths."""
    every: dict[str, Any] = {
        f"/{module.__name__}/{name}": found
        for module in modules
        for name, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__
    }
    for path, found in [*every.items()]:
        if not issubclass(found, WebSocketEndpoint):
            del every[path]
    return every


def examples_in(package: Any) -> Classes:
    """Return the endpoint classes of all examples, by paths."""
    found = [
        importlib.import_module(it.name)
        for it in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        # Each sets up Django for itself, which a process can do once.
        if not it.name.startswith(("examples.comparison", "examples.django_chat"))
    ]
    every = {path: it for path, it in classes_in(*found).items() if it.__name__ != "Chat"}
    return {"/rooms/{room}": importlib.import_module("examples.chat").Chat, **every}


FILES: Final[Mapping[str, Classes]] = {
    "client": {it.path: it.endpoint for it in router.endpoints()},
    "endpoints": classes_in(endpoints),
    "hostile": HOSTILE,
    "nothing": {},
    "zoo": {"/": Zoo},
}


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> tuple[Classes, str]:
    """Return the endpoint of the documentation, and what that has in TypeScript."""
    page = (Path(__file__).parents[2] / "docs" / "typescript.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    module: Any = ModuleType("documented")
    monkeypatch.setitem(sys.modules, "documented", module)
    names: dict[str, Any] = module.__dict__
    exec(compile(source, "docs/typescript.md", "exec"), names)  # noqa: S102 - our own
    blocks = re.findall(r"^```typescript\n(.*?)^```$", page, re.M | re.S)
    router: WebSocketRouter = module.router
    return {it.path: it.endpoint for it in router.endpoints()}, "\n".join(blocks)


def test_clients_compile_and_take_nothing_that_is_wrong(
    tmp_path: Path, documented: tuple[Classes, str]
) -> None:
    """With all that a user may have turned on. So do scripts in Node, and the documentation."""
    shown, blocks = documented
    every = {**FILES, "examples": examples_in(examples), "shown": shown}
    for name, classes in every.items():
        (tmp_path / f"{name}.mts").write_text(typescript(classes), encoding="utf-8")
    blocks = blocks.replace("./client.ts", "./shown.mts")
    (tmp_path / "documented.mts").write_text(blocks, encoding="utf-8")
    for script in SCRIPTS.glob("*.mts"):
        shutil.copy(script, tmp_path)
    assert compile_all(tmp_path) == ""


@pytest.mark.parametrize("name", FILES)
def test_same_classes_have_the_same_client(name: str) -> None:
    """It has nothing of the process in it."""
    assert typescript(FILES[name]) == typescript(FILES[name])
