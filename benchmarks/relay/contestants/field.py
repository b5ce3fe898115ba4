"""The field: who takes part, in the order of the table's columns, and who is absent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.relay.contestants import ours, peers
from benchmarks.relay.contestants.shape import Contestant, Ground, Running, Shape, Tuning
from benchmarks.relay.generator.entry import Entry
from benchmarks.relay.processes import LOOPBACK

TWO_HOPS = frozenset({Shape.TWO_HOPS})


def nothing(stack: ExitStack, ground: Ground, shape: Shape, tuning: Tuning, sink_port: int) -> Running:
    """Let the load go to the sink itself."""
    del stack, ground, shape, tuning
    return Running(Entry(LOOPBACK, sink_port))


CEILING_NAME, OURS_NAME = "none", "ours"
CEILING = Contestant(CEILING_NAME, "no proxy", nothing, TWO_HOPS | {Shape.ONE_HOP_TCP})
OURS = Contestant(OURS_NAME, "ours", ours.plain)
FIELD = (
    CEILING,
    OURS,
    Contestant("socks5", "ours, SOCKS5", ours.through_socks5, TWO_HOPS),
    Contestant("haproxy", "haproxy", peers.haproxy, is_peer=True, programs=(("haproxy",),), package="haproxy"),
    Contestant(
        "nginx", "nginx stream", peers.nginx, is_peer=True, programs=(("nginx",),), package="nginx libnginx-mod-stream"
    ),
    Contestant(
        "stunnel",
        "stunnel",
        peers.stunnel,
        TWO_HOPS | {Shape.ONE_HOP_TLS},
        is_peer=True,
        programs=(("stunnel4", "stunnel"),),
        package="stunnel4",
        slow=True,
    ),
    Contestant(
        "ssh",
        "ssh -R",
        peers.ssh,
        TWO_HOPS,
        is_peer=True,
        programs=(("sshd",), ("ssh",), ("ssh-keygen",)),
        package="openssh-server openssh-client",
        slow=True,
    ),
)
NAMES = tuple(contestant.name for contestant in FIELD)


def without_one_hop(contestant: Contestant) -> Contestant:
    """Return ours as it is while it has no module for one hop: in the rows of two hops only."""
    return dataclasses.replace(contestant, shapes=TWO_HOPS) if contestant.name == OURS_NAME else contestant


def chosen(peer_names: list[str] | None) -> list[Contestant]:
    """Return ours, the ceiling, and the peers to measure against: all of them by default."""
    return [each for each in FIELD if not each.is_peer or peer_names is None or each.name in peer_names]


def is_installed(contestant: Contestant, find: Callable[[str], str | None] = peers.program) -> bool:
    """Tell whether a contestant's program is there; ours always is."""
    return all(any(find(name) for name in group) for group in contestant.programs)


def absence(contestant: Contestant) -> str:
    """Return what to say loudly about a peer that is not installed."""
    return f"!!! {contestant.title} is NOT INSTALLED, its column stays empty: apt-get install {contestant.package}"
