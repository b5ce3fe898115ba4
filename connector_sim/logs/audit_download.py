"""Entries of an audit log as a file to take away: CSV lines as they were written, and what was asked for.

The product's download is "GZIP CSV plus manifest"; here both are in one compressed archive. Run in the writer's thread.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from connector_sim.logs.audit_line import HEADER, Line, timestamp
from connector_sim.logs.names import as_name
from connector_sim.logs.reading import Wanted, entries

SPOOLED_BYTES = 4 * 1024 * 1024
"""What is larger is on the disk until it is compressed; a log has at most some hundred MiB."""


def archive(folder: Path, scope: str, wanted: Wanted, now: float) -> bytes:
    """Return a .tar.gz of ``manifest.json`` and ``audit-log_SCOPE.csv`` with all entries that are wanted.

    ``now`` is in seconds since 1970. Raises OSError.
    """
    name = f"audit-log_{as_name(scope)}.csv"
    out = io.BytesIO()
    with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as lines, tarfile.open(fileobj=out, mode="w:gz") as written:
        lines.write(f"{HEADER}\n".encode())
        count, last = 0, None
        for last in entries(folder, scope, wanted):
            lines.write(f"{last.content},{last.hash}\n".encode())
            count += 1
        manifest = json.dumps(_manifest(name, scope, wanted, now, count, last), indent=1).encode()
        _add(written, "manifest.json", io.BytesIO(manifest), len(manifest), now)
        size = lines.tell()
        lines.seek(0)
        _add(written, name, lines, size, now)
    return out.getvalue()


def _manifest(name: str, scope: str, wanted: Wanted, now: float, count: int, last: Line | None) -> dict[str, object]:
    selection = {
        "type": sorted(wanted.types), "pattern": wanted.pattern, "since": wanted.since, "until": wanted.until,
    }  # fmt: skip
    return {
        "file": name,
        "scope": scope,
        "selection": selection,
        "created": timestamp(now),
        "entries": count,
        "lastNumber": last.number if last else 0,
        "lastHash": last.hash if last else "",
    }


def _add(written: tarfile.TarFile, name: str, content: IO[bytes], size: int, now: float) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mtime, about.mode = size, int(now), 0o600
    written.addfile(about, content)
