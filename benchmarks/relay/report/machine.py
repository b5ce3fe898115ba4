"""What a run stood on: date, machine, versions, limits."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import ssl
import subprocess
from collections.abc import Sequence

from benchmarks.relay.contestants.peers import program

VERSION_COMMANDS = {
    "haproxy": ("haproxy", "-v"),
    "nginx": ("nginx", "-v"),
    "stunnel": ("stunnel4", "-version"),
    "ssh": ("ssh", "-V"),
    "dovecot": ("dovecot", "--version"),
}
_VERSION = re.compile(r"(?:HAProxy version |stunnel |nginx/|OpenSSH_|\A(?=\d))([\w.+~-]+)")


def facts(names: Sequence[str], descriptors: int, rounds: str, loop: str) -> dict[str, str]:
    """Return what belongs beside the figures."""
    versions = [f"{name} {version}" for name in names if (version := peer_version(name))]
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{len(os.sched_getaffinity(0))} cores ({cpu_model()}), {platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {ssl.OPENSSL_VERSION}, {loop}",
        "peers": ", ".join(versions) or "none",
        "file descriptors of each process (ulimit -n, raised to the hard limit)": f"{descriptors:,}",
        "rounds": rounds,
    }


def cpu_model() -> str:
    """Return the processor's name."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a device of the kernel, not a file of ours
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def peer_version(name: str) -> str:
    """Return the version that a peer's program says; empty if it is not there."""
    command = VERSION_COMMANDS.get(name)
    path = program(command[0]) if command else None
    if command is None or path is None:
        return ""
    said = subprocess.run([path, *command[1:]], capture_output=True, text=True, check=False, timeout=10)
    return version_in(said.stdout + said.stderr)


def version_in(said: str) -> str:
    """Return the version in what a program says about itself."""
    found = _VERSION.search(said)
    return found[1] if found else ""
