"""The pages on testing and on servers: what they show runs, and what they say of servers is so."""

import inspect
import re
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args

import pytest

from wsendpoints.testing import ServerName
from wsendpoints.testing.measured import FACTS

from .tables import TABLES, render

pytestmark = pytest.mark.anyio

PAGE: Final = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")

BLOCKS: Final[dict[str, str]] = {
    name: code
    for code, name in re.findall(r"^```python\n(# (\w+)\.py\n.*?)^```$", PAGE, re.M | re.S)
}


def run_block(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the block as the module that it says it is."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(BLOCKS[name], f"docs/testing.md, {name}", "exec"), module.__dict__)  # noqa: S102 - our own
    return module


def functions_of(module: ModuleType) -> list[Callable[..., Any]]:
    """Return the test functions of a module."""
    functions = inspect.getmembers(module, inspect.iscoroutinefunction)
    return [function for name, function in functions if name.startswith("test_")]


def test_every_block_has_a_name() -> None:
    """A block without the name of a file would not be run."""
    assert PAGE.count("```python\n") == len(BLOCKS)


def test_the_block_for_unittest_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is run as unittest would."""
    run_block("app", monkeypatch)
    module = run_block("test_with_unittest", monkeypatch)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    assert result.testsRun == 1
    assert result.wasSuccessful(), [*result.errors, *result.failures]


@pytest.mark.parametrize("name", [it for it in BLOCKS if it not in ("app", "test_with_unittest")])
async def test_the_blocks_tests_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is run as pytest would, with every server where it wants one."""
    run_block("app", monkeypatch)
    tests = functions_of(run_block(name, monkeypatch))
    assert tests
    for test in tests:
        takes_server = "server" in inspect.signature(test).parameters
        for arguments in [(server,) for server in get_args(ServerName)] if takes_server else [()]:
            await test(*arguments)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_the_table_is_that_of_the_facts(path: Path) -> None:
    """What a page says of each server is what is known of it: `python -m tests.testing.tables`."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert "".join(line for line in lines if line.startswith("|")) == render(TABLES[path])


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_the_versions_are_those_of_the_facts(path: Path) -> None:
    """What a page names is what was measured."""
    words = " ".join(path.read_text(encoding="utf-8").split())
    for name, facts in FACTS.items():
        assert re.search(rf"{name.partition('-')[0]} {re.escape(facts.version)}\b(?!\.\d)", words)
