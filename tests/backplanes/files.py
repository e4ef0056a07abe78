"""What is in a directory, for tests that are coroutines, and may wait for such a moment."""

from pathlib import Path

__all__ = ["is_there", "make", "matching"]


def is_there(path: Path) -> bool:
    """Whether something is there."""
    return path.exists()


def matching(directory: Path, pattern: str = "*") -> list[Path]:
    """Return what a directory has."""
    return [*directory.glob(pattern)]


def make(directory: Path, mode: int = 0o700) -> None:
    """Make a directory, if it isn't there, with just this mode."""
    directory.mkdir(exist_ok=True)
    directory.chmod(mode)
