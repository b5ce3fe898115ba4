"""Play all scripts and write ``docs/imap-differences.md``; nothing is written while a difference has no reason."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.real.transcript.page import PAGE, page
from tests.real.transcript.servers import compare


def main() -> int:
    """Return 0 when the page was written; otherwise name the steps whose reason is missing or left over."""
    with tempfile.TemporaryDirectory() as folder:
        compared = compare(Path(folder))
    wrong = [each for each in compared if each.differs != bool(each.step.reason)]
    for each in wrong:
        what = "differs without a reason" if each.differs else f"no longer differs ({each.step.reason})"
        lines = (f"{each.step.script}: {each.step.name}: {what}", *each.ours, "Dovecot:", *each.dovecot)
        sys.stderr.write("\n    ".join(lines) + "\n")
    if wrong:
        return 1
    PAGE.write_text(page(compared), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
