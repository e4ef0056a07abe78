"""`manage.py asyncapi`."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command  # type: ignore[import-untyped]  # Django has no types

from tests.django.sockets import router
from wsendpoints.contract.asyncapi import asyncapi


def run(*arguments: str) -> Any:
    """Run it, and return the document."""
    stdout = StringIO()
    call_command("asyncapi", *arguments, stdout=stdout)
    return json.loads(stdout.getvalue())


def test_document_is_the_one_that_is_served() -> None:
    """With the title of the router, and its paths."""
    endpoints = {it.path: it.endpoint for it in router.endpoints()}
    assert run() == json.loads(json.dumps(asyncapi(endpoints, title="Rooms", version="0.1.0")))


def test_document_may_be_of_another_version_and_side() -> None:
    """As with `wsendpoints asyncapi`."""
    assert run("--spec", "3.1.0")["asyncapi"] == "3.1.0"
    (operation, *_) = run("--perspective", "client")["operations"].values()
    assert operation != next(iter(run()["operations"].values()))
    with pytest.raises(CommandError, match="invalid choice"):
        run("--spec", "2")
