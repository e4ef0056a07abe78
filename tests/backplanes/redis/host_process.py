"""One host of several: a server, and a client of it, by the lines that come in and go out."""

import asyncio
import sys

import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from tests.backplanes.redis.shared_app import app

__all__ = ["main"]

PORT = 8000


async def main() -> None:
    """Serve, and have the client say each line that comes in."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="warning", lifespan="on")
    )
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve())
        while not server.started:
            assert not serving.done(), "uvicorn ended: its output tells why"
            await asyncio.sleep(0.01)
        async with connect(f"ws://127.0.0.1:{PORT}/kept") as client:
            printing = tasks.create_task(print_all(client))
            while line := await asyncio.to_thread(sys.stdin.readline):
                await client.send(line.strip())
            printing.cancel()
        server.should_exit = True


async def print_all(client: ClientConnection) -> None:
    """Print what the client gets."""
    async for message in client:
        sys.stdout.write(f"{message!s}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
