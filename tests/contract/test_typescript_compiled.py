"""The clients in TypeScript, compiled: what must compile does, and what must not doesn't."""

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import examples
from tests.contract import endpoints
from tests.contract.clients import SCRIPTS, compile_all
from tests.contract.clients.app import router
from tests.contract.clients.hostile import HOSTILE
from tests.contract.clients.zoo import Zoo
from wsendpoints import WebSocketEndpoint
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
    ]
    every = {path: it for path, it in classes_in(*found).items() if it.__name__ != "Chat"}
    return {"/rooms/{room}": found[0].Chat, **every}


FILES: Final[Mapping[str, Classes]] = {
    "client": {it.path: it.endpoint for it in router.endpoints()},
    "endpoints": classes_in(endpoints),
    "hostile": HOSTILE,
    "nothing": {},
    "zoo": {"/": Zoo},
}


def test_clients_compile_and_take_nothing_that_is_wrong(tmp_path: Path) -> None:
    """With all that a user may have turned on, as do the scripts that use them in Node."""
    for name, classes in {**FILES, "examples": examples_in(examples)}.items():
        (tmp_path / f"{name}.mts").write_text(typescript(classes), encoding="utf-8")
    for script in SCRIPTS.glob("*.mts"):
        shutil.copy(script, tmp_path)
    assert compile_all(tmp_path) == ""


@pytest.mark.parametrize("name", FILES)
def test_same_classes_have_the_same_client(name: str) -> None:
    """It has nothing of the process in it."""
    assert typescript(FILES[name]) == typescript(FILES[name])
