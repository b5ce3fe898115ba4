"""Write the table of capabilities into the documentation: ``python -m tests.mailserver_sim.capability_page``."""

from __future__ import annotations

import re
from pathlib import Path

from mailserver_sim.imap.capabilities import CAPABILITIES, Capability

PAGE = Path(__file__).parents[2] / "docs/mail-protocols.md"
_HEAD = "| capability | source | commands | what it does here |\n|---|---|---|---|\n"
_TABLE = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*\|.*")


def capability_table() -> str:
    """Return the table in Markdown."""
    return _HEAD + "\n".join(map(_row, CAPABILITIES))


def written(page: str) -> str:
    """Return the page with the present table in the place of the one it has."""
    return _TABLE.sub(lambda _: capability_table(), page, count=1)


def _row(capability: Capability) -> str:
    name = capability.name if capability.value is None else f"{capability.name}=N"
    commands = ", ".join(capability.commands)
    return f"| `{name}` | {capability.source} | {commands} | {capability.what} |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
