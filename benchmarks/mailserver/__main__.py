from __future__ import annotations

import sys

from benchmarks.mailserver.cli import main

if __name__ == "__main__":
    sys.exit(main())
