"""The wings of the package: which may import which, what each may not do, and how long a file is.

docs/design.md is the map. An import that goes up means that the thing belongs further down, or that
it is to be handed down as an argument.
"""

import ast
import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from benchmarks.objects import busy_endpoint, mutual

PACKAGE: Final = Path(__file__).parents[1] / "wsendpoints"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))

MAX_LINES: Final = 400

WINGS: Final[Mapping[str, str]] = {
    "protocol": "what WebSocket and ASGI say",
    "dialects": "the envelopes of protocols: records, as values, below the types",
    "backplanes": "what connects the processes that share groups: bytes, numbers and names",
    "sources": "the marks of the parameters that are in a header or a cookie",
    "messages": "what is compiled with a class: types, encodings, handlers",
    "markers": "how frameworks mark what they resolve, by names alone",
    "mistakes": "mistakes in a class body that Python lets pass",
    "attributes": "what an endpoint declares for its instances",
    "handshake": "what a client asked for, and whether it may connect",
    "connection": "one open connection, whatever serves it",
    "lifecycle": "the life of a connection with its endpoint",
    "groups": "one message to many clients",
    "handling": "the mark of a handler, for type checkers",
    "actions": "what an endpoint calls",
    "providing": "the mark of a provider, for type checkers",
    "application": "an endpoint as an ASGI application",
    "hosting": "an endpoint as a function of a framework's, which gives it what it resolves",
    "endpoint": "the class that users subclass",
    "contract": "what endpoint classes declare, for those who write clients",
    "console": "a page on which people try endpoints, and what serves it",
    "live": "what goes on at the endpoints of a router",
    "logs": "the connection in the lines that applications log",
    "telemetry": "spans and metrics of OpenTelemetry",
    "openapi": "what endpoint classes declare, in the OpenAPI documents of frameworks",
    "litestar": "an endpoint as a route handler of Litestar's",
    "client": "a client of an endpoint class, with its types",
    "routing": "what a router is made of: its paths, what may be there, what it tells",
    "router": "several endpoints as one ASGI application",
    "fuzzing": "messages of all kinds, to see whether a server does what its classes declare",
    "cli": "the command",
    "__main__": "the command, as a module",
    "django": "the router in a Django project, with its users, its database and its threads",
}
"""From the bottom to the top: each may import those before it."""

ORDER: Final = [*WINGS]

TESTING: Final = ["protocol", "dialects", "backplanes", "testing"]
"""The client that plays the server knows what is said on the wire, and nothing of the rest."""

LIFECYCLE: Final = [
    "loops",
    "failures",
    "functions",
    "native",
    "cancelling",
    "tasks",
    "task_handle",
    "outgoing",
    "stage",
    "ticker",
    "backlog",
    "hooks",
    "names",
    "answering",
    "correlating",
    "deadlines",
    "intake",
    "room",
    "attention",
    "reader",
    "shielding",
    "threads",
    "streaming",
    "replies",
    "providing",
    "connecting",
    "asking",
    "requesting",
    "calling",
    "concurrency",
    "adapters",
    "two_way",
    "leaving",
    "conversation",
    "ending",
    "outliving",
    "serving",
    "draining",
]
"""Within `lifecycle/` too each file may import those before it."""

OURS_ALONE: Final = "wsendpoints"

ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "protocol": frozenset(),
    "dialects": frozenset({"typing_extensions"}),
    "backplanes": frozenset({"anyio", "coredis", "typing_extensions"}),
    "sources": frozenset({"typing_extensions"}),
    "messages": frozenset({"pydantic", "pydantic_core", "typing_extensions"}),
    "markers": frozenset(),
    "mistakes": frozenset({"pydantic", "typing_extensions"}),
    "attributes": frozenset({"typing_extensions"}),
    "handshake": frozenset({"pydantic", "pydantic_core", "typing_extensions"}),
    "connection": frozenset({"anyio", "typing_extensions"}),
    "lifecycle": frozenset({"anyio", "pydantic", "typing_extensions"}),
    "groups": frozenset({"anyio", "typing_extensions"}),
    "handling": frozenset(),
    "actions": frozenset({"typing_extensions"}),
    "providing": frozenset(),
    "application": frozenset(),
    # FastAPI knows its parameter by this class.
    "hosting": frozenset({"starlette"}),
    "endpoint": frozenset({"typing_extensions"}),
    "contract": frozenset({"pydantic", "pydantic_core", "typing_extensions"}),
    "console": frozenset(),
    "live": frozenset({"pydantic"}),
    "logs": frozenset(),
    "telemetry": frozenset({"opentelemetry"}),
    "openapi": frozenset(),
    "litestar": frozenset({"litestar"}),
    "client": frozenset(
        {"anyio", "httpx", "httpx_ws", "pydantic", "typing_extensions", "websockets", "wsproto"}
    ),
    "routing": frozenset(),
    "router": frozenset(),
    "fuzzing": frozenset({"anyio"}),
    "cli": frozenset(),
    "__main__": frozenset(),
    "django": frozenset({"anyio", "asgiref", "django", "typing_extensions"}),
    "testing": frozenset({"anyio", "pydantic", "pydantic_core", "trio", "typing_extensions"}),
    "__init__": frozenset(),
}
"""What each wing may import of other packages, beyond the standard library."""

