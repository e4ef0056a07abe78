"""The blocks of docs/django.md run, each as the module that its first line names."""

import importlib
import re
import sys
import unittest
from pathlib import Path
from types import ModuleType

import pytest

from tests.django.project import Users

PAGE = Path(__file__).parents[2] / "docs" / "django.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Run the blocks, and return those that have a name."""
    for package in ("mysite", "chat"):
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    # What the page takes for granted.
    models = importlib.import_module("examples.django_chat.models")
    monkeypatch.setitem(sys.modules, "chat.models", models)
    found: dict[str, ModuleType] = {}
    for block in BLOCKS:
        named = re.match(r"# ([\w/]+)\.py\n", block)
        name = named[1].replace("/", ".") if named else "documented"
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(block, name, "exec"), module.__dict__)  # noqa: S102 - our own
        found[name] = module
    return found


@pytest.mark.usefixtures("database")
def test_blocks_are_a_project_whose_tests_pass(modules: dict[str, ModuleType]) -> None:
    """Its application has the router."""
    assert modules["mysite.asgi"].application.router is modules["mysite.sockets"].router
    # They begin with a database that has nobody.
    Users.objects.all().delete()
    suite = unittest.defaultTestLoader.loadTestsFromModule(modules["chat.tests"])
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == 3
    assert [text for _, text in (*result.errors, *result.failures)] == []
