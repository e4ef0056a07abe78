"""Behind nginx and Caddy, configured as the guides say."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.clocks import GENEROUS

from .proxies import NAME, Caddy, Nginx, Proxy
from .servers import SERVERS, Process

pytestmark = pytest.mark.anyio

CLIENT = "127.0.0.5"
"""Not the address that the proxy has."""


@dataclass(frozen=True, slots=True)
class Site:
    """What runs."""

    pinging: Process
    silent: Process
    nginx: Nginx
    caddy: Caddy

    def ports(self, name: str) -> tuple[Proxy, int, int]:
        """Return a proxy, with its port for one server, and that for two."""
        proxy = self.nginx if name == "nginx" else self.caddy
        return proxy, proxy.safe, proxy.pool


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start two servers, and both proxies in front of them."""
    server, app = SERVERS["uvicorn"], "tests.interop.proxied_app:app"
    often = replace(server, arguments=f"{server.arguments} --ws-ping-interval 0.2")
    folder = tmp_path_factory.mktemp("proxies")
    with ExitStack() as stack:
        pinging, silent = (
            Process(it, app, folder / name) for it, name in ((often, "pinging"), (server, "silent"))
        )
        for process in (pinging, silent):
            stack.callback(process.kill)
        for process in (pinging, silent):
            process.wait_until_it_accepts()
        nginx = stack.enter_context(Nginx(tmp_path_factory.mktemp("nginx"), pinging, silent))
        caddy = stack.enter_context(Caddy(tmp_path_factory.mktemp("caddy"), pinging, silent))
        yield Site(pinging, silent, nginx, caddy)


@asynccontextmanager
async def connected(
    proxy: Proxy, port: int, path: str, **headers: str
) -> AsyncGenerator[tuple[ClientConnection, Any]]:
    """Connect as a browser would, and return the connection with what the server saw of it."""
    with anyio.fail_after(GENEROUS):
        async with connect(
            f"wss://{NAME}:{port}{path}",
            host="127.0.0.1",
            port=port,
            local_addr=(CLIENT, 0),
            ssl=proxy.trusting(),
            additional_headers={it.replace("_", "-"): value for it, value in headers.items()},
            proxy=None,
            ping_interval=None,
        ) as client:
            yield client, json.loads(await client.recv())


async def refused(proxy: Proxy, port: int, path: str, **headers: str) -> Any:
    """Return the answer to a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with connected(proxy, port, path, **headers):
            pass
    return caught.value.response


async def echoes(client: ClientConnection) -> bool:
    """Return whether the server answers."""
    await client.send('"hello"')
    return await client.recv() == '"hello"'


both = pytest.mark.parametrize("name", ["nginx", "caddy"])


@both
async def test_server_sees_what_the_client_sees(site: Site, name: str) -> None:
    """Address, scheme, and host with its port; what a client claims of these is not believed."""
    proxy, port, _ = site.ports(name)
    claimed = {"X_Forwarded_For": "203.0.113.7", "X_Forwarded_Proto": "http"}
    async with connected(proxy, port, "/ws/seen?room=5", **claimed) as (client, seen):
        assert await echoes(client)
    assert seen == {
        "url": f"wss://{NAME}:{port}/ws/seen?room=5",
        "client": CLIENT,
        "forwarded for": [CLIENT],
        "forwarded proto": ["https"],
        "port": site.pinging.port,
    }


@both
async def test_page_of_the_same_origin_is_let_in(site: Site, name: str) -> None:
    """It is one that was loaded by TLS, from the same host and port."""
    proxy, port, _ = site.ports(name)
    async with connected(proxy, port, "/ws/seen", Origin=f"https://{NAME}:{port}") as (client, _):
        assert await echoes(client)
    for origin in (f"http://{NAME}:{port}", f"https://{NAME}", f"https://elsewhere.example:{port}"):
        assert (await refused(proxy, port, "/ws/seen", Origin=origin)).status_code == 403


@both
async def test_refusal_reaches_the_client(site: Site, name: str) -> None:
    """With its status, its headers and its body."""
    proxy, port, _ = site.ports(name)
    response = await refused(proxy, port, "/ws/refusing")
    found = response.status_code, response.headers["x-reason"], response.body
    assert found == (410, "moved", b"the room is closed")


@both
async def test_drain_reaches_the_clients_of_one_server(site: Site, name: str) -> None:
    """They hear of the restart; the others notice nothing, and who comes then is let in there."""
    proxy, _, port = site.ports(name)
    path = f"/ws/{name}"
    async with AsyncExitStack() as stack:
        found: dict[int, ClientConnection] = {}
        # Caddy chooses one of the two at random.
        while len(found) < 2:
            client, seen = await stack.enter_async_context(connected(proxy, port, path))
            found.setdefault(seen["port"], client)
        async with httpx.AsyncClient(timeout=GENEROUS, trust_env=False) as http:
            await http.get(f"http://{site.silent.netloc}/drain/{name}")
        with pytest.raises(ConnectionClosed) as caught:
            await found[site.silent.port].recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1012, "drain: 0 s")
        assert await echoes(found[site.pinging.port])
        if name == "caddy":
            await is_told_to_come_back(proxy, port, path)
        for _ in range(5):
            async with connected(proxy, port, path) as (_, seen):
                assert seen["port"] == site.pinging.port


async def is_told_to_come_back(proxy: Proxy, port: int, path: str) -> None:
    """Connect until Caddy has asked the server that is drained: that client has to come back."""
    with pytest.raises(InvalidStatus) as caught:
        while True:
            async with connected(proxy, port, path):
                pass
    response = caught.value.response
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_pings_of_the_server_keep_a_connection_alive(site: Site) -> None:
    """Without them nginx cuts it once the time is over that it waits for a byte."""
    nginx = site.nginx
    async with (
        connected(nginx, nginx.impatient[site.pinging], "/ws/seen") as (alive, _),
        connected(nginx, nginx.impatient[site.silent], "/ws/seen") as (idle, _),
    ):
        with pytest.raises(ConnectionClosed) as caught:
            await idle.recv()
        # Without a close frame.
        assert caught.value.rcvd is None
        assert await echoes(alive)
