"""The documentation's tables about the servers, made from the facts.

`python -m tests.testing.tables` writes them into the pages.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from wsendpoints.testing.facts import ServerFacts
from wsendpoints.testing.measured import FACTS

__all__ = ["TABLES", "render"]

DOCS: Final = Path(__file__).parents[2] / "docs"

Cell: TypeAlias = Callable[[ServerFacts], object]

WORDS: Final[Mapping[object, str]] = {
    "oserror": "`OSError`",
    "runtime_error": "`RuntimeError`",
    "silent": "silence",
    "disconnects": "1012",
    "kills": "ends",
    None: "`None`",
}

PLAYED: Final[Mapping[str, Cell]] = {
    "`send` after the client disconnected": lambda facts: facts.send_after_disconnect,
    "… once the disconnect was received": lambda facts: (
        facts.send_after_disconnect
        if facts.send_once_received == "same"
        else facts.send_once_received
    ),
    "a second `receive` of the disconnect": lambda facts: facts.second_receive,
    "the app is told the client's code": lambda facts: facts.told_code or "yes",
    "… where there was none": lambda facts: facts.told_no_code,
    "… where the connection was lost": lambda facts: facts.told_reset,
    "keys of a frame's event": lambda facts: "both" if facts.both_keys else "one",
    "denial response": lambda facts: (
        "no"
        if not facts.denial_response
        else "one body event"
        if facts.single_denial_body
        else "yes"
    ),
    "headers of the accept arrive": lambda facts: _yes(facts.accept_headers),
    "close with 1001 to 2999": lambda facts: "raises" if 1001 in facts.refused_codes else "yes",
    "empty messages arrive": lambda facts: _yes(facts.empty_messages),
    "shutdown": lambda facts: facts.shutdown,
    "the app returns without a close: client sees": lambda facts: (
        "nothing" if facts.return_stays_open else facts.return_code
    ),
}
"""The rows of `docs/testing.md`: how each server is played."""

SUPPORT: Final[Mapping[str, Cell]] = {
    "messages, validation, replies in order, `on_disconnect` exactly once": lambda _: "✓",
    "a disconnect is noticed while a handler runs": lambda _: "✓",
    "`on_disconnect` gets the code that the client closed with": lambda facts: _check(
        facts.told_code is None, facts.told_code
    ),
    "the client gets the code that we close with": lambda facts: _check(
        1001 not in facts.refused_codes, "1001 to 2999 plus 3000"
    ),
    "… and the reason": lambda facts: _check(facts.close_reasons),
    "empty messages arrive at the client": lambda facts: _check(facts.empty_messages),
    "headers given to `accept` arrive": lambda facts: _check(facts.accept_headers),
    "`Denied(401)` is a 401": lambda facts: _check(facts.denial_response, 403),
    "… and leaves no error in the server's log": lambda facts: _check(not facts.logs_denials),
    "a failure before `accept` is a 500": lambda facts: _check(
        facts.failure_status == 500, facts.failure_status
    ),
    "a client that is dead is found by pings": lambda facts: _check(facts.finds_dead_clients),
    "a client that does not read is noticed by `send_timeout`": lambda facts: _check(
        facts.bounds_outbound
    ),
    "a client that sends too much is held back, once the inbox is full": lambda facts: _check(
        facts.bounds_inbound
    ),
    "compression (permessage-deflate)": lambda facts: _check(facts.compresses),
    "what a router's `lifespan` and `groups` start is started": lambda facts: _check(
        facts.runs_lifespan
    ),
    "at shutdown `on_disconnect` runs": lambda facts: _check(facts.shutdown != "kills"),
    "… the client gets 1012": lambda facts: _check(facts.shutdown != "kills", 1006),
    "… and no error is logged": lambda facts: _check(not facts.logs_shutdown),
    "the application runs on trio": lambda facts: _check(facts.on_trio),
}
"""The rows of `docs/servers/index.md`: what an endpoint does on each server."""

TABLES: Final[Mapping[Path, Mapping[str, Cell]]] = {
    DOCS / "testing.md": PLAYED,
    DOCS / "servers" / "index.md": SUPPORT,
}
"""The pages, each with the rows of its table."""


def render(rows: Mapping[str, Cell]) -> str:
    """Return a table with a column for each server, as Markdown."""
    lines = [["", *FACTS], ["---"] * (1 + len(FACTS))]
    lines += [[title, *map(_words, map(cell, FACTS.values()))] for title, cell in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _words(value: object) -> str:
    return WORDS.get(value, str(value))


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _check(is_so: bool, otherwise: object = "") -> str:
    return "✓" if is_so else f"✗ {otherwise}".rstrip()


def _write() -> None:
    for path, rows in TABLES.items():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        numbers = [number for number, line in enumerate(lines) if line.startswith("|")]
        lines[numbers[0] : numbers[-1] + 1] = [render(rows)]
        path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    _write()
