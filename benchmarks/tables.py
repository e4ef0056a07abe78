"""Comparisons as tables: aligned for a terminal, or as Markdown."""

import os
import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.compare import Comparison, Quantity

__all__ = ["describe_run", "to_markdown", "to_text"]

_PACKAGES: Final = (
    "wsendpoints",
    "anyio",
    "pydantic",
    "starlette",
    "fastapi",
    "litestar",
    "channels",
    "chanx",
    "uvicorn",
    "websockets",
    "uvloop",
    "hypercorn",
    "granian",
    "daphne",
    "gunicorn",
)


def to_text(comparison: Comparison) -> str:
    """Return a comparison as an aligned table."""
    header, *rows = _cells(comparison)
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join([comparison.title, *(f"  {line}" for line in [*lines, *_targets(comparison)])])


def to_markdown(comparison: Comparison) -> str:
    """Return a comparison as a Markdown table."""
    header, *rows = _cells(comparison)
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]
    targets = [f"- {line}" for line in _targets(comparison)]
    return "\n".join([f"### {comparison.title}", "", *lines, *([""] if targets else []), *targets])


def _cells(comparison: Comparison) -> Iterator[list[str]]:
    header = [""]
    for quantity in comparison.quantities:
        header.append(quantity.unit)
        if quantity.shows != "nothing":
            header.append(quantity.shows)
    yield header
    for name, samples in comparison.samples.items():
        row = [name]
        for quantity in comparison.quantities:
            row += _cells_of(comparison, name, quantity) if samples else _no_cells(quantity)
        yield row


def _cells_of(comparison: Comparison, name: str, quantity: Quantity) -> list[str]:
    cells = [f"{comparison.value(name, quantity):,.{quantity.digits}f}"]
    if quantity.shows == "nothing":
        return cells
    if name == comparison.reference:
        return [*cells, "reference"]
    spread = comparison.relation(name, quantity)
    text = _number(quantity, spread.median)
    if spread.least != spread.greatest:
        text += f" ({_number(quantity, spread.least)} to {_number(quantity, spread.greatest)})"
    return [*cells, text]


def _no_cells(quantity: Quantity) -> list[str]:
    return ["-"] if quantity.shows == "nothing" else ["-", "-"]


def _targets(comparison: Comparison) -> Iterator[str]:
    quantity = comparison.quantities[0]
    than = "more than" if quantity.shows == "difference" else "of"
    kinds = (
        ("", comparison.targets, ("met", "MISSED")),
        ("bound: ", comparison.bounds, ("kept", "EXCEEDED")),
    )
    for kind, targets, (good, bad) in kinds:
        for target in targets:
            if (reached := comparison.reached(target)) is not None:
                yield (
                    f"{kind}{target.contender}, at most {_number(quantity, target.at_most)} {than} "
                    f"{target.of}: {_number(quantity, reached, 3)}, "
                    f"{good if reached <= target.at_most else bad}"
                )


def _number(quantity: Quantity, value: float, digits: int = 2) -> str:
    if quantity.shows == "difference":
        return f"{value:+,.{quantity.digits}f}"
    return f"{value:.{digits}f}"


def describe_run(module: str, arguments: Sequence[str]) -> list[str]:
    """Return lines that say when, on what and how this was measured."""
    command = shlex.join(["python", "-m", module, *arguments])
    python = f"Python {platform.python_version()} ({sys.implementation.name})"
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, `{command}`",
        f"{python}, {_processor()}, {os.cpu_count()} CPUs, {platform.system()}",
        ", ".join(f"{name} {found}" for name, found in _versions()),
    ]


def _versions() -> Iterator[tuple[str, str]]:
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _processor() -> str:
    """Return the processor's name, which `platform` does not know on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
