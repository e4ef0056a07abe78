"""docs/testing.md: every block of Python in it runs, and its tests pass."""

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args

import pytest

from wsendpoints.testing import DIALECTS, ServerName

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


@pytest.mark.parametrize("name", BLOCKS.keys() - {"app"})
async def test_the_blocks_tests_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is run as pytest would, with every server where it wants one."""
    run_block("app", monkeypatch)
    tests = functions_of(run_block(name, monkeypatch))
    assert tests
    for test in tests:
        takes_server = "server" in inspect.signature(test).parameters
        for arguments in [(server,) for server in get_args(ServerName)] if takes_server else [()]:
            await test(*arguments)


def test_the_table_is_that_of_the_dialects() -> None:
    """What the page says of each server is what is played."""
    lines = [line.strip("| ") for line in PAGE.splitlines() if line.startswith("|")]
    rows = [re.split(r"\s*\|\s*", line) for line in lines]
    servers, table = rows[0], {row[0]: row[1:] for row in rows[2:]}
    words: dict[object, str] = {
        "oserror": "`OSError`",
        "runtime_error": "`RuntimeError`",
        "silent": "silence",
        "disconnects": "1012",
        "kills": "ends",
        None: "`None`",
    }
    for number, server in enumerate(servers):
        dialect = DIALECTS[server]  # type: ignore[index]  # pyright: ignore[reportArgumentType]  # a name
        received = dialect.send_once_received
        told = {
            "`send` after the client left": dialect.send_after_disconnect,
            "… once the disconnect was received": dialect.send_after_disconnect
            if received == "same"
            else received,
            "a second `receive` of the disconnect": dialect.second_receive,
            "the app is told the client's code": dialect.told_code or "yes",
            "… where there was none": dialect.told_no_code,
            "… where the connection was lost": dialect.told_reset,
            "keys of a frame's event": "both" if dialect.both_keys else "one",
            "denial response": ("one body event" if dialect.single_denial_body else "yes")
            if dialect.denial_response
            else "no",
            "headers of the accept arrive": "yes" if dialect.accept_headers else "no",
            "close with 1001 to 2999": "raises" if 1001 in dialect.refused_codes else "yes",
            "a close while a `receive` is pending": "waits for it"
            if dialect.close_awaits_receive
            else "goes out",
            "empty messages arrive": "yes" if dialect.empty_messages else "no",
            "shutdown": dialect.shutdown,
            "the app returns without a close: client sees": "nothing"
            if dialect.return_stays_open
            else dialect.return_code,
        }
        assert {key: row[number] for key, row in table.items()} == {
            key: words.get(value, str(value)) for key, value in told.items()
        }
    twins: list[tuple[ServerName, ServerName]] = [
        ("uvicorn-wsproto", "uvicorn"),
        ("hypercorn-trio", "hypercorn"),
    ]
    for twin, of in twins:
        assert replace(DIALECTS[twin], name=None) == replace(DIALECTS[of], name=None)
