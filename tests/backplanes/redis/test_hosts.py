"""Several hosts, as namespaces of the network: one loses its link, and has missed nothing after."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, final

import pytest

from tests.clocks import GENEROUS

from .server import require_redis

ROOT: Final = Path(__file__).parents[3]
HOSTS: Final = {"db": "10.99.0.1", "one": "10.99.0.2", "two": "10.99.0.3"}
REDIS: Final = f"redis://{HOSTS['db']}:6379/0"


@final
class Network:
    """Hosts with an address each, and a switch between them; nobody else reaches them."""

    def __init__(self, stack: ExitStack) -> None:
        self._name = f"wse{secrets.token_hex(3)}"
        self._stack = stack
        for host in ("switch", *HOSTS):
            ip("netns", "add", self._of(host))
            stack.callback(ip, "netns", "delete", self._of(host))
        switch = self._of("switch")
        ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", switch, "link", "set", "bridge", "up")
        for host, address in HOSTS.items():
            there = self._of(host)
            peer = ("peer", "name", host, "netns", switch)
            ip("link", "add", "eth0", "netns", there, "type", "veth", *peer)
            ip("-n", switch, "link", "set", host, "master", "bridge")
            ip("-n", switch, "link", "set", host, "up")
            ip("-n", there, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", there, "link", "set", "eth0", "up")
            ip("-n", there, "link", "set", "lo", "up")

    def _of(self, host: str) -> str:
        return f"{self._name}-{host}"

    def set_link(self, host: str, state: str) -> None:
        """Have its link `up`, or `down`: nobody is told, and what is sent is lost."""
        ip("-n", self._of("switch"), "link", "set", host, state)

    def start(self, host: str, *command: str) -> "subprocess.Popen[str]":
        """Start a process on a host."""
        process = subprocess.Popen(  # noqa: S603 - the commands are those below
            ["ip", "netns", "exec", self._of(host), *command],  # noqa: S607 - as above
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": REDIS, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(end, process)
        return process


def ip(*arguments: str) -> None:
    """Run iproute2's command."""
    subprocess.run(["ip", *arguments], check=True)  # noqa: S603, S607 - nothing comes from outside


def end(process: "subprocess.Popen[str]") -> None:
    """End a process, by its id."""
    process.kill()
    process.communicate()


@pytest.fixture
def network() -> Generator[Network]:
    """Make the hosts."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("this needs iproute2, and root")
        pytest.skip("namespaces of the network need iproute2, and root")
    with ExitStack() as stack:
        yield Network(stack)


class Host:
    """A host with a server, and a client of it."""

    def __init__(self, network: Network, name: str) -> None:
        script = "tests.backplanes.redis.host_process"
        self._process = network.start(name, sys.executable, "-m", script)

    def say(self, by: str, number: int) -> None:
        """Have the client say so many messages."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([by, number]) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """Return what the client gets next."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def next(self, number: int) -> Sequence[Any]:
        """Return so many messages that the client gets."""
        return [self.receive() for _ in range(number)]


def messages(by: str, number: int) -> list[Any]:
    """Return what is said, as the clients get it."""
    return [{"by": by, "number": count} for count in range(number)]


def test_host_that_loses_its_link_has_missed_nothing(network: Network) -> None:
    """What was said meanwhile comes once it is back."""
    redis = network.start(
        "db",
        require_redis(),
        *("--bind", HOSTS["db"], "--protected-mode", "no", "--save", "", "--appendonly", "no"),
    )
    assert redis.stdout is not None
    deadline = time.monotonic() + GENEROUS
    while "Ready to accept connections" not in redis.stdout.readline():
        assert time.monotonic() < deadline
    one, two = Host(network, "one"), Host(network, "two")
    for host in (one, two):
        assert host.receive() == {"joined": True}
    one.say("before", 2)
    assert one.next(3) == [*messages("before", 2), {"done": "before"}]
    assert two.next(2) == messages("before", 2)
    network.set_link("two", "down")
    one.say("meanwhile", 3)
    assert one.next(4) == [*messages("meanwhile", 3), {"done": "meanwhile"}]
    network.set_link("two", "up")
    assert two.next(3) == messages("meanwhile", 3)
    two.say("after", 1)
    assert two.next(2) == [*messages("after", 1), {"done": "after"}]
    assert one.next(1) == messages("after", 1)
