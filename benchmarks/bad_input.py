"""What the worst invalid messages cost, in time and memory.

Run with `python -m benchmarks.bad_input`. Each has 1 MiB, the default limit, and is made to have as
many errors as its type allows, or to be copied into them as often. Three programs get it, each in
a process of its own:

- `first`: pydantic, with a type for which it is one error: what any program needs.
- `pydantic`: pydantic, with the message's type. All errors are listed.
- `endpoint`: what an endpoint does: it validates, and makes the answer.

An endpoint may take 50 ms and 10 MiB more than the first. One kind of types is known to take more
time: where a type has itself as a part twice, each part of an invalid message is validated, as it
is in a valid one. It grows too with the members of a union without a tag, against all of which a
valid message may be tried as well.
"""

import argparse
import gc
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from tests.messages.worst_messages import MESSAGES, MIB
from wsendpoints.messages.client_errors import to_client_error
from wsendpoints.messages.error_message import ErrorWriter
from wsendpoints.messages.validators import Validator

__all__ = ["PROGRAMS", "Cost", "measure"]

PROGRAMS: Final = ("first", "pydantic", "endpoint")
ALLOWED_MS: Final = 50
ALLOWED_MIB: Final = 10
MOST_MIB: Final = 3072
"""What a process may have. Pydantic takes more than 16 GiB for one of the messages."""

KNOWN: Final = ("two trees in each tree",)


class Cost(NamedTuple):
    """What a message took.

    Attributes:
        ms: Milliseconds.
        mib: Memory at its peak, beside what was held before.
        errors: How many errors pydantic had.
    """

    ms: float
    mib: float
    errors: int


def run(name: str, program: str) -> Cost:
    """Take a message in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MIB * MIB, MOST_MIB * MIB))
    message = MESSAGES[name]
    frame = message.make()
    adapter = TypeAdapter[Any](int if program == "first" else message.annotation)
    validator = Validator(adapter)
    validate = validator.validate_json if program == "endpoint" else adapter.validator.validate_json
    errors = 0
    gc.collect()
    before = forget_peak()
    start = time.perf_counter()
    try:
        validate(frame)
    except ValidationError as exc:
        errors = exc.error_count()
        if program == "endpoint":
            error = to_client_error(exc, validator.places, frame, json=True)
            to_json(ErrorWriter("type", None).invalid(error, None))
        else:
            exc.errors(include_url=False, include_input=False)
    ms = (time.perf_counter() - start) * 1000
    return Cost(ms, (peak() - before) / MIB, errors)


def forget_peak() -> int:
    """Count the peak of memory from here on; return the memory held."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def peak() -> int:
    return memory("VmHWM")


def memory(name: str) -> int:
    """Return a line of Linux's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def measure(name: str, program: str, times: int) -> Cost:
    """Take a message in other processes; return the least of what it took.

    It is infinite if that is more than they may have.
    """
    command = [sys.executable, "-m", "benchmarks.bad_input", "--message", name, "--as", program]
    costs: list[Cost] = []
    for _ in range(times):
        process = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - this file
        if process.returncode:
            return Cost(math.inf, math.inf, 0)
        costs.append(Cost(*json.loads(process.stdout)))
    return Cost(*(min(values) for values in zip(*costs, strict=True)))


def main() -> bool:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=3, help="that each is run")
    parser.add_argument("--message", choices=MESSAGES, help="in this process")
    parser.add_argument("--as", choices=PROGRAMS, default="endpoint", dest="program")
    arguments = parser.parse_args()
    if arguments.message:
        print(json.dumps(run(arguments.message, arguments.program)))
        return True
    print(f"{'':42}" + "".join(f"{program:>24}" for program in PROGRAMS))
    is_right = True
    for name in MESSAGES:
        first, pydantic, endpoint = (
            measure(name, program, arguments.times) for program in PROGRAMS
        )
        over = endpoint.ms - first.ms > ALLOWED_MS or endpoint.mib - first.mib > ALLOWED_MIB
        verdict = ("known" if name in KNOWN else "TOO MUCH") if over else ""
        is_right &= not over or name in KNOWN
        columns = "".join(
            f"{cost.ms:7.0f} ms {cost.mib:5.0f} MiB{cost.errors:7}"
            for cost in (first, pydantic, endpoint)
        )
        print(f"{name:42}{columns}  {verdict}")
    print("ok" if is_right else "NOT OK")
    return is_right


if __name__ == "__main__":
    sys.exit(not main())
