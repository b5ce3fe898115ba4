"""What a contestant is asked to be, and what it is once it runs."""

from __future__ import annotations

import enum
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from benchmarks.relay.generator.entry import Entry


class Shape(enum.Enum):
    """How many hops, and where TLS is."""

    TWO_HOPS = "plain, TLS between two processes, plain"
    ONE_HOP_TCP = "plain, plain"
    ONE_HOP_TLS = "plain, TLS to the sink"


class Tuning(enum.Enum):
    """Which buffers a peer gets; each row has the one that suits it best."""

    BULK = "64 KiB buffers"
    SMALL = "buffers as delivered"


@dataclass(frozen=True, slots=True)
class Ground:
    """What contestants stand on: the run's folder with the certificates, and the descriptors a process may have."""

    folder: Path
    descriptors: int
    python: str
    uvloop: bool = False
    one_hop_module: str = ""

    @property
    def certificate(self) -> Path:
        """The certificate of the inner TLS hop, with its chain."""
        return self.folder / "cast" / "tunnel_endpoint.pem"

    @property
    def key(self) -> Path:
        """The key to ``certificate``."""
        return self.folder / "cast" / "tunnel_endpoint.key"

    def log(self, name: str) -> Path:
        """Return where a process says what went wrong."""
        return self.folder / f"{name}.log"


@dataclass(slots=True)
class Running:
    """A contestant that runs: where the load goes in, and the roots of its process families."""

    entry: Entry
    proxies: tuple[int, ...] = ()
    speeds: dict[str, float] = field(default_factory=dict)
    """Bytes per second that it has shown, by kind of bulk: how much to send in the next sample."""


Start: TypeAlias = Callable[[ExitStack, Ground, Shape, Tuning, int], Running]
"""Start a contestant that leads to the sink's port; the stack ends it. Raises StartError."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One column of the table."""

    name: str
    title: str
    start: Start
    shapes: frozenset[Shape] = frozenset(Shape)
    is_peer: bool = False
    programs: tuple[tuple[str, ...], ...] = ()
    """What has to be installed: of each group one."""
    package: str = ""
    slow: bool = False
    """Whether it gets fewer idle connections, because it opens them slowly or spends a thread on each."""
