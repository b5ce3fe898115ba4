"""testssl.sh against the mail server: started in the background, because most of its time is waiting."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import require_program
from tests.real.alone.server import HOST, AloneServer

SCANNED = {"imap": "imap", "submission": "smtp"}
"""The protocols, and the word that testssl.sh has for each."""
DEADLINE_S = 300.0

# Protocols, cipher categories and order, vulnerabilities; MACO_LAB_SOAK asks for everything that it knows.
_CHECKS = ("--full",) if os.environ.get("MACO_LAB_SOAK") else ("--fast", "-p", "-s", "-P", "-U")


@dataclass(frozen=True)
class Scan:
    """A scan that runs or has ended."""

    process: subprocess.Popen[bytes]
    report: Path

    def findings(self) -> list[dict[str, Any]]:
        """Wait for the end and return what was found."""
        self.process.wait(DEADLINE_S if "--fast" in _CHECKS else 10 * DEADLINE_S)
        return list(json.loads(self.report.read_text()))


def start_scans(server: AloneServer, folder: Path, stack: contextlib.ExitStack) -> dict[str, Scan]:
    """Start a scan of each protocol; none where the program is absent."""
    program = shutil.which("testssl")
    return {each: _start(program, server, each, folder, stack) for each in SCANNED} if program else {}


def _start(program: str, server: AloneServer, protocol: str, folder: Path, stack: contextlib.ExitStack) -> Scan:
    report = folder / f"{protocol}.json"
    quiet = ["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"]
    patience = ["--connect-timeout", "20", "--openssl-timeout", "20"]  # or one lost answer would be waited for for ever
    trust = ["--add-ca", str(server.root)]
    target = ["--jsonfile", str(report), "--starttls", SCANNED[protocol], f"{HOST}:{server.port(protocol)}"]
    process = subprocess.Popen(
        [program, *quiet, *patience, *trust, *_CHECKS, *target],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return Scan(process, report)


def scan_of(scans: dict[str, Scan], protocol: str) -> Scan:
    """Return a scan; skip the test where the program is absent, and fail it in CI."""
    require_program("testssl")
    return scans[protocol]
