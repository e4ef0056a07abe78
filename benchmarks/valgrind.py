"""Instructions of processes, as Valgrind's cachegrind counts them.

Valgrind writes the count of a process only when that ends. To have it earlier, the process forks:
the child has the same count, and ends at once.
"""

import gc
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wsendpoints.lifecycle import streaming, ticker

__all__ = ["counted", "instructions_of", "is_installed", "note_count", "prepare"]

SLOWNESS: Final = 50
"""How many times as long, at least, a message takes under Valgrind."""


def is_installed() -> bool:
    """Whether Valgrind can be run."""
    return shutil.which("valgrind") is not None


def counted(command: Sequence[str], folder: Path, seed: int = 0) -> list[str]:
    """Return a command that runs another and counts the instructions of all its processes.

    Args:
        command: What to run.
        folder: Where `instructions_of` finds the counts.
        seed: Of the hashes of strings, which decide where objects are in memory: that changes
            counts by up to 1 %. With the same seed the count is the same.
    """
    return [
        "env",
        f"PYTHONHASHSEED={seed}",
        # Valgrind counts `rep stosb` as one instruction for each byte. granian zeroes a buffer of
        # up to 128 KiB for each message, which would be more than half of what is counted.
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-ERMS",
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        "--trace-children=yes",
        # It would leave files behind where a process is killed.
        "--vgdb=no",
        f"--log-file={folder}/%p",
        *command,
    ]


def prepare() -> None:
    """Have a counted process do what it would do without Valgrind, and the same in each run."""
    # When the collector runs depends on all that was allocated before.
    gc.disable()
    # What this library does every few milliseconds comes once in thousands of messages. Valgrind
    # slows the messages, and not the clock: it would come once in a few.
    for module, name in ((ticker, "INTERVAL"), (streaming, "_TURN")):
        setattr(module, name, getattr(module, name) * SLOWNESS)


def note_count() -> int:
    """Have Valgrind write what this process has counted so far.

    Returns:
        The id that `instructions_of` finds it by.
    """
    if (process := os.fork()) == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return process


def instructions_of(folder: Path, process: int) -> int:
    """Return what a process, by its id, had counted when it ended.

    Raises:
        RuntimeError: Valgrind wrote no count.
    """
    log = (folder / str(process)).read_text()
    found = re.search(r"I\s+refs:\s+([\d,]+)", log)
    if found is None:
        raise RuntimeError(f"Valgrind wrote no count of instructions:\n{log}")
    return int(found[1].replace(",", ""))
