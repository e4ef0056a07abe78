"""How many connections of a class may be open, and that each ending makes room for another."""

import pytest

from tests.recording import Recording
from wsendpoints import Limits, WebSocket
from wsendpoints.testing import Dialect, HandshakeDenied, connect

pytestmark = pytest.mark.anyio


class Echo(Recording):
    """Says it again."""

    async def on_receive(self, websocket: WebSocket, data: str) -> str:
        return data


@pytest.mark.parametrize(
    ("extension", "status"), [pytest.param(True, 503, id="503"), pytest.param(False, 403, id="403")]
)
async def test_f13_connections_have_a_greatest_number(extension: bool, status: int) -> None:
    """One more is refused before any hook runs, and there is room again once one ends."""
    app = Echo.as_asgi(limits=Limits(max_connections=2))
    server = Dialect(denial_response=extension)
    async with connect(app, server=server):
        async with connect(app, server=server) as second:
            with pytest.raises(HandshakeDenied) as denied:
                async with connect(app, server=server):
                    pass
            assert denied.value.status == status
            await second.close()
        async with connect(app, server=server) as third:
            await third.send_text("x")
            assert await third.receive_text() == "x"


async def test_f13_every_ending_makes_room() -> None:
    """A refusal and a failure free the slot as a close does."""

    class Moody(Recording):
        limits = Limits(max_connections=1)

        async def on_connect(self, websocket: WebSocket) -> None:
            mood = websocket.query_params.get("mood")
            if mood == "refuse":
                await websocket.close()
            elif mood == "fail":
                raise ValueError(mood)
            else:
                await websocket.accept()

    app = Moody.as_asgi()
    for mood, error in (("refuse", HandshakeDenied), ("fail", ValueError)):
        with pytest.raises(error):
            async with connect(app, f"/?mood={mood}"):
                pass
    async with connect(app) as client:
        client.vanish()
        await client.wait_for_app()
    async with connect(app):
        pass
