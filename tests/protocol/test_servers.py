"""Servers are recognised by the scopes that they give, and by no other's."""

from typing import Any, Final

import pytest

from wsendpoints.protocol.asgi import Scope
from wsendpoints.protocol.servers import is_daphne, is_uvicorns_own
from wsendpoints.testing.measured import DIALECTS
from wsendpoints.testing.scopes import build_scope

RESTART: Final = {"type": "websocket.disconnect", "code": 1012}


def scope_of(server: Any) -> Scope:
    """Return a scope as this server gives it."""
    return build_scope("/", headers=None, subprotocols=(), dialect=DIALECTS[server], overrides=None)


@pytest.mark.parametrize("server", DIALECTS)
def test_daphne_alone_is_daphne(server: str) -> None:
    """It gives no name, but no other server's scope is like its."""
    assert is_daphne(scope_of(server)) is (server == "daphne")


def test_scope_of_few_keys_is_not_daphnes() -> None:
    """Those that tests make by hand are of no server."""
    assert not is_daphne({})
    assert not is_daphne({"asgi": {"version": "3.0"}})
    assert not is_daphne({**scope_of("daphne"), "http_version": "1.1"})


@pytest.mark.parametrize("server", DIALECTS)
def test_disconnect_with_a_reason_is_a_clients(server: str) -> None:
    """On every server, even if the reason is empty."""
    assert not is_uvicorns_own({**RESTART, "reason": ""}, scope_of(server))


@pytest.mark.parametrize("server", DIALECTS)
def test_disconnect_without_a_reason_is_of_the_servers_that_tell_reasons(server: str) -> None:
    """The others tell no reason of a client's close either, but of no shutdown by a disconnect."""
    dialect: Any = DIALECTS
    assert is_uvicorns_own(RESTART, scope_of(server)) is dialect[server].tells_reason


def test_scope_of_few_keys_may_be_uvicorns() -> None:
    """One without the usual keys is taken for a server that tells reasons."""
    assert is_uvicorns_own(RESTART, {})
