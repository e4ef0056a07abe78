"""The notebooks in FastAPI and in Litestar, on uvicorn, as a client sees them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.interop.servers import SERVERS, Process
from tests.ports import HOST

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

ADA = {"x-token": "ada-token"}


@pytest.fixture(params=["fastapi", "litestar"])
def host(request: pytest.FixtureRequest) -> str:
    """Return which of them it is."""
    host: str = request.param
    return host


@pytest.fixture
def url(host: str, tmp_path: Path) -> Iterator[str]:
    """Return where a notebook is."""
    app = f"examples.hosts.{host}_app:app"
    process = Process(SERVERS["uvicorn"], app, tmp_path / "log")
    try:
        process.wait_until_it_accepts()
        yield f"ws://{HOST}:{process.port}/notebooks/ada-home"
    finally:
        process.kill()


async def test_a_client_is_served_or_refused(host: str, url: str) -> None:
    """FastAPI refuses with the status of its exception, and Litestar with 403."""
    async with connect(url, additional_headers=ADA) as websocket:
        await websocket.send('{"type": "write", "text": "buy milk"}')
        assert json.loads(await websocket.recv()) == {"type": "counted", "notes": 1}
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    answer = refused.value.response
    if host == "fastapi":
        assert (answer.status_code, bytes(answer.body)) == (401, b'{"detail":"who are you?"}')
    else:
        assert (answer.status_code, bytes(answer.body)) == (403, b"")
