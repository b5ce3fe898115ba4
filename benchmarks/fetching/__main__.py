"""MaCo beside mbsync: ``python -m benchmarks.fetching``; ``--quick`` takes a minute."""

from __future__ import annotations

import sys

from benchmarks.fetching.cli import main

if __name__ == "__main__":
    sys.exit(main())
