"""Network namespaces for one test: made by it, wired by it, and removed by it, whatever happens in between.

Nothing is made in the machine's own namespace: both ends of every cable lie in namespaces of the test.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.maco_lab.processes import Process, child_environment
from tests.programs import missing, require_program

COMMAND_S = 10.0


@dataclass(frozen=True)
class Namespace:
    """One namespace; its name on this machine is in nobody else's way."""

    ip: str
    """Path of the ip program."""
    name: str

    def configure(self, *arguments: str) -> None:
        """Run ``ip ARGUMENTS`` inside."""
        _run([self.ip, "-netns", self.name, *arguments])

    def add_address(self, device: str, address: str) -> None:
        self.configure("address", "add", address, "dev", device)
        self.configure("link", "set", device, "up")

    def routes_to(self, address: str) -> bool:
        """Tell whether the kernel knows a way to an address from here."""
        return self.run(self.ip, "route", "get", address).returncode == 0

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside, to its end."""
        return subprocess.run(
            [self.ip, "netns", "exec", self.name, *command],
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=COMMAND_S,
            check=False,
        )

    @contextlib.contextmanager
    def running(self, module: str, *arguments: str, folder: Path) -> Iterator[Process]:
        """Run ``python -m module`` inside while the block runs; ``ip netns exec`` becomes that process."""
        child = subprocess.Popen(
            [self.ip, "netns", "exec", self.name, sys.executable, "-P", "-m", module, *arguments],
            cwd=folder,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Process(child)
        finally:
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()


@contextlib.contextmanager
def namespaces(*roles: str) -> Iterator[tuple[Namespace, ...]]:
    """Make one namespace for each role; skip the test loudly where that is not possible, but never as root in CI."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's: this test proves nothing on this machine")
    if os.geteuid() != 0:
        pytest.skip("making network namespaces needs root: this test proves nothing for this user")
    ip = require_program("ip")
    made: list[Namespace] = []
    try:
        for role in roles:
            namespace = Namespace(ip, f"maco-lab-{os.getpid()}-{role}")
            _make(namespace)
            made.append(namespace)
            namespace.configure("link", "set", "lo", "up")
            # A new namespace takes over the setting of the machine, which is 1 where containers run.
            assert namespace.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward").returncode == 0
        yield tuple(made)
    finally:
        for namespace in made:
            _run([ip, "netns", "delete", namespace.name])


def connect(left: Namespace, left_address: str, right: Namespace, right_address: str, *, device: str) -> None:
    """Lay a cable between two namespaces; each end gets an address with its prefix length."""
    left.configure("link", "add", device, "type", "veth", "peer", "name", device, "netns", right.name)
    left.add_address(device, left_address)
    right.add_address(device, right_address)


def left_behind() -> list[str]:
    """Return every namespace of this process that is still there."""
    folder = Path("/run/netns")
    return [path.name for path in folder.glob(f"maco-lab-{os.getpid()}-*")] if folder.exists() else []


def _make(namespace: Namespace) -> None:
    try:
        _run([namespace.ip, "netns", "add", namespace.name])
    except AssertionError as error:
        missing(f"network namespaces cannot be made here, this test proves nothing: {error}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=COMMAND_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
