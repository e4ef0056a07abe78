"""After which close codes clients come back: the one that is written here, and those of others."""

from typing import Any, Final

import pytest
from openai.types.websocket_reconnection import is_recoverable_close

from tests.contract.clients.app import Shout
from wsendpoints.contract.comebacks import comeback_after
from wsendpoints.contract.typescript import typescript

from .node import run

CODES: Final = [1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4401]

TRIES: Final = {
    "centrifuge": [10, 10, 10, 10, 10, 1, 10, 10, 10, 10],
    "graphql-ws": [601, 22, 1, 1, 1, 1, 1, 22, 22, 1],
    "ours": [1, 5, 1, 1, 1, 1, 8, 5, 5, 1],
    "partysocket": [9] * 10,
    "phoenix": [546] * 10,
}
"""How often each connects within a minute, to a server that takes it, and closes after 0.1 s."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the tries of each client after each code, and the shortest time between two."""
    client = tmp_path_factory.mktemp("others") / "client.mts"
    client.write_text(typescript({"/shout": Shout}), encoding="utf-8")
    return run("reconnecting", str(client), ",".join(map(str, CODES)))


@pytest.mark.parametrize("client", TRIES)
def test_tries_in_a_minute(client: str, found: Any) -> None:
    """Others come back after codes that mean never, and some at once, for ever."""
    assert [found[client][f"{code}"]["tries"] for code in CODES] == TRIES[client]


def test_ours_never_loops(found: Any) -> None:
    """It comes back once a second at the most."""
    assert all(it["shortest"] >= 1000 for it in found["ours"].values())


@pytest.mark.parametrize("code", CODES)
def test_openai_comes_back_as_ours_does(code: int) -> None:
    """Its client has a table as well, and takes five tries."""
    assert is_recoverable_close(code) is (comeback_after(code) in ("retry", "later"))
