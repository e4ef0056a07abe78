"""mypy and pyright accept what they must accept, and refuse what they must refuse.

A line that they must refuse ends in `# refused: <kind>`, and `KINDS` says by which rule of theirs.
There is no error on any other line of the files beside this one.
"""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
FILES: Final = sorted([*HERE.glob("accepted_*.py"), *HERE.glob("refused_*.py")])

MARK: Final = re.compile(r"# refused: (\w+)$")

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "handler": ("type-var", "reportArgumentType"),
    "provider": ("type-var", "reportArgumentType"),
    "override": ("override", "reportIncompatibleMethodOverride"),
    "bases": ("misc", "reportIncompatibleMethodOverride"),
    "brackets": ("type-arg", "reportInvalidTypeArguments"),
    "call": ("call-arg", "reportCallIssue"),
    "argument": ("arg-type", "reportArgumentType"),
    "item": ("dict-item", "reportArgumentType"),
    "await": ("misc", "reportGeneralTypeIssues"),
    "assignment": ("assignment", "reportAssignmentType"),
    "attribute": ("union-attr", "reportAttributeAccessIssue"),
    "expected": ("call-overload", "reportArgumentType"),
    "overload": ("call-overload", "reportCallIssue"),
    "message": ("misc", "reportCallIssue"),
    "returned": ("return-value", "reportReturnType"),
    "received": ("arg-type", "reportAssignmentType"),
}
"""The code of mypy's error, and the rule of pyright's."""

Place: TypeAlias = tuple[str, int]
"""The name of a file, and the number of a line."""

Errors: TypeAlias = Iterator[tuple[Place, str, str]]
"""The place, the rule and the text of each error."""

Checker: TypeAlias = Callable[[Path], Errors]
"""Checks the files. It may write into a folder."""


def marks() -> Iterator[tuple[Place, str]]:
    """Yield each line that must be refused, with the kind of its error."""
    for file in FILES:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if match := MARK.search(line):
                yield (file.name, number), match[1]


def run(*command: str) -> str:
    """Return what a type checker prints."""
    done = subprocess.run(  # noqa: S603 - the commands are those below
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # 1: there are errors, as there must be. More: it could not run.
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def mypy(folder: Path) -> Errors:
    """Yield what mypy finds."""
    # For the newest syntax in the files: the Python that runs the tests may be older.
    options = ["--python-version", "3.12", "--cache-dir", str(folder), "--output", "json"]
    # Of the library its types alone count, as where it is installed: extras may be missing.
    options += ["--follow-imports", "silent"]
    for line in run("mypy", *options, *map(str, FILES)).splitlines():
        error: dict[str, Any] = json.loads(line)
        if error["severity"] == "error":
            yield (Path(error["file"]).name, error["line"]), error["code"], error["message"]


def pyright(_folder: Path) -> Errors:
    """Yield what pyright finds."""
    # With settings of its own: those in pyproject.toml exclude the files, however it gets them.
    options = ["--project", str(HERE), "--pythonpath", sys.executable, "--outputjson"]
    for error in json.loads(run("pyright", *options))["generalDiagnostics"]:
        place = Path(error["file"]).name, error["range"]["start"]["line"] + 1
        yield place, error.get("rule", ""), error["message"]


@pytest.mark.parametrize(
    ("checker", "number"),
    [pytest.param(mypy, 0, id="mypy"), pytest.param(pyright, 1, id="pyright")],
)
def test_checker_refuses_the_marked_lines_and_no_others(
    checker: Checker, number: int, tmp_path: Path
) -> None:
    """Each by the rule that its kind names; other errors of that line follow from it."""
    expected = {place: KINDS[kind][number] for place, kind in marks()}
    found: dict[Place, dict[str, str]] = {}
    for place, rule, text in checker(tmp_path):
        found.setdefault(place, {})[rule] = text
    accepted = {place: rule for place, rule in expected.items() if rule not in found.get(place, {})}
    refused = {place: errors for place, errors in found.items() if place not in expected}
    assert (accepted, refused) == ({}, {})


def test_each_kind_occurs() -> None:
    """The table above has no rule that nothing breaks."""
    assert {kind for _, kind in marks()} == {*KINDS}


@pytest.mark.parametrize(
    "name",
    [
        file.stem
        for file in FILES
        if file.stem.startswith("accepted_")
        and not (file.stem.endswith("_312") and sys.version_info < (3, 12))
    ],
)
def test_what_is_accepted_is_no_mistake(name: str) -> None:
    """The classes that type checkers accept can be made."""
    assert importlib.import_module(f"tests.typing.{name}")
