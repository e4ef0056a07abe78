"""The clients from npm, those of `package-lock.json`, and how one is run."""

from pathlib import Path
from typing import Any, Final

from tests.npm import Packages

__all__ = ["HERE", "run"]

HERE: Final = Path(__file__).parent

_CLIENTS: Final = Packages(HERE)


def run(client: str, *arguments: str) -> Any:
    """Run a script in `clients/`, and return what it printed, as JSON.

    Args:
        client: The name of the script.
        arguments: Its arguments, such as the URL of the server.

    Raises:
        RuntimeError: It failed.
    """
    return _CLIENTS.run(f"clients/{client}.mjs", *arguments)
