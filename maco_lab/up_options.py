"""What the command line of ``maco-lab up`` says beside the lab file and the state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The options, with their defaults."""

    keep: bool = False
    """Whether the configuration of the Cloud Connectors and the certificates outlive the lab."""
    free_ports: bool = False
    seed: bool = True
    certificates: Path | None = None
    """A folder that keeps the certificates, if it is not that of ``keep``; without both they are new, in memory."""
    isolate: bool = False
    """A process of its own for each party."""
    tap: bool = False
    """A tap in each hop."""
    verbose: bool = False
    ready_fd: int | None = None
    """Where a waiting parent process reads that the lab is up; it is closed after the first poll."""

    def as_arguments(self) -> list[str]:
        """Return the same as command-line arguments, for a process of its own."""
        arguments = ["--ports=auto"] if self.free_ports else []
        arguments += [] if self.seed else ["--no-seed"]
        arguments += [f"--certs={self.certificates}"] if self.certificates else []
        arguments += ["--isolate"] if self.isolate else []
        arguments += ["--tap"] if self.tap else []
        arguments += ["--verbose"] if self.verbose else []
        return arguments + ([f"--ready-fd={self.ready_fd}"] if self.ready_fd is not None else [])
