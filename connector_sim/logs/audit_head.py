"""The side file of an audit log: where its chain begins and ends, kept apart from the log itself.

A chain alone does not show that its end was cut off. The side file does, as long as whoever cuts does not write it too;
and it says from which entry on there are files, since old ones are removed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from connector_sim.logs.audit_line import Link


@dataclass(frozen=True, slots=True)
class Head:
    """``base`` is the last entry that was removed on purpose, ``last`` the newest one that is on the disk."""

    base: Link
    last: Link


def read_head(path: Path) -> Head | None:
    """Return what a side file says; None if there is none, or it cannot be read. Raises OSError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Head(*(Link(int(content[name]["number"]), str(content[name]["hash"])) for name in ("base", "last")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_head(path: Path, head: Head) -> None:
    """Replace a side file at once. Raises OSError."""
    content = {
        name: {"number": link.number, "hash": link.hash} for name, link in (("base", head.base), ("last", head.last))
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
