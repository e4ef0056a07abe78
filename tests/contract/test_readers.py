"""Readers that others wrote take the documents: the meta-schema, the official parser, Modelina."""

import ast
import functools
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud, Quiet
from tests.contract.hostile import MARKUP, ROUTES
from tests.contract.readers import READERS
from tests.contract.test_patterns import CHANGED, SAME
from tests.contract.test_payloads import Streaming
from wsendpoints import WebSocketEndpoint
from wsendpoints.contract.asyncapi import asyncapi

EXAMPLES: Final = Path(__file__).parents[2] / "examples"

Routes: TypeAlias = Mapping[str, type[WebSocketEndpoint[Any]]]


def example_routes() -> Routes:
    """Return the endpoint classes of all examples, each by a path."""
    found: dict[str, Any] = {}
    for path in sorted(EXAMPLES.rglob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            bases = statement.bases if isinstance(statement, ast.ClassDef) else ()
            if isinstance(statement, ast.ClassDef) and any(
                "WebSocketEndpoint" in ast.unparse(it) for it in bases
            ):
                parts = path.relative_to(EXAMPLES.parent).with_suffix("").parts
                module = importlib.import_module(".".join(parts))
                found[f"/{'/'.join(parts)}/{{room}}"] = getattr(module, statement.name)
    return found


OWN: Final[Routes] = {
    "/chat/{room}": Chat,
    "/assistant": Assistant,
    "/calculator": Calculator,
    "/loud": Loud,
    "/quiet": Quiet,
    "/streaming": Streaming,
}


def hostile(**options: Any) -> dict[str, Any]:
    """Return the document of what documents have trouble with."""
    return asyncapi(ROUTES, title=MARKUP, version=MARKUP, description=MARKUP, **options)


@functools.cache
def documents() -> Mapping[str, dict[str, Any]]:
    """Return documents, by what they are of."""
    named: Any = {"title": "Application", "version": "1.0.0", "servers": {"a": "wss://a.example/b"}}
    examples = example_routes()
    wrong = asyncapi(OWN, **named, spec="3.1.0")
    wrong["channels"]["Loud"]["title"] = 7
    invalid = asyncapi(OWN, **named, spec="3.1.0")
    invalid["channels"]["Chat"]["messages"]["Say"]["examples"][0]["payload"]["text"] = 5
    return {
        "the examples": asyncapi(examples, **named, spec="3.1.0"),
        "the examples, in 3.0.0": asyncapi(examples, **named),
        "the examples, of a client": asyncapi(
            examples, **named, spec="3.1.0", perspective="client"
        ),
        "classes of each kind": asyncapi(OWN, **named, spec="3.1.0"),
        "nothing": asyncapi({}, **named, spec="3.1.0"),
        "hostile classes": hostile(spec="3.1.0"),
        "hostile classes, in 3.0.0": hostile(),
        "hostile classes, of a client": hostile(spec="3.1.0", perspective="client"),
        "a mistake": wrong,
        "an invalid example": invalid,
    }


VALID: Final = [
    "the examples",
    "the examples, in 3.0.0",
    "the examples, of a client",
    "classes of each kind",
    "nothing",
    "hostile classes",
    "hostile classes, in 3.0.0",
    "hostile classes, of a client",
]

# That there is a newer version is no warning: 3.0.0 is what generators know.
IS_OLD: Final = "2 asyncapi: The latest version of AsyncAPi is not used."


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return what the readers say of each document."""
    folder = tmp_path_factory.mktemp("documents")
    paths = [folder / f"{number}.json" for number in range(len(documents()))]
    for path, document in zip(paths, documents().values(), strict=True):
        path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
    results = READERS.run("check.mjs", *map(str, paths))
    return dict(zip(documents(), results, strict=True))


@pytest.mark.parametrize("name", VALID)
def test_meta_schema_takes_the_document(checked: Mapping[str, Any], name: str) -> None:
    """The document is one of the official meta-schema."""
    assert checked[name]["meta"] == []


@pytest.mark.parametrize("name", VALID)
def test_examples_are_those_of_their_schemas(checked: Mapping[str, Any], name: str) -> None:
    """What a type of the application takes is what its schema takes."""
    assert checked[name]["examples"] == []


@pytest.mark.parametrize("name", VALID)
def test_parser_takes_the_document(checked: Mapping[str, Any], name: str) -> None:
    """The official parser has neither an error nor a warning, and finds all that is in it."""
    found, document = checked[name], documents()[name]
    told = [it for it in found["diagnostics"] if not it.startswith(IS_OLD)]
    assert told == []
    assert found["operations"] == [*document["operations"]]
    messages = [
        it["name"] for one in document["channels"].values() for it in one["messages"].values()
    ]
    assert {*found["messages"]} == {*messages}


def test_mistake_is_told(checked: Mapping[str, Any]) -> None:
    """A document with a mistake is refused, and so is an example that is not valid."""
    assert "/channels/Loud/title: must be string" in checked["a mistake"]["meta"]
    assert checked["an invalid example"]["examples"] == ["Chat/Say: data/text must be string"]


def test_all_examples_are_read() -> None:
    """Each example that has a class of its own is among the documents."""
    assert len(documents()["the examples"]["channels"]) == 13


@pytest.mark.parametrize(
    ("name", "interfaces"),
    [
        ("the examples, in 3.0.0", {"Said": "  position?: string | null;\n"}),
        (
            "hostile classes, in 3.0.0",
            {"ComputedOutput": "  reservedArea: number;\n", "ComputedInput": "  width: number;\n"},
        ),
    ],
)
def test_modelina_makes_interfaces(
    name: str, interfaces: Mapping[str, str], tmp_path: Path
) -> None:
    """A generator of code makes an interface of each message."""
    path = tmp_path / "document.json"
    path.write_text(json.dumps(documents()[name]), encoding="utf-8")
    found = READERS.run("models.mjs", str(path))
    for interface, line in interfaces.items():
        assert line in found[interface]


def test_patterns_are_those_of_ecma_262() -> None:
    """A JavaScript engine compiles what patterns of Python's become."""
    assert READERS.run("patterns.mjs", *SAME, *CHANGED.values()) == []
    assert READERS.run("patterns.mjs", "(?P<a>b)", r"\-") == ["(?P<a>b)", r"\-"]


def test_readers_are_those_of_the_package_file() -> None:
    """What is installed is what the package file pins."""
    package = json.loads((READERS.folder / "package.json").read_text(encoding="utf-8"))
    READERS.install()
    for name, version in package["dependencies"].items():
        installed = READERS.folder / "node_modules" / name / "package.json"
        assert json.loads(installed.read_text(encoding="utf-8"))["version"] == version
