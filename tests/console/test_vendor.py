"""What the page needs of others is what its script makes of the pinned packages."""

from pathlib import Path

from tests.console.tools import PAGE, TOOLS


def test_vendored_files_are_made_of_the_packages_that_are_listed(tmp_path: Path) -> None:
    """Nobody has edited them, and a new version was not forgotten."""
    names = TOOLS.run("vendor.mjs", str(tmp_path))
    assert names == ["vendor.js", "LICENSES.txt"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (PAGE / name).read_bytes()
