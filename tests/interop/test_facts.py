"""The facts about the servers, held to the servers: every field, and every kind of illegal event.

A plain app (`scripted_app`) asks them, with nothing of the library in between.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from wsendpoints.testing.facts import ServerFacts
from wsendpoints.testing.faults import Fault

from .fact_probes import (
    FIRST_PROBE,
    HEAVY_PROBES,
    LAST_PROBE,
    LEGAL_CODES,
    PROBES,
    SLOW_PROBE,
    Measured,
    Probe,
)
from .illegal_events import CASES, OR
from .laboratory import Laboratory
from .servers import SERVERS, Process, Server

pytestmark = pytest.mark.anyio

with_all_servers = pytest.mark.parametrize("server", SERVERS.values(), ids=str)

APP: Final = "tests.interop.scripted_app:app"

AT_ONCE: Final = 12
"""Scripts that run at once, on all servers; with too many, a slow machine is taken for a server."""

EXITS: Final = "exits"
"""What is said of a server that ends because of an illegal event."""

NOT_PROBED: Final = {
    "name": "says which server is asked",
    "version": "is compared with the package's, in `test_a_server_is_as_new_as_its_facts`",
    "illegal_events": "are asked for one by one, in `test_what_illegal_events_lead_to`",
}
"""The fields that no probe measures, each with the reason."""

NEED_DENIAL_RESPONSES: Final = {Fault.IN_DENIAL, Fault.STATUS, Fault.BODY}


@dataclass(slots=True)
class Answers:
    """What one server answered.

    Attributes:
        facts: The values of the fields.
        consequences: What it does with illegal events.
        failures: Why some of these are missing.
    """

    facts: Measured = field(default_factory=Measured)
    consequences: dict[Fault, str] = field(default_factory=dict[Fault, str])
    failures: list[Exception] = field(default_factory=list[Exception])

    async def add(self, work: Awaitable[None]) -> None:
        """Do some work, and note its failure, which is for the tests of this server alone."""
        try:
            await work
        except Exception as exc:  # noqa: BLE001 - whatever a server leads to
            self.failures.append(exc)


@pytest.fixture(scope="module")
async def answers(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answers]:
    """Return the answers of each server; all servers are asked at once."""
    folder = tmp_path_factory.mktemp("facts")
    at_once = asyncio.Semaphore(AT_ONCE)
    answers = {name: Answers() for name in SERVERS}
    async with asyncio.TaskGroup() as tasks:
        for name, server in SERVERS.items():
            asking = _ask(server, folder / f"{server}.log", at_once, answers[name])
            tasks.create_task(answers[name].add(asking))
            for fault in _faults_that_end(server):
                log = folder / f"{server}-{fault.name}.log"
                asking = _ask_whether_it_exits(server, fault, log, answers[name])
                tasks.create_task(answers[name].add(asking))
    return answers


async def _ask(server: Server, log: Path, at_once: asyncio.Semaphore, answers: Answers) -> None:
    with_pings = replace(server, arguments=f"{server.arguments} {server.pings}")
    process = Process(with_pings, APP, log)
    lab = Laboratory(process)

    async def measure(probe: Probe) -> None:
        answers.facts |= await probe(lab)

    async def measure_at_once(probe: Probe) -> None:
        async with at_once:
            await measure(probe)

    async def send_illegally(fault: Fault) -> None:
        async with at_once:
            answers.consequences[fault] = await CASES[fault].consequence(lab)

    async def measure_the_rest() -> None:
        for probe in HEAVY_PROBES:
            await answers.add(measure(probe))
        work = [
            *map(measure_at_once, PROBES),
            *map(send_illegally, _faults_of(server) - _faults_that_end(server)),
        ]
        await asyncio.gather(*map(answers.add, work))

    try:
        await asyncio.to_thread(process.wait_until_it_accepts)
        await measure(FIRST_PROBE)
        await asyncio.gather(answers.add(measure(SLOW_PROBE)), measure_the_rest())
        await measure(LAST_PROBE)
    finally:
        process.kill()


async def _ask_whether_it_exits(server: Server, fault: Fault, log: Path, answers: Answers) -> None:
    process = Process(server, APP, log)
    try:
        await asyncio.to_thread(process.wait_until_it_accepts)
        has_ended = await CASES[fault].exits(Laboratory(process))
        answers.consequences[fault] = EXITS if has_ended else "goes on"
    finally:
        process.kill()


def _faults_of(server: Server) -> set[Fault]:
    """Return the faults that an event can have on a server."""
    if server.facts.denial_response:
        return {*Fault} - {Fault.NO_EXTENSION}
    return {*Fault} - NEED_DENIAL_RESPONSES


def _faults_that_end(server: Server) -> set[Fault]:
    return {fault for fault, does in server.facts.illegal_events.items() if does == EXITS}


@with_all_servers
def test_every_field_is_true(server: Server, answers: dict[str, Answers]) -> None:
    """A field without a probe, and one that a server has otherwise, fails."""
    answer = answers[server.name]
    assert answer.failures == []
    expected = {
        one.name: getattr(server.facts, one.name)
        for one in fields(ServerFacts)
        if one.name not in NOT_PROBED
    }
    # A container of any kind, asked by its members.
    expected["refused_codes"] = {code for code in LEGAL_CODES if code in expected["refused_codes"]}
    assert answer.facts == expected


@with_all_servers
def test_what_illegal_events_lead_to(server: Server, answers: dict[str, Answers]) -> None:
    """Each kind that a server can get has its entry, and that entry is true."""
    answer = answers[server.name]
    assert answer.failures == []
    expected = dict(server.facts.illegal_events)
    assert expected.keys() == _faults_of(server)
    for fault, does in answer.consequences.items():
        if CASES[fault].races and {*does.split(OR)} <= {*expected[fault].split(OR)}:
            expected[fault] = does
    assert answer.consequences == expected


@with_all_servers
def test_a_server_is_as_new_as_its_facts(server: Server) -> None:
    """What was measured of a version is not expected of an older one."""
    package = server.name.partition("-")[0]
    assert _numbers(version(package)) >= _numbers(server.facts.version)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
