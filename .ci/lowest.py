"""Print the lowest version of each dependency that `pyproject.toml` allows, as pip's constraints.

The suite is run with them, so that the bounds can be believed. Where a package has several, the
highest counts: it is what pip has to install.
"""

import re
import tomllib
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT: Final = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?>=(?P<version>\d+(?:\.\d+)*(?:b\d+)?)"
)


def lowest(requirements: list[str], own_name: str) -> dict[str, str]:
    """Return the lowest version of each package that is required.

    Args:
        requirements: As they stand in `pyproject.toml`.
        own_name: The project's: what requires it refers to another extra.

    Raises:
        ValueError: One has no lower bound, or more than that.
    """
    versions: dict[str, str] = {}
    for requirement in requirements:
        if requirement.partition("[")[0] == own_name:
            continue
        match = REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement!r}: expected name>=version, and nothing else")
        name, version = match["name"].lower(), match["version"]
        versions[name] = max(versions.get(name, "0"), version, key=_key)
    return versions


def _key(version: str) -> list[int]:
    # A beta is as good as its number here.
    return [int(part) for part in re.split(r"[.b]", version)]


def main() -> None:
    """Print them, for the library and all of its extras."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(line for extra in extras for line in extra)]
    for name, version in sorted(lowest(requirements, project["name"]).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
