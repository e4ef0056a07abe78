"""Checks that each module is covered whole, branches too, by test files of its own alone.

`python -m tests.coverage_by_module` checks all of them, and with arguments such as
`lifecycle/tasks` only those. To `wsendpoints/lifecycle/tasks.py` belong `test_tasks.py` and
`test_tasks_<aspect>.py` in `tests/lifecycle`, or in a folder there that is called as its name
begins: `tests/backplanes/redis` has those of `backplanes/redis.py` and `backplanes/redis_link.py`.
A module that its import covers whole needs none.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import coverage

__all__ = ["main"]

TESTS: Final = Path(__file__).parent
ROOT: Final = TESTS.parent
PACKAGE: Final = ROOT / "wsendpoints"

# Most of the time of a small test file goes into the plugins of pytest that are installed: of
# those, the tests below need two.
PYTEST: Final = [
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "anyio.pytest_plugin",
    "-p",
    "pytest_timeout",
]
ENVIRONMENT: Final = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}

MODULES: Final = [
    path.relative_to(PACKAGE).with_suffix("").as_posix()
    for path in sorted(PACKAGE.rglob("*.py"))
    # Imports alone, all of which run.
    if path.name != "__init__.py"
]


@dataclass(frozen=True, slots=True)
class Result:
    """How far the tests of one module cover it.

    Attributes:
        tests: The names of their files.
        seconds: How long they took.
        missing: The lines that did not run, and the branches that were not taken.
        failure: What the tests printed, if they failed.
    """

    module: str
    tests: Sequence[str]
    seconds: float
    missing: Sequence[str]
    failure: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing and not self.failure

    def __str__(self) -> str:
        tests = ", ".join(self.tests) or "no test file"
        outcome = "failed" if self.failure else ", ".join(self.missing) or "100 %"
        return f"{self.module:<26} {self.seconds:5.1f} s  {tests}: {outcome}"


def tests_of(module: str) -> list[Path]:
    """Return the test files of a module, and of no other whose name begins alike."""
    name = Path(module).name
    folder = TESTS / Path(module).parent
    first = name.strip("_").partition("_")[0]
    longer = [
        other.name
        for other in map(Path, MODULES)
        if other.parent == Path(module).parent and other.name.startswith(f"{name}_")
    ]
    return [
        path
        for path in sorted([*folder.glob("test_*.py"), *folder.glob(f"{first}/test_*.py")])
        if _is_of(path, name) and not any(_is_of(path, other) for other in longer)
    ]


def _is_of(path: Path, name: str) -> bool:
    return path.stem == f"test_{name}" or path.stem.startswith(f"test_{name}_")


def measure(module: str, folder: Path) -> Result:
    """Run the tests of a module in a process of their own, and return what they cover."""
    dotted = ".".join(("wsendpoints", *module.split("/")))
    data = folder / dotted
    tests = tests_of(module)
    if tests:
        run = [*PYTEST, *map(str, tests)]
    else:
        script = folder / f"import_{dotted}.py"
        script.write_text(f"import {dotted}\n")
        run = [str(script)]
    start = time.monotonic()
    process = subprocess.run(  # noqa: S603 - the commands are those above
        [sys.executable, "-m", "coverage", "run", f"--data-file={data}", *run],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    failure = process.stdout + process.stderr if process.returncode else ""
    missing = [] if failure else _missing(module, data)
    return Result(module, [path.name for path in tests], seconds, missing, failure)


def _missing(module: str, data: Path) -> list[str]:
    report = data.with_name(f"{data.name}.json")
    measured = coverage.Coverage(data_file=str(data), config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    measured.json_report([str(PACKAGE / f"{module}.py")], outfile=str(report))
    (file,) = json.loads(report.read_text())["files"].values()
    lines: list[int] = file["missing_lines"]
    branches: list[list[Any]] = file["missing_branches"]
    return [
        *map(str, lines),
        *(
            f"{start}->{'exit' if end < 0 else end}"
            for start, end in branches
            if start not in lines
        ),
    ]


def main(modules: Sequence[str]) -> int:
    """Print a line for each module, and return the exit code: 0 if all of them are covered."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        results: list[Result] = []
        for result in pool.map(measure, modules, repeat(Path(folder))):
            print(result, flush=True)
            results.append(result)
    for result in results:
        if result.failure:
            print(f"\n{result.module}: its tests failed\n{result.failure}")
    incomplete = sum(not result.is_whole for result in results)
    print(f"\n{len(results) - incomplete} of {len(results)} modules are covered whole")
    return 1 if incomplete else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or MODULES))