NO_COROUTINES: Final = frozenset(
    {
        "protocol",
        "dialects",
        "sources",
        "messages",
        "markers",
        "mistakes",
        "attributes",
        "handshake",
        "contract",
        "console",
        "openapi",
        "routing",
    }
)
"""Wings that wait for nothing, so that they can be read, and tested, without an event loop."""


def wing_of(path: Path) -> str:
    """Return the wing of a module: its folder, or its own name at the top of the package."""
    first, *rest = path.relative_to(PACKAGE).parts
    return first if rest else path.stem


def name_of(path: Path) -> str:
    """Return how a test of a module is called."""
    return path.relative_to(PACKAGE).as_posix()


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each module that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} is a relative import"
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name


def inner_imports_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the parts of each module of this package that a module imports."""
    for line, name in imports_of(path):
        package, *parts = name.split(".")
        if package == OURS_ALONE and parts:
            yield line, parts


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@every_module
def test_imports_go_down(path: Path) -> None:
    """A wing imports those below it."""
    wing = wing_of(path)
    if wing == "__init__":
        return
    for line, (other, *_) in inner_imports_of(path):
        allowed = TESTING if wing == "testing" else ORDER[: ORDER.index(wing) + 1]
        if wing == "fuzzing":
            # It is what a test would do, for whoever has written none.
            allowed = [*allowed, "testing"]
        assert other in allowed, (
            f"{name_of(path)}:{line} imports from {other}/, which stands above {wing}/. "
            f"{wing}/ is {WINGS.get(wing, 'the client that plays the server')}: move what it needs "
            f"to one of {', '.join(allowed)}, or hand it down as an argument"
        )


@pytest.mark.parametrize("name", LIFECYCLE)
def test_files_of_lifecycle_know_those_before_them(name: str) -> None:
    """Within `lifecycle/` imports go down too."""
    path = PACKAGE / "lifecycle" / f"{name}.py"
    before = LIFECYCLE[: LIFECYCLE.index(name)]
    for line, parts in inner_imports_of(path):
        if parts[0] == "lifecycle":
            assert parts[1] in before, (
                f"lifecycle/{name}.py:{line} imports lifecycle/{parts[1]}.py, which comes after it "
                f"in {LIFECYCLE}: hand down what it needs as an argument or by a listener"
            )


def test_all_files_of_lifecycle_have_their_place() -> None:
    """The order above has each file."""
    files = {path.stem for path in (PACKAGE / "lifecycle").glob("*.py")} - {"__init__"}
    assert files == {*LIFECYCLE}


@every_module
def test_other_packages_are_imported_where_they_may_be(path: Path) -> None:
    """`protocol/` is pure; anyio is where something waits; pydantic is where types are compiled."""
    wing = wing_of(path)
    for line, name in imports_of(path):
        package = name.partition(".")[0]
        is_known = package in sys.stdlib_module_names or package == OURS_ALONE
        assert is_known or package in ALLOWED[wing], (
            f"{name_of(path)}:{line} imports {package}, which {wing}/ may not: it may import "
            f"{', '.join(sorted(ALLOWED[wing])) or 'the standard library alone'}"
        )


@pytest.mark.parametrize(
    "path", [path for path in MODULES if wing_of(path) in NO_COROUTINES], ids=name_of
)
def test_pure_wings_have_no_coroutines(path: Path) -> None:
    """What is compiled, read and decided needs no event loop."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), (
            f"{name_of(path)}:{node.lineno} waits for something, in {wing_of(path)}/: "
            "that belongs to connection/ or lifecycle/"
        )


@every_module
def test_files_are_short(path: Path) -> None:
    """A file holds one idea."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, (
        f"{name_of(path)} has {lines} lines, over {MAX_LINES}: which of its ideas is a file?"
    )


def test_objects_of_a_connection_point_one_way() -> None:
    """Two references go both ways: to the connection's listener, and to the reader's `receive`."""
    graph = asyncio.run(busy_endpoint())
    assert mutual(graph) == [("Connection", "Conversation"), ("Connection", "Reader")]


def test_every_module_has_its_wing() -> None:
    """A new folder is given its place above."""
    assert {wing_of(path) for path in MODULES} == {*ORDER, "__init__", "testing"}
