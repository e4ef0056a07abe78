"""Every fault that is listed has a test, and every fault that has a test is listed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ID: Final = re.compile(r"[MFHXLGRP]\d\d", re.IGNORECASE)


def listed() -> list[str]:
    """Return the ids in the list: the first word of each line."""
    lines = (HERE / "faults" / "ids.txt").read_text().splitlines()
    return [line.split()[0] for line in lines]


def names_below(folder: Path) -> Iterator[str]:
    """Return the names of all test functions below a folder."""
    for path in folder.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
                "test_"
            ):
                yield node.name


def ids_in(name: str) -> set[str]:
    """Return the ids that a test's name begins with: `test_m14_m20_...`."""
    ids: set[str] = set()
    for part in name.split("_")[1:]:
        if not ID.fullmatch(part):
            break
        ids.add(part.upper())
    return ids


def test_list_is_in_order_and_says_what_each_is() -> None:
    """Each id is listed once, in order, with a few words on it."""
    lines = (HERE / "faults" / "ids.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[MFHXLGRP]\d\d \S.*", line) for line in lines)
    ids = listed()
    assert len(set(ids)) == len(ids)
    counts = {"M": 23, "F": 34, "H": 19, "X": 2, "L": 20, "G": 15, "R": 10, "P": 10}
    for letter, number in counts.items():
        expected = [f"{letter}{count:02}" for count in range(1, number + 1)]
        assert [id_ for id_ in ids if id_.startswith(letter)] == expected


def test_every_listed_fault_has_a_test() -> None:
    """Each fault that is listed has a test that its id names."""
    tested = {id_ for name in names_below(HERE) for id_ in ids_in(name)}
    assert [id_ for id_ in listed() if id_ not in tested] == []


def test_every_fault_that_is_tested_is_listed() -> None:
    """A test names no id that is not listed."""
    known = set(listed())
    assert [name for name in names_below(HERE) if not ids_in(name) <= known] == []
