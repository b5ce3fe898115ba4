"""TCP keep-alive of the tunnel's own connections (RFC 1122, section 4.2.3.6), set alike at both ends.

It finds a peer whose host or network is gone; yamux's ping finds one whose program hangs. Both are cheap, and each
sees what the other cannot.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from connector_sim.exceptions import SettingsError
from maco_net.tcp import TcpStream

LONGEST_S = 32_767  # Linux takes no more: MAX_TCP_KEEPIDLE
MOST_PROBES = 127  # MAX_TCP_KEEPCNT

_IDLE = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)  # the latter on macOS


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """When the kernel asks a silent peer for a sign of life: after ``idle_s``, then every ``interval_s`` seconds.

    A peer that lets ``probes`` of them pass is taken for dead.
    """

    idle_s: int = 60
    interval_s: int = 10
    probes: int = 6

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        for name, longest in (("idle_s", LONGEST_S), ("interval_s", LONGEST_S), ("probes", MOST_PROBES)):
            if not 1 <= (found := getattr(self, name)) <= longest:
                raise SettingsError(f"keep_alive_{name}", f"found {found}, allowed: 1 to {longest}")


def with_keep_alive(stream: TcpStream, settings: KeepAlive) -> TcpStream:
    """Return the same connection with these settings; ``stream`` is used up. Raises PeerReset if its peer is gone."""
    sock = stream.detach()
    with contextlib.suppress(OSError):  # the peer is gone: whoever reads or writes next is told
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if _IDLE is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _IDLE, settings.idle_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, settings.interval_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, settings.probes)
    return TcpStream(sock)
