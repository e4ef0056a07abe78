"""The examples do what they declare."""

from typing import Any

import pytest

from examples import (
    chat,
    dashboard,
    echo,
    graphql_transport_ws,
    ocpp_central_system,
    presence,
    stream,
)
from examples.mounting import greeter
from wsendpoints import WebSocketEndpoint, WebSocketRouter
from wsendpoints.contract.asyncapi import asyncapi
from wsendpoints.fuzzing import InProcess, fuzz

pytestmark = pytest.mark.anyio

EXAMPLES: dict[str, Any] = {
    "/rooms/{room}": chat.Chat,
    "/dashboard": dashboard.Dashboard,
    "/echo": echo.Echo,
    "/graphql": graphql_transport_ws.GraphQL,
    "/greeter/{room}": greeter.Greeter,
    "/ocpp/{id}": ocpp_central_system.CentralSystem,
    "/presence": presence.Page,
    "/stream": stream.Answers,
}

CODES = frozenset({4400, 4401, 4409, 4429, 4500})
"""Those of graphql-transport-ws."""


@pytest.mark.parametrize("path", EXAMPLES)
async def test_nothing_is_found(path: str) -> None:
    """Nothing is found of any of them."""
    cls: type[WebSocketEndpoint[Any]] = EXAMPLES[path]
    attributes = {"model": stream.FakeModel(0)} if cls is stream.Answers else {}
    router = WebSocketRouter({path: cls.as_asgi(**attributes)})
    document = asyncapi({path: cls}, title="Examples", version="1.0.0")
    report = await fuzz(document, InProcess(router), messages=75, seed=1, codes=CODES)
    assert str(report).endswith("\nno failure")
    assert report.connections > 0
