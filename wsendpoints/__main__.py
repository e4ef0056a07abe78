"""The command `wsendpoints`, as `python -m wsendpoints`."""

import sys

from wsendpoints.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
