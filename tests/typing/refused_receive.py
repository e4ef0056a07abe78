"""What type checkers refuse to do with what a test's client receives."""

from tests.some_messages import Leave, Said
from wsendpoints.testing import Client


async def receive(client: Client) -> None:
    """Take it for something else."""
    _one: Leave = await client.receive(Said)  # refused: received
    _two: Said = await client.receive(Said | Leave)  # refused: received
    _three: set[Said] = await client.receive(list[Said])  # refused: received
    _four: Said = await client.receive(Said | None)  # refused: received
    _five: str = await client.receive()  # refused: assignment
    _ = (await client.receive(Said | Leave)).text  # refused: attribute
    await client.receive(5)  # refused: expected
    await client.receive(Said())  # refused: expected
