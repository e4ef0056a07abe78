"""The clients from npm are there, in the versions that are asked for."""

import json

import pytest

from .node import HERE, run


def test_clients_are_those_of_the_package_file() -> None:
    """Each client can be loaded, and has the version of `package.json`."""
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    assert run("versions") == package["dependencies"]


def test_client_that_fails_is_told() -> None:
    """A script that can't be run fails the test, with what it printed."""
    with pytest.raises(RuntimeError, match=r"^clients/missing.mjs failed:\n(?s:.*)Cannot find"):
        run("missing")
