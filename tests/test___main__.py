"""The command as `python -m wsendpoints`."""

import runpy
import sys

import pytest


def test_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exit code is that of the command."""
    monkeypatch.setattr(sys, "argv", ["wsendpoints", "asyncapi", "nothing"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("wsendpoints", run_name="__main__")
    assert caught.value.code == 1
    assert capsys.readouterr().err.startswith("wsendpoints asyncapi: 'nothing' is no MODULE:")


def test_import_runs_nothing() -> None:
    """Only the module that is run is the command."""
    runpy.run_module("wsendpoints.__main__")
