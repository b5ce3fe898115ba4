from __future__ import annotations

import sys

from benchmarks.relay.cli import main

if __name__ == "__main__":
    sys.exit(main())
