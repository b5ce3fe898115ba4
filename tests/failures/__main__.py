"""Run the tests of this folder and write ``docs/failure-matrix.md`` from what they observed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.failures.collector import Collector


def main() -> int:
    """Return pytest's status; the page is written only if every test passed."""
    collector: Collector[Any] = Collector()
    folder = Path(__file__).parent
    deselect = f"--deselect={folder.relative_to(folder.parents[1])}/test_page.py"
    status = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", deselect, str(folder)], plugins=[collector])
    if status:
        return int(status)
    from tests.failures.matrix import PAGE, page

    PAGE.write_text(page(collector.rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
