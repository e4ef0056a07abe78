"""The notebooks in FastAPI and in Litestar, by the test client of each."""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Any, Literal

import fastapi.testclient
import litestar.testing
import pytest
from litestar.exceptions import WebSocketDisconnect
from starlette.testclient import WebSocketDenialResponse

from examples.hosts import fastapi_app, litestar_app
from examples.hosts.notes import database

ADA = {"x-token": "ada-token"}
GRACE = {"x-token": "grace-token"}
HOME = "/notebooks/ada-home"


@contextmanager
def fastapi_client(backend: Literal["asyncio", "trio"]) -> Generator[Any]:
    """Return FastAPI's own."""
    with fastapi.testclient.TestClient(fastapi_app.app, backend=backend) as client:
        yield client


@contextmanager
def litestar_client() -> Generator[Any]:
    """Return Litestar's own."""
    with litestar.testing.TestClient(litestar_app.app) as client:
        yield client


CLIENTS: dict[str, Callable[[], Any]] = {
    "FastAPI": lambda: fastapi_client("asyncio"),
    "FastAPI on trio": lambda: fastapi_client("trio"),
    "Litestar": litestar_client,
}


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Generator[Any]:
    """Return a client of each application."""
    with CLIENTS[request.param]() as client:
        yield client


@pytest.fixture(params=["asyncio", "trio"])
def of_fastapi(request: pytest.FixtureRequest) -> Generator[Any]:
    """Return a client of FastAPI's."""
    with fastapi_client(request.param) as client:
        yield client


@pytest.fixture
def of_litestar() -> Generator[Any]:
    """Return a client of Litestar's."""
    with litestar_client() as client:
        yield client


def say(websocket: Any, **message: Any) -> Any:
    """Send a message, and return the answer."""
    websocket.send_json(message)
    return websocket.receive_json()


def test_a_note_is_there_for_http_too(client: Any) -> None:
    """Both have the same dependencies, and the session of a message was committed."""
    with client.websocket_connect(HOME, headers=ADA) as websocket:
        assert say(websocket, type="count") == {"type": "counted", "notes": 0}
        assert say(websocket, type="write", text="buy milk") == {"type": "counted", "notes": 1}
        assert say(websocket, type="write", text="")["code"] == "invalid_message"
        assert say(websocket, type="count") == {"type": "counted", "notes": 1}
        assert client.get(HOME, headers=ADA).json() == ["buy milk"]
    with client.websocket_connect("/notebooks/ada-work", headers=ADA) as websocket:
        assert say(websocket, type="count") == {"type": "counted", "notes": 0}


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (GRACE, 403)], ids=["401", "403"])
def test_requests_are_refused(client: Any, headers: dict[str, str], status: int) -> None:
    """Who is not known, and who has another notebook."""
    assert client.get(HOME, headers=headers).status_code == status


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (GRACE, 403)], ids=["401", "403"])
def test_fastapi_refuses_a_websocket_as_it_refuses_a_request(
    of_fastapi: Any, headers: dict[str, str], status: int
) -> None:
    """With the same status, and the same body."""
    answer = of_fastapi.get(HOME, headers=headers)
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        of_fastapi.websocket_connect(HOME, headers=headers),
    ):
        pass
    assert (denied.value.status_code, denied.value.json()) == (status, answer.json())


def test_a_browser_of_fastapi_has_the_token_in_a_cookie(of_fastapi: Any) -> None:
    """A page can't set a header."""
    of_fastapi.cookies.set("token", "ada-token")
    with of_fastapi.websocket_connect(HOME) as websocket:
        assert say(websocket, type="count") == {"type": "counted", "notes": 0}


def test_a_test_overrides_a_dependency_of_fastapi(of_fastapi: Any) -> None:
    """As in any of FastAPI's."""
    with database() as sessions:
        app = fastapi_app.app
        app.dependency_overrides[fastapi_app.get_sessions] = lambda: sessions
        try:
            with of_fastapi.websocket_connect(HOME, headers=ADA) as websocket:
                say(websocket, type="write", text="buy milk")
        finally:
            app.dependency_overrides.clear()
        with closing(sessions()) as session:
            rows = session.execute("SELECT * FROM notes").fetchall()
        assert rows == [("ada", "ada-home", "buy milk")]
    assert of_fastapi.get(HOME, headers=ADA).json() == []


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({}, "who are you?"), (GRACE, "this is not your notebook")],
    ids=["nobody", "another"],
)
def test_litestar_closes_a_websocket_that_a_guard_refuses(
    of_litestar: Any, headers: dict[str, str], reason: str
) -> None:
    """A server makes it a 403, whatever the guard raised."""
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        of_litestar.websocket_connect(HOME, headers=headers),
    ):
        pass
    assert (closed.value.code, closed.value.detail) == (4500, reason)
