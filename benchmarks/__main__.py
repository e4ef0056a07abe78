"""Ratios of this library to other ways to write the same, as tables: `python -m benchmarks`.

Level 1 is in this process, without sockets; level 2 is over sockets, with real servers, and so is
level 3, where one message goes to many clients. The first column is the time, CPU time, or memory,
of the median round; the ratio's is that of the rounds' own ratios, with the least and the greatest.
What is below 1 costs less than the reference.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from benchmarks.by_backplane import compare_backplanes
from benchmarks.compare import Comparison
from benchmarks.contenders import NAMES, Contender, load_all
from benchmarks.in_process import compare_in_process
from benchmarks.options import Options
from benchmarks.over_sockets import compare_over_sockets
from benchmarks.slow_member import compare_slow_member
from benchmarks.tables import describe_run, to_markdown, to_text
from benchmarks.to_many import compare_to_many
from benchmarks.turns import compare_longest_turn

Compare: TypeAlias = Callable[[Mapping[str, Contender], Options], Iterator[Comparison]]

LEVELS: Final[Mapping[int, Sequence[Compare]]] = {
    1: [compare_in_process],
    2: [compare_over_sockets],
    3: [compare_to_many, compare_backplanes, compare_slow_member, compare_longest_turn],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--level", type=int, choices=LEVELS, help="only this one")
    parser.add_argument("--only", default="", metavar="TITLE", help="tables whose title has this")
    parser.add_argument(
        "--contender",
        action="append",
        choices=NAMES,
        metavar="MODULE",
        help=f"of {', '.join(NAMES)}; may be given again; by default all",
    )
    parser.add_argument("--rounds", type=int, default=11, help="turns of each (default: 11)")
    parser.add_argument(
        "--messages", type=int, default=10_000, help="in a turn in process (default: 10000)"
    )
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="of a turn over sockets (default: 0.5)"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    arguments = parser.parse_args()
    options = Options(
        rounds=arguments.rounds,
        messages=arguments.messages,
        seconds=arguments.seconds,
        only=arguments.only,
    )
    contenders, missing = load_all(arguments.contender or ())
    write = to_markdown if arguments.markdown else to_text
    bullet = "- " if arguments.markdown else ""
    for line in [*describe_run("benchmarks", sys.argv[1:]), *missing]:
        print(f"{bullet}{line}")
    print()
    for level, compares in LEVELS.items():
        if arguments.level in {level, None}:
            for compare in compares:
                for comparison in compare(contenders, options):
                    print(write(comparison), flush=True, end="\n\n")


if __name__ == "__main__":
    main()
