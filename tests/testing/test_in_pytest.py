"""What pytest shows of a test that fails: the test's own lines, and the application's exception."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

APP: Final = """
import pytest
from wsendpoints import WebSocketEndpoint
from wsendpoints.testing import connect

class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket, data):
        if data == "fail":
            raise KeyError("of the application")
        return data

@pytest.mark.anyio
async def test_echo():
    async with connect(Echo.as_asgi(), timeout=0.1) as client:
"""

FAILURES: Final = {
    "the application fails": (
        'await client.send("fail"); await client.receive_text()',
        "KeyError: 'of the application'",
    ),
    "it fails, and another close is expected": (
        'await client.send("fail"); await client.expect_close(1000)',
        "KeyError: 'of the application'",
    ),
    "it fails on leaving": ('await client.send("fail")', "KeyError: 'of the application'"),
    "nothing comes": (
        "await client.receive_text()",
        "wsendpoints.testing.errors.UnexpectedEventError: awaited a text frame, but nothing came",
    ),
    "something else comes": (
        'await client.send("x"); await client.receive_bytes()',
        "wsendpoints.testing.errors.UnexpectedEventError: awaited a binary frame, but a text frame",
    ),
    "what comes is not valid": (
        'await client.send("x"); await client.receive(int)',
        "wsendpoints.testing.errors.UnexpectedEventError: awaited int, but a text frame came",
    ),
}


def run(directory: Path, line: str) -> str:
    """Return what pytest prints of a test with a line."""
    test = directory / "test_echo.py"
    test.write_text(f"{APP}        {line}\n", encoding="utf-8")
    (directory / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["-p", "no:cacheprovider", "-p", "anyio.pytest_plugin", "-k", "asyncio", "--tb=short"]
    ended = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "pytest", "-c", directory / "pytest.ini", *options, test],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize(("line", "summary"), FAILURES.values(), ids=FAILURES)
def test_failure_is_told_by_its_cause(line: str, summary: str, tmp_path: Path) -> None:
    """The short summary has it, and the traceback has no frame of the test client's."""
    printed = run(tmp_path, line)
    last = next(text for text in printed.splitlines() if text.startswith("FAILED"))
    assert f" - {summary}" in last
    assert "wsendpoints/testing/" not in printed.split("short test summary")[0]
    assert "in test_echo" in printed
