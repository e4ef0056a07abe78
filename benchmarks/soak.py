"""The chat of `examples/chat.py` with clients that are killed at random, 1,000 times.

Run with `python -m benchmarks.soak`. The clients are in this process, uvicorn is in another. They
join rooms and talk, all at once, and each ends at some moment: by a TCP reset, by FIN, half-way
through a frame, by a close frame, or by falling silent with its socket open. After every 200 the
server must hold what it held before: no task, no connection, no room, and in the end no more
memory. Its log must not speak of an error.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.connections import Client, Observed, State, settled, shown, state_of
from benchmarks.frames import TEXT, frame
from examples import chat
from tests.interop.servers import Process, Server

__all__ = ["ENDINGS", "Report", "app", "soak"]

NUMBER: Final = 1000
ROUND: Final = 200
AT_ONCE: Final = 40
ROOMS: Final = 5
SEED: Final = 20_261_120
MIB: Final = 1024 * 1024
ALLOWED: Final = MIB
"""Bytes that the server may grow by, after its first round."""

UVICORN: Final = Server(
    "uvicorn",
    "uvicorn {app} --host 127.0.0.1 --port {port} --no-access-log --ws websockets-sansio "
    "--loop uvloop --ws-ping-interval 1 --ws-ping-timeout 1 --timeout-graceful-shutdown 3",
)

app: Final = Observed(
    chat.app,
    lambda: {
        "rooms": len(chat.groups.names),
        "members": sum(len(chat.groups.members(name)) for name in chat.groups.names),
    },
)


# How a client ends. The server closes a socket that it has found dead.


async def reset(client: Client) -> None:
    client.reset()


async def fin(client: Client) -> None:
    client.transport.write_eof()
    await client.ended.wait()


async def break_off(client: Client) -> None:
    """Send half a frame, then FIN."""
    client.transport.write(frame(TEXT, b'{"type": "say", "text": "never heard"}')[:20])
    await fin(client)


async def break_off_by_reset(client: Client) -> None:
    client.transport.write(frame(TEXT, b'{"type": "say", "text": "never heard"}')[:20])
    client.reset()


async def close(client: Client) -> None:
    await client.close()


async def fall_silent(client: Client) -> None:
    client.answers_pings = False
    await client.ended.wait()


async def stop_reading(client: Client) -> None:
    """Fall silent, as a machine does that lost its network: not even a close arrives."""
    client.transport.pause_reading()


LINES: Final = [
    '{"type": "typing"}',
    '{"type": "say", "text": "hello"}',
    '{"type": "say"}',
    '{"type": "unknown"}',
]

Ending: TypeAlias = Callable[[Client], Awaitable[None]]
ENDINGS: Final[dict[str, Ending]] = {
    "reset": reset,
    "FIN": fin,
    "FIN within a frame": break_off,
    "reset within a frame": break_off_by_reset,
    "close frame": close,
    "silence": fall_silent,
    "silence, not reading": stop_reading,
}


@dataclass
class Report:
    """What a run has shown.

    Attributes:
        endings: How many clients ended in each way.
        states: What the server held at first, and after each round.
        errors: The lines of its log that speak of an error.
    """

    endings: Counter[str] = field(default_factory=Counter[str])
    states: list[State] = field(default_factory=list[State])
    errors: list[str] = field(default_factory=list[str])

    @property
    def remaining(self) -> list[str]:
        """What the server still held after some round, and had not held before."""
        first, *others = self.states
        return [
            f"{name}: {state[name]} after round {number}"
            for number, state in enumerate(others, 1)
            for name in ("tasks", "connections", "rooms", "members")
            if state[name] > first[name]
        ]

    @property
    def growth(self) -> int:
        """By how many bytes the server grew after its first round."""
        return self.states[-1]["rss"] - self.states[1]["rss"]


async def live(port: int, number: int, rng: random.Random, report: Report) -> Client:
    """Join a room, talk, and end; return what may still have its socket open."""
    client = await Client.connect(port, f"/rooms/room-{rng.randrange(ROOMS)}")
    name, moment = rng.choice(list(ENDINGS)), rng.randrange(12)
    with contextlib.suppress(ConnectionError):
        for step in range(moment):
            if step == 0:
                client.send(f'{{"type": "join", "name": "client-{number}"}}')
                await client.receive()
            else:
                client.send(rng.choice(LINES))
            # A moment of its own for each, and sometimes none: a burst.
            await asyncio.sleep(rng.choice([0, 0, 0.001, 0.01]))
    report.endings[name] += 1
    await ENDINGS[name](client)
    return client


async def soak(port: int, number: int, each_round: int, seed: int = SEED) -> Report:
    """Have so many clients live and end, in rounds."""
    rng = random.Random(seed)  # noqa: S311 - it is to be the same again
    report = Report()
    free = asyncio.Semaphore(AT_ONCE)

    async def live_in_turn(index: int) -> Client:
        async with free:
            return await live(port, index, rng, report)

    report.states.append(await asyncio.to_thread(state_of, port))
    for start in range(0, number, each_round):
        clients = await asyncio.gather(*map(live_in_turn, range(start, start + each_round)))
        # The silent ones are found by the server's pings, with their sockets open here.
        report.states.append(await settled(port, report.states[0]))
        for client in clients:
            client.transport.abort()
    return report


def main() -> bool:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=NUMBER, help="of clients")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process = Process(UVICORN, "benchmarks.soak:app", Path(folder, "log"))
        try:
            process.wait_until_it_accepts()
            report = asyncio.run(soak(process.port, arguments.number, ROUND, arguments.seed))
        finally:
            process.terminate()
            seconds = process.wait()
        report.errors = process.errors()
        lines = Counter(process.output().splitlines())
    print(*(f"{number:5} ended by {name}" for name, number in report.endings.items()), sep="\n")
    for index, state in enumerate(report.states):
        print(f"round {index}: {shown(state)}, {state['rooms']} rooms, {state['members']} members")
    print("remaining:", *(report.remaining or ["nothing"]), sep="\n  ")
    print("errors in the log:", *(report.errors or ["none"]), sep="\n  ")
    print("most frequent in the log:")
    for line, number in lines.most_common(5):
        print(f"  {number:5} {line[:100]}")
    print(f"grown by {report.growth / MIB:.2f} MiB after the first round; ended in {seconds:.1f} s")
    is_right = not report.remaining and not report.errors and report.growth <= ALLOWED
    print("ok" if is_right else "NOT OK")
    return is_right


if __name__ == "__main__":
    sys.exit(not main())
